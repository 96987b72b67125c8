"""What all of it comes to, over several messages."""

from uuid import uuid5

import pytest

from savdo.reply import topic, totals, understand
from savdo.reply.models import Campaign
from tests.reply.cast import SPACE, found, passage, turn

TILES = Campaign(uuid5(SPACE, "tiles"), "Укладка плитки", {"amount": 95_500, "currency": "UZS", "from": False, "per": "m2"}, (), {}, "")
GLAZING = passage(
    "xizmat: Balkon oynalash, tur: Alyumin, narx_som: 740000, birlik: m2",
    cells={"xizmat": "Balkon oynalash", "tur": "Alyumin", "narx_som": "740000", "birlik": "m2"},
    language="uz",
)


@pytest.mark.parametrize(
    ("before", "text", "worked"),
    [
        ("нужна укладка плитки на 24 кв", "сколько всего выйдет?", "24 × 95 500 = 2 292 000 сум"),
        ("укладка плитки в ванной понадобится", "итого за 7 квадратов сколько", "7 × 95 500 = 668 500 сум"),
        ("balkonimiz 9 kv, alyumin bo'lsin", "jami qancha chiqadi", "9 × 740 000 = 6 660 000 so‘m"),
        ("нужна укладка плитки на 24 кв", "а когда начнёте?", None),
        ("нужна укладка плитки", "сколько всего выйдет?", None),
        ("нужна мойка окон, 24 кв", "сколько всего выйдет?", None),
        ("плитка 24 кв и потом ещё 30 кв", "сколько всего выйдет?", None),
    ],
)
def test_that_the_metres_and_the_thing_of_the_thread_are_multiplied_where_both_are_certain(
    before: str, text: str, worked: str | None
) -> None:
    asked = turn(text, history=(("contact", before), ("bot", "Понятно.")), campaigns=(TILES,))
    total = totals.find(asked, understand.read(asked), found(GLAZING).passages)
    assert (total.worked if total else None) == worked


def test_that_all_of_it_is_all_of_what_was_spoken_of() -> None:
    assert "плитки" in topic.asked(turn("сколько всего выйдет?", history=(("contact", "укладка плитки на 24 кв"),)))
    assert "плитки" not in topic.asked(turn("покраска стен всего сколько выйдет?", history=(("contact", "укладка плитки на 24 кв"),)))
