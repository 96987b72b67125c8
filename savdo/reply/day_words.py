# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""Days, months and the words around them, as patterns of folded text. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from savdo.reply.scanning import plain

# One spelling for what is typed in several alphabets; Kazakh and Uzbek letters as people without them type.
LETTERS: Final[Mapping[int, str]] = str.maketrans({
    "а": "a", "ә": "a", "б": "b", "в": "v", "г": "g", "ғ": "g", "д": "d", "е": "e", "ё": "yo", "ж": "j", "з": "z", "и": "i", "і": "i", "й": "y", "к": "k",
    "қ": "k", "л": "l", "м": "m", "н": "n", "ң": "n", "о": "o", "ө": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ұ": "u", "ү": "u", "ў": "o",
    "ф": "f", "х": "h", "ҳ": "h", "һ": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "q": "k",
    **dict.fromkeys("'ʻʼ‘’`´", ""), **dict.fromkeys("–—‑−", "-"),
})  # fmt: skip
MONTHS: Final = (
    "yanvar|kantar|january|jan", "fevral|akpan|february|feb", "mart|nauryz|march|mar", "aprel|sauir|april|apr", "may|mae|mamyr", "iyun|mausym|june|jun",
    "iyul|shilde|july|jul", "avgust|tamyz|august|aug", "sent[ya]+br|kyrkuyek|september|sept|sep", "okt[ya]+br|kazan|october|oct", "noyabr|karasha|november|nov",
    "dekabr|jeltoksan|december|dec",
)  # fmt: skip
MONTH: Final = "|".join(MONTHS)
# Endings a month's name takes with a day; "gacha" and "deyin" make it a deadline.
ENDING: Final = r"(?:ya|a|ar|da|ga|de|ge|ning|dyn|y|ynda|inda)?\b(?!\s?-?(?:gacha|deyin))"
DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
# A year, a unit or money makes "7.09" something else than the seventh of September.
NO_DATE: Final = (
    r"(?!\s?(?:mln|million|milliard|mlrd|%|\$|€|₸|usd|eur|uzs|som|sum|rub|tenge|tys|ming|myn|k\b|kg|m\b|l\b|gb|dyuym|soat|chas|sagat))"
)
DATE: Final = re.compile(
    rf"(?<![\d.,:/])(?:(?P<d0>{DAY})\s?-\s?)?(?P<d1>{DAY})(?:st|nd|rd|th|-?go|-?e|-?i?nchi|-?chi)?[\s-]{{0,2}}(?:of\s)?(?P<mon1>{MONTH}){ENDING}(?:\s(?P<y1>20\d\d))?"
    rf"|\b(?P<mon2>{MONTH})(?:ning|dyn|din)?\s(?:oyining\s|ayynyn\s|the\s)?(?P<d2>{DAY})(?:st|nd|rd|th|\s?-?(?:si|chi|inchi|i)(?:da|ga|nda|nde|n)?)?\b(?![:.]\d|\s?(?:da|de|te|ta|ming|mln|tys)\b)"
    rf"|(?<![\d.,:/])(?<!soat )(?<!sagat )(?P<d3>{DAY})\.(?P<m>0[1-9]|1[0-2])(?:\.(?P<y3>(?:20)?\d\d))?(?!\d|[.,]\d){NO_DATE}"
)
DAY_OF_MONTH: Final = re.compile(
    rf"(?<![\d.,:])({DAY})(?:\s?-?[gx]o)?\schisl\w*|(?<![\d.,:])({DAY})-?go\b(?!\s(?:etaj|klass|god|razmer|urov))|\bthe\s({DAY})(?:st|nd|rd|th)\b(?!\sfloor)"
    rf"|(?<![\d.,:])({DAY})\s?-?(?:chi|nchi|inchi)?\s?-?sana(?:si)?(?:da|ga)?\b|(?<![\d.,:])({DAY})\s?-?(?:si|i|y|shi|shy)\s?kun[iu]?\b|(?<![\d.,:])({DAY})-kuni\b|(?<![\d.,:])({DAY})-i?(?:nde|nda|ne)\b"
)
RELATIVE: Final = tuple(
    (re.compile(pattern), ahead)
    for pattern, ahead in (
        (r"\bindin(?:ga|gi|da)?\b|\bposlezavtra\b|\bposle zavtra\b|\bburs[iu]?[gk]un\w*|\bday after tomorrow\b|\berta(?:dan|ga) keyin\b", 2),
        (r"\bertaga(?:yok|gi)?\b|\bertagi\b|\bertangi\b|\bertan\b|\bertalikka\b|\berta\b(?!\s(?:bilan|tong|sahar|saxar|bahor))|\bzavtra(?:shn\w*)?\b|\berten(?!gisin|gilik|der)\w*|\btom+or+ows?\b|\btmr?w?\b|\b2morrow\b", 1),
        (r"\bbugun(?:gi|ok|ga)?\b|\bsegodn\w*|\bsevodn\w*|\bbugin\w*|\btoday\b|\btonight\b|\bthis (?:evening|afternoon|morning)\b", 0),
    )
)  # fmt: skip
DEADLINE: Final = re.compile(
    rf"\b(?:do|by|until|till|before|k)\s(?:the\s)?(?:{DAY}(?:st|nd|rd|th|-?go)?\s(?:of\s)?(?:{MONTH})\w*|(?:{MONTH})\w*\s{DAY}|{DAY}\.(?:0\d|1[0-2])(?:\.\d+)?|{DAY}(?:-?go)?\schisla|(?:zavtra|pon|vtor|sred|chetverg|pyatn|subb|voskr|sleduy|mon|tues|wednes|thurs|fri|satur|sun|tomorrow|next|end)\w*)"
    rf"|(?:{DAY}[\s-]?)?(?:{MONTH}|ertan|erta|bugun|juma|\w*shanba|hafta|oy)\w*?\s?-?(?:gacha|kacha)\b|(?:{DAY}[\s-]?)?(?:{MONTH}|erten|bugin|juma|\w*senbi|apta|ay)\w*\sdeyin|(?:kun|hafta|oy|soat)\sichida"
)
_WEEKDAY_ENDING: Final = r"(?!\w*gacha)(?:da|de|ga|ge|ka|ke|ning|gi|lik|lari|kuni|dan|den|y|n)?\b"
AT_HOUR: Final = r"(?:at )?\d{1,2}(?::\d\d|\s?[ap]\.?m)"
WEEKDAYS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bdushanba{_WEEKDAY_ENDING}|\bponedeln\w*|\bdu[yi]senbi{_WEEKDAY_ENDING}|\bmondays?\b|\b(?:v|vo|na) pn\b|\b(?:on|next|this) mon\b|\bmon(?=,? {AT_HOUR})",
        rf"\bseshanba{_WEEKDAY_ENDING}|\bvtornik\w*|\bse[yi]senbi{_WEEKDAY_ENDING}|\btuesday\b|\b(?:v|vo|na) vt\b|\b(?:on|next|this) tues?\b|\btues?(?=,? {AT_HOUR})",
        rf"\bchorshanba{_WEEKDAY_ENDING}|\bsred[auyeo]y?\b|\bs[ae]rsenbi{_WEEKDAY_ENDING}|\bwednesday\b|\b(?:v|vo|na) sr\b|\b(?:on|next|this) wed\b|\bwed(?=,? {AT_HOUR})",
        rf"\bpayshanba{_WEEKDAY_ENDING}|\bchetverg\w*|\bbe[yi]senbi{_WEEKDAY_ENDING}|\bthursday\b|\b(?:v|vo|na) cht\b|\b(?:on|next|this) thu(?:rs)?\b|\bthu(?:rs)?(?=,? {AT_HOUR})",
        rf"\bjuma{_WEEKDAY_ENDING}|\bpyatni(?:ts|c|tc)\w*|\bfriday\b|\b(?:v|vo|na) pt\b|\b(?:on|next|this) fri\b|\bfri(?=,? {AT_HOUR})",
        rf"\bshanba{_WEEKDAY_ENDING}|\bsubbot\w*|\bsenbi{_WEEKDAY_ENDING}|\bsaturday\b|\b(?:v|vo|na) sb\b|\b(?:on|next|this) sat\b|\bsat(?=,? {AT_HOUR})",
        rf"\byakshanba{_WEEKDAY_ENDING}|\bvoskresen\w*|\bjeksenbi{_WEEKDAY_ENDING}|\bsunday\b|\b(?:v|vo|na) vs\b|\b(?:on|next|this) sun\b|\bsun(?=,? {AT_HOUR})",
    )
)
EVERY: Final = re.compile(
    r"\bhar\s|\bkajd\w*|\bevery\b|\bsayyn\b|\bpo (?:ponedeln|vtornik|sred|chetverg|pyatni|subbot|voskresen)\w*|days\b"
)
NEXT: Final = re.compile(r"\bkeyingi\b|\bkelasi\b|\bkelgusi\b|\bsled\w*|\bkelesi\b|\bnext\b|\bbudusch\w*")
_NEXT: Final = r"(?:keyingi|kelasi|kelgusi|sled\w*|kelesi|next|budusch\w*)"
_THIS: Final = r"(?:shu|bu|ushbu|eto[yt]|osy|bul|this)"
# What was is no wish.
PAST: Final = re.compile(
    r"\bvchera\w*|\bpozavchera\w*|\bkecha\b|\bkeshe\b|\byesterday\b|\bproshl\w+|\botgan\b|\botken\b|\blast (?:week|month|year|night|\w+day)\b|\bago\b|\bnazad\b|\b(?:kun|hafta|oy|soat|yil|apta|ay|sagat|jyl)\s(?:oldin|avval|buryn)\b"
)
# "14 00 da" is 14:00.
SPLIT_CLOCK: Final = re.compile(r"(?<![\d.,:] )(?<![\d.,:])([01]?\d|2[0-3]) (00|15|30|45)(?=\s?-?(?:da|de|te|ga|ge|larda|lerde)\b)")
WEEKEND: Final = re.compile(
    r"\bvyhodny(?:e|h|m)\b|\bdam olish kunlari\w*|\bdemalys kunder\w*|\bweekend\b|\bhafta (?:oxir|ohir|sonu)\w*|\bkont?se nedeli\b|\bapta son\w*"
)
NEXT_WEEK: Final = re.compile(rf"\b{_NEXT}\s(?:[xh]afta|nedel|apta|week)\w*")
THIS_WEEK: Final = re.compile(rf"\b{_THIS}\s(?:[xh]afta|nedel|apta|week)\w*")
NEXT_MONTH: Final = re.compile(rf"\b{_NEXT}\s(?:oy|mesya|ay|month)\w*")
IN_MONTH: Final = re.compile(
    rf"\bv\s({MONTH})(?:e|ye|de)?\b|\bin\s({MONTH})\b|\b({MONTH})\s(?:oyi(?:da|ga)|ayynda|oylari)|\b({MONTH})(?:da|de)\b"
)
# What has digits and no time in it: prices, shares, sizes, ages, counts, phones, round-the-clock.
TRAPS: Final = re.compile(
    r"\bgood (?:morning|afternoon|evening|day)\b|\bdobr\w+ (?:utr|vecher|den|dn)\w*|\b[xh]ayrli (?:tong|kech|kun|oksh)\w*|\bkayyrly (?:tan|kesh|kun)\w*|\bhoroshego (?:dnya|vechera)|\bhave a (?:good|nice|great) \w+|"
    r"\+?\d(?:[\s()-]{0,2}\d){8,13}|\b24\s?/\s?7\b|\b24\s?(?:soat|chasa|sagat|hours)\b"
    r"|\d[\d\s.,]*\s?(?:mln|million\w*|mlrd|milliard\w*|ming\b|tys\w*|myn\b|thousand|%|foiz\w*|protsent\w*|payyz\w*|percent|\$|€|₸|₽|usd|eur|uzs|kzt|som\w*|sum\b|summ?\w*|tenge\w*|tg\b|rub\w*|dollar\w*|k\b)|[$€]\s?\d[\d\s.,]*"
    r"|\d+(?:[.,]\d+)?\s?-?(?:ta|dona|dana|sht\w*|kishi\w*|nafar|odam\w*|adam\w*|chel\w*|people|persons?|pieces?|pcs|kg|gr?|sm|cm|mm|km|m2|kv\w*|metr\w*|litr\w*|gb|tb|dyuym\w*|inch\w*|yosh\w*|jas\w*|let\b|god[au]?\b|years?|yil\w*|jyl\w*|xona\w*|komnat\w*|bolme\w*|etaj\w*|kavat\w*|kabat\w*|floor|klass\w*|raz\b|raza\b|marta\b|times|razmer\w*|mest\w*|seats?|nomer\w*|rooms?|x\s?\d+)\b(?!\s?:)"
    r"|(?:№|#|\bdom|\bkv|\bofis|\bofice|\bnomer|\buy|\bxonadon|\brazmer|\bsize|\bmodel|\biphone|\bkabinet|\bgruppa|\bguruh)\s?\d+"
)


def fold(text: str) -> str:
    """The text in small Latin letters without apostrophes, one kind of dash, single spaces."""
    folded = plain(text).lower().translate(LETTERS).replace("zh", "j")
    return re.sub(r"[ \t]+", " ", folded)


def without_traps(folded: str) -> str:
    """A folded text without what looks like a time and is none; what it is blanked with joins nothing."""
    return DEADLINE.sub(" ; ", TRAPS.sub(" ; ", SPLIT_CLOCK.sub(r"\1:\2", folded)))


def without_dates(folded: str) -> str:
    """The text without its dates, whose digits are no hours."""
    return DAY_OF_MONTH.sub(" ; ", DATE.sub(" ; ", folded))


def month_of(word: str) -> int:
    return next(place for place, words in enumerate(MONTHS, 1) if re.fullmatch(words, word))
