# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""Kinds of facts: which a question asks for, and which stand in a passage, in four languages and both scripts.

A question for days is answered by days, whatever language either is in. The patterns are rough; how much a match tells is
learned (`ranking.json`).
"""

import functools
import re
from collections.abc import Mapping
from typing import Final

from savdo.knowledge.models import Passage

STANDS: Final[Mapping[str, re.Pattern[str]]] = {
    "money": re.compile(r"\d[\d\s.,]{2,}\s*(?:so.?m|сум|сўм|тенге|теңге|tenge|₸|\$|usd|тг|mln|млн|ming|тыс|мың)|₸|\bUZS|\bKZT", re.IGNORECASE),
    "duration": re.compile(r"\d+\s*(?:[-–]\s*\d+\s*)?(?:ish |рабоч\w+ |жұмыс |work\w+ |bank )?(?:kun|oy\b|oyd|oyga|soat|yil|hafta|daqiqa|minut|дн[яе]|день|дней|месяц|час|год|лет\b|недел|минут|күн|ай\b|айд|айғ|сағат|жыл|апта|day|month|hour|year|week|min)", re.IGNORECASE),
    "clock": re.compile(r"\b\d{1,2}[:.]\d{2}\b"),
    "percent": re.compile(r"\d\s*(?:%|foiz|процент|пайыз|percent)", re.IGNORECASE),
    "phone": re.compile(r"\+?\d[\d\s()-]{8,}\d"),
    "link": re.compile(r"https?://|www\.|@\w|\w\.(?:uz|kz|com|ru|example)\b", re.IGNORECASE),
    "place": re.compile(r"ko.?cha|улиц|ул\.|проспект|пр\.|көше|даңғыл|street|avenue|metro|метро|манзил|manzil|мекенжай|адрес|этаж|qavat|қабат|ориентир|mo.?ljal|mavze|мкр|tuman|район|ауданы", re.IGNORECASE),
    "count": re.compile(r"\d"),
}  # fmt: skip
ASKED: Final[Mapping[str, re.Pattern[str]]] = {
    "money": re.compile(r"qancha(?!.{0,12}(?:vaqt|kun|soat|muddat|oldin))|necha ?(?:pul|so.?m)|nech ?pul|narx|pochom|почом|почём|цен[аыуе]|сто[ия]|стоить|сколько(?!.{0,8}(?:дн|час|врем|мес|лет|недел|раз|мину)|.{0,12}(?:дела[ею]т|изгот|ждать|занима|длит))|почем|обойд|прайс|тариф|баға|қанша(?!.{0,8}(?:күн|уақыт|сағат|ай))|канша|құны|теңге|неше (?:теңге|сом)|how much|price|cost|fee|charge|rate|total|pay|қанчага|қанча(?!.{0,10}вақт)|канча|нарх|пул|to.?la|төле|плат", re.IGNORECASE),
    "duration": re.compile(r"necha ?(?:kun|oy|soat|yil|hafta|daqiqa|minut)|nechi ?(?:kun|oy|soat|yil)|qancha ?(?:vaqt|muddat|oldin)|qachon|muddat|нечч?[аи] ?(?:кун|ой|соат|йил)|қанча вақт|қачон|сколько (?:дн|час|врем|мес|лет|недел|мину|жд|дл|(?:у вас )?(?:дела[ею]т|изготавл|занима))|как долго|за сколько|срок|когда|через сколько|неше ?(?:күн|ай|сағат|жыл|апта|минут)|қанша (?:уақыт|күн|ай)|қашан|мерзім|how (?:long|soon|fast|quick|many (?:day|month|hour|year|week))|when|deadline|take", re.IGNORECASE),
    "clock": re.compile(r"soat|nechada|nechigacha|nechagacha|ochiq|yopil|ishlay|соат|ишлай|нечада|во сколько|до скольк|со скольк|час[ыа]|график|откры|закры|работа|сағат|нешеде|нешеге|ашық|жұмыс|what time|open|close|hours|until|till|late", re.IGNORECASE),
    "percent": re.compile(r"chegirma|skidka|foiz|чегирма|фоиз|скидк|процент|рассроч|комисси|жеңілдік|пайыз|discount|percent|off\b|interest|commission|cheaper", re.IGNORECASE),
    "phone": re.compile(r"raqam|telefon|tel\b|nomer|рақам|номер|телефон|позвон|қоңырау|нөмір|phone|number|call|contact", re.IGNORECASE),
    "link": re.compile(r"sayt|link|e-?mail|pochta|сайт|ссылк|почт|сілтеме|site|website|telegram|instagram|канал", re.IGNORECASE),
    "place": re.compile(r"qayer|manzil|joylash|qanday bor|filial|mo.?ljal|қаер|манзил|каер|где|адрес|наход|куда|филиал|метро|қайда|мекенжай|кайда|орналас|where|address|located|branch|near|location|get there", re.IGNORECASE),
    "count": re.compile(r"nechta|necha ?(?:kishi|odam|marta|ta\b)|нечта|сколько (?:раз|штук|чел|мест|раз)|неше (?:рет|адам|бала)|қанша адам|how many|how often|max|min\b|limit", re.IGNORECASE),
}  # fmt: skip
PRICED: Final = re.compile(r"цена|стоимость|narx|price|баға|құны|som|cost", re.IGNORECASE)


def asked(text: str) -> tuple[float, ...]:
    """For each kind 1.0 when a question asks for it."""
    return tuple(float(bool(pattern.search(text))) for pattern in ASKED.values())


def standing(passage: Passage) -> tuple[float, ...]:
    """For each kind 1.0 when such a fact stands in a passage."""
    priced = bool(passage.cells) and any(PRICED.search(heading) for heading in passage.cells or ())
    return tuple(max(stands, float(kind == "money" and priced)) for kind, stands in zip(STANDS, standing_in(passage.text), strict=True))


@functools.lru_cache(maxsize=8192)
def standing_in(text: str) -> tuple[float, ...]:
    """For each kind 1.0 when such a fact stands in a text."""
    return tuple(float(bool(pattern.search(text))) for pattern in STANDS.values())
