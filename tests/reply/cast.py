# ruff: noqa: E501 # one case a line
"""An invented company and its customers, for the tests of answering."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from savdo.knowledge.models import Found, Passage
from savdo.reply.models import Campaign, Said, Turn

SPACE = UUID("00000000-0000-0000-0000-000000000001")
NOW = datetime(2026, 5, 6, 10, tzinfo=UTC)
PROFILE = {
    "name": "Velo Dunyo", "phone": "+998712001122", "currency": "UZS", "timezone": "Asia/Tashkent",
    "working_hours": {day: ["09:00", "19:00"] for day in ("mon", "tue", "wed", "thu", "fri")} | {"sat": ["10:00", "16:00"], "sun": None},
}  # fmt: skip
BIKES = Campaign(
    uuid5(SPACE, "bikes"), "Горный велосипед Sayr 27", {"amount": 3_400_000, "currency": "UZS", "from": True, "per": None}, ("21 скорость",),
    {
        "greeting": "Здравствуйте! Подберём велосипед по росту.",
        "qualification_questions": ["Какой у вас рост?", "По городу или в горы?"],
        "objection_answers": {"price": "Есть рассрочка на 4 месяца без наценки."},
        "closing": "Когда вам удобно заехать на пробную поездку?",
    },
    "",
)  # fmt: skip


def passage(text: str, *, cells: Mapping[str, str] | None = None, title: tuple[str, ...] = (), language: str = "ru") -> Passage:
    return Passage(
        uuid5(SPACE, text), uuid5(SPACE, "doc"), "doc", "row" if cells else "text", title, text, cells, None, language, (text,), (1.0,)
    )


def found(*passages: Passage, support: float = 0.9) -> Found:
    """What a search found: the first takes most of the share."""
    shares = [0.8 / (4**place) for place in range(len(passages))]
    return Found(tuple(replace(one, score=share) for one, share in zip(passages, shares, strict=True)), support if passages else 0.0)


ROW = passage(
    "модель: Sayr 27, вид: горный велосипед, цена_сум: 3400000, гарантия: 18 месяцев",
    cells={"модель": "Sayr 27", "вид": "горный велосипед", "цена_сум": "3400000", "гарантия": "18 месяцев"},
)
DELIVERY = passage("Доставка по Ташкенту стоит 35 000 сумов. В области не доставляем.", title=("Условия", "Доставка велосипедов"))


def turn(*fresh: str, history: tuple[tuple[str, str], ...] = (), facts: Mapping[str, Any] | None = None, language: str = "",
         status: Literal["bot", "handover", "human", "closed"] = "bot", currency: str = "UZS", campaigns: tuple[Campaign, ...] = (BIKES,)) -> Turn:  # fmt: skip
    before = tuple(Said(place, "bot" if who == "bot" else "contact", text, NOW) for place, (who, text) in enumerate(history, 1))
    now = tuple(Said(len(before) + place, "contact", text, NOW) for place, text in enumerate(fresh, 1))
    return Turn(
        SPACE, SPACE, SPACE, "web_chat", PROFILE | {"currency": currency}, campaigns, before, now, facts or {}, status, language, "", NOW
    )
