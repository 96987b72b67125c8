# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""What a message states of its writer: name, phone, e-mail, company, quantity, budget, timeline. Rules in four languages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from savdo.ai import linear
from savdo.reply import amounts, dates, names, phones
from savdo.reply.models import Turn

EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
NUMBERS: Final[Mapping[str, int]] = {
    word: value
    for value, words in {
        2: "ikki ikkita икки иккита два две двое двоих екі two", 3: "uch uchta уч учта три трое үш three", 4: "to'rt to'rtta тўрт тўртта четыре четверых төрт four",
        5: "besh beshta беш бешта пять бес five", 6: "olti oltita олти олтита шесть алты six", 7: "yetti yettita етти еттита семь жеті seven",
        8: "sakkiz sakkizta саккиз саккизта восемь сегіз eight", 9: "to'qqiz to'qqizta тўққиз тўққизта девять тоғыз nine", 10: "o'n o'nta onta онта ўн ўнта десять ten",
        12: "двенадцать twelve", 15: "пятнадцать fifteen", 20: "yigirma yigirmata йигирма йигирмата двадцать жиырма twenty", 30: "o'ttiz o'ttizta ўттиз ўттизта тридцать отыз thirty",
        50: "ellik ellikta эллик элликта пятьдесят елу fifty", 100: "yuz yuzta юз юзта сто жүз",
    }.items()
    for word in words.split()
}  # fmt: skip
COUNTED: Final = (
    r"(?:ta|та|dona|дона|дана|шт|логин\w*|индивидуальн\w*|штук\w*|pcs|pieces?|kishi\w*|киши\w*|nafar|нафар|xodim\w*|ходим\w*|odam\w*|одам\w*|o'quvchi\w*|"
    r"человек\w*|чел|сотрудник\w*|менеджер\w*|администратор\w*|продавц\w*|пользовател\w*|мест[ао]?|лиценз\w*|квартир\w*|ноутбук\w*|телефон\w*|компьютер\w*|"
    r"адам\w*|қызметкер\w*|сатушы\w*|пайдаланушы\w*|people|persons?|users?|seats?|employees|managers|sales\w*|laptops?|phones?|computers?|units?|licen[cs]es|"
    r"quti\w*|қути\w*|кути\w*|короб\w*|қорап\w*|box(?:es)?|packs?|packages|пач[ке]\w*|упаков\w*|мешк\w*|мешок|qop|қоп|қап|bags?|juft|жуфт|жұп|pairs?|komplekt\w*|комплект\w*|"
    r"sets?|рулон\w*|rulon\w*|rolls?|kg|кг|kilo\w*|кило\w*|tonna|тонн\w*|litr|литр\w*)"
)
QUANTITY: Final = re.compile(rf"(?<![\d.,+-])(\d{{1,4}})[\s-]?{COUNTED}(?![\w'])", re.IGNORECASE)
WORD_QUANTITY: Final = re.compile(rf"\b({'|'.join(NUMBERS)})\s{COUNTED}(?![\w'])", re.IGNORECASE)
REVERSED_QUANTITY: Final = re.compile(
    rf"(?:техники|все|всех|{COUNTED})\s({'|'.join(NUMBERS)})\b|\b(?:нас|biz|біз)\s(\d{{1,4}})\b(?!\s*(?:кв|kv|м))", re.IGNORECASE
)
# "On" is "ten" in Uzbek without its apostrophe, and "he" in Russian: a ten only before what Uzbeks and Kazakhs count with.
TEN: Final = re.compile(r"\b(?:on (?:ta|dona|nafar|kishi\w*|xodim\w*)|он (?:дана|адам\w*|та|дона|нафар|киши\w*))\b", re.IGNORECASE)
# The count alone, before what is wanted of it.
WANTED_QUANTITY: Final = re.compile(
    rf"\b({'|'.join(word for word in NUMBERS if word.endswith(('ta', 'та')))})\b(?=\s(?:kerak|керак|ol\w*|ол\w*|buyurtma|буюртма|zakaz|заказ|ber\w*|бер\w*)|\W*$)",
    re.IGNORECASE,
)
# A number of people or things that needs no noun.
SPOKEN_ALONE: Final[Sequence[tuple[int, re.Pattern[str]]]] = tuple(
    (count, re.compile(rf"\b(?:{words})\b", re.IGNORECASE))
    for count, words in (
        (
            2,
            r"ikkita|иккита|ikkala\w*|иккала\w*|ikkov\w*|икков\w*|ikki bolam|икки\w* болам|двоих|вдво[её]м|(?:нас|будет) двое|екеу\w*|both of us",
        ),
        (3, r"uchta|учта|uchov\w*|учов\w*|троих|втро[её]м|(?:нас|будет) трое|үшеу\w*|three of us"),
        (4, r"to'rtov\w*|тўртов\w*|четверых|вчетвером|(?:нас|будет) четверо|төртеу\w*|four of us"),
        (5, r"beshov\w*|бешов\w*|пятерых|впятером|(?:нас|будет) пятеро|бесеу\w*|five of us"),
        (6, r"шестерых|вшестером|(?:нас|будет) шестеро|алтау\w*|six of us"),
        (7, r"семерых|(?:нас|будет) семеро|жетеу\w*|seven of us"),
    )
)

DAY_NAMES: Final = (
    r"dushanba|seshanba|chorshanba|payshanba|juma|shanba|yakshanba|душанба|сешанба|чоршанба|пайшанба|жума|шанба|якшанба|"
    r"понедельник\w*|вторник\w*|сред[уаы]|четверг\w*|пятниц\w*|суббот\w*|воскресень\w*|дүйсенбі\w*|сейсенбі\w*|сәрсенбі\w*|бейсенбі\w*|жұма|сенбі\w*|жексенбі\w*|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|ponedelnik|vtornik|sredu|chetverg|pyatnicu|subbotu|voskresen\w*"
)
MONTHS_AWAY: Final = (
    r"(?:\d+|bir|ikki|uch|пару|два|три|несколько|бір|екі|a few|few|couple of)?[\s-]*(?:oydan|ойдан|oylardan) (?:keyin|кейин)|"
    r"через (?:\d+ |пару |два |три |несколько )?месяц\w*|через полгода|через год|в следующем месяце|следующ\w+ месяц\w*|до (?:весны|лета|осени|зимы)|"
    r"(?:\d+|бір|екі|бірнеше) айдан (?:кейін|соң)|келесі айда?|in (?:like |about |a )?(?:\d+|few|couple of|one|two|three|six)? ?months?|next month|"
    r"(?:keyingi|kelasi) oy\w*|(?:кейинги|келаси) ой\w*|bahorda|баҳорда|yozda|ёзда|kuzda|весной|летом|осенью|зимой|көктемде|жазда|күзде|next year|"
    r"после нового года"
)
WEEKS_AWAY: Final = (
    r"(?:keyingi|kelasi|келаси|кейинги) (?:hafta|ҳафта|хафта)\w*|(?:\d+|bir|ikki|uch|бир|икки|уч) (?:hafta|ҳафта|хафта)\w* (?:keyin|кейин|ichida|ичида)|"
    r"(?:на |со )?следующ\w+ недел\w+|через (?:\d+ |пару |две |три )?недел\w+|келесі апта\w*|(?:\d+|бір|екі|үш) аптадан (?:кейін|соң)|"
    r"next week|in (?:about |a |like )?(?:\d+|couple of|few|two|three)? ?weeks?|sleduyush\w+ nedel\w+"
)
NOW: Final = (
    r"bugun\w*|бугун\w*|hozir(?:oq)?|ҳозир\w*|хозир|сегодня\w*|сейчас|прямо щас|щас|срочно|бүгін\w*|қазір\w*|today|right now|asap|now|immediately|"
    r"segodnya|seychas|bugin|buginge|kazir|через (?:час|полчаса|\d+ минут\w*)|in (?:an|half an) hour|in \d+ min\w*|yarim soat\w*|ярим соат\w*|"
    r"бір сағаттан|жарты сағат\w*|\d+ (?:minut|минут)(?:da|dan|да|дан|тан|та)\w*"
)
DAYS_AWAY: Final = (
    rf"erta(?:ga|lik|gi)?|эртага|эртанги|indin(?:ga)?|индин(?:га)?|завтра\w*|послезавтра|zavtra|ертең\w*|ерте[нң]\w*|бүрсігүні|erten\w*|tomorrow|"
    rf"day after tomorrow|(?:{DAY_NAMES})\w*|через (?:\d+|пару|два|три) дн\w+|in (?:a few|\d+|couple of) days|(?:\d+|ikki|uch) kun(?:dan keyin| ichida)"
)
TIMELINES: Final[Sequence[tuple[str, re.Pattern[str]]]] = tuple(
    (name, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE))
    for name, words in (("months", MONTHS_AWAY), ("weeks", WEEKS_AWAY), ("now", NOW), ("days", DAYS_AWAY))
)
NOT_NOW: Final = re.compile(
    r"(?:hozir|ҳозир|хозир|қазір)(?:cha|ча|ше)? (?:emas|эмас|емес|уақытым|vaqtim)|не сейчас|not now|(?:hozir|ҳозир|хозир)ча|hozircha|қазірше|kazir emes",
    re.IGNORECASE,
)
# The numbers said in these count nothing the customer wants.
NOT_COUNTING: Final = frozenset({"spam", "complaint", "order_status"})
# A time said beside these is a wish of the customer's; beside a question of hours it is not.
TIMED_INTENTS: Final = frozenset({"booking", "ready_to_buy", "contact_details", "objection", "unclear", "human_request"})
STARTING: Final = re.compile(
    r"\bстарт(?:у|ов|\b)|boshla|бошла|начать|начн[её]м|нач(?:ина|ать)|баста|want to start|start in|kerak edi|нужен? к", re.IGNORECASE
)


def read(turn: Turn, intent: str) -> dict[str, Any]:
    """The entities of a turn by the keys of the evaluation data, and `when` (see `dates`). A phone or name given in parts is put
    together from the thread."""
    text = turn.text
    currency = str(turn.profile.get("currency") or "UZS")
    phone, without_phone = phones.find([said.text for said in turn.fresh], earlier(turn), currency)
    email = EMAIL.search(text)
    company, rest = names.company(EMAIL.sub(" ", without_phone))
    name = names.person(rest, turn, beside_details=bool(phone or email or company))
    budget = amounts.budget(without_phone, currency)
    number, when = quantity(without_phone), timeline(text, intent)
    found = {
        "name": name, "phone": phone, "email": email[0].rstrip(".") if email else None, "company": company,
        "quantity": number if intent not in NOT_COUNTING else None, "budget": budget if intent != "spam" else None, "timeline": when,
        "when": dates.of_turn(turn, without_phone) if _may_name_a_time(turn, intent) else None,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _may_name_a_time(turn: Turn, intent: str) -> bool:
    """A lone "5 da" after the question for the hour is easily taken for small talk; "see you tomorrow" is a goodbye."""
    return intent in TIMED_INTENTS or (intent in ("greeting", "off_topic") and "when" in turn.facts)


def earlier(turn: Turn) -> list[str]:
    """What the customer said just before this turn, for a number that was given in parts."""
    return [said.text for said in turn.history if said.author == "contact"][-3:]


def quantity(text: str) -> int | None:
    """How many things or people the customer speaks of."""
    text = linear.APOSTROPHES.sub("'", text)
    if match := QUANTITY.search(text):
        return int(match[1]) or None
    if match := WANTED_QUANTITY.search(text):
        return NUMBERS[match[1].lower()]
    if match := WORD_QUANTITY.search(text):
        return NUMBERS.get(match[1].lower())
    if match := REVERSED_QUANTITY.search(text):
        return int(match[2]) if match[2] else NUMBERS.get((match[1] or "").lower())
    if TEN.search(text):
        return 10
    return next((count for count, pattern in SPOKEN_ALONE if pattern.search(text)), None)


def timeline(text: str, intent: str) -> str | None:
    """now | days | weeks | months: when the customer wants it, None when that is not said or not what a time in it means."""
    if intent not in TIMED_INTENTS and not STARTING.search(text):
        return None
    text = NOT_NOW.sub(" ", text)
    # Whoever wants a person wants one now: nothing is planned by it.
    known = TIMELINES if intent != "human_request" else [one for one in TIMELINES if one[0] != "now"]
    return next((name for name, pattern in known if pattern.search(text)), None)
