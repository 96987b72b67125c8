# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""What a turn asks about: without its greeting, and with what was asked before where it says too little alone."""

import re
from typing import Final

from savdo.ai import language
from savdo.knowledge import words
from savdo.reply import cues, totals
from savdo.reply.models import Said, Turn

LONGEST: Final = 1500
SHORT: Final = 4
FOLLOWS_SHORT: Final = 6
# How far back a chain of short follow-ups reaches.
CHAIN: Final = 3
HELLO: Final = re.compile(
    r"(?:assalom\w*(?:[\s,]+alay?kum)?|здрас(?:ь?те|ти)|здаров\w*|здоров[ао]|хай|ку|ass?alo\w*(?:[\s,]+ale?y?kum)?|vaalaykum\s+assalom|салом\w*(?:\s+алайкум)?|ассалом\w*(?:[\s,]+ала?йкум)?|salom\w*|privet\w*|zdravstvu\w+|здравствуй\w*|привет\w*|добр\w+\s+(?:день|утр\w|вечер)|доброго\s+времени\s+суток|"
    r"xayrli\s+(?:kun|tong|kech|oqshom)\w*|хайрли\s+(?:кун|тонг|кеч|оқшом)\w*|с[әа]лем\w*(?:\s+бе)?|salem\w*(?:\s+be)?|қайырлы\s+(?:күн|таң|кеш)\w*|қайырлы\s+кеш|hello(?:\s+there)?|hi(?:\s+there)?|hey(?:\s+there)?|good\s+(?:morning|afternoon|evening|day)|greetings)(?!\w)",
    re.IGNORECASE,
)
ADDRESSED: Final = re.compile(
    r"(?:bormisiz(?:lar)?|yaxshimisiz(?:lar)?|qalaysiz(?:lar)?|қалайсыз(?:лар)?|яхшимисиз(?:лар)?|бормисиз(?:лар)?|қалыңыз\s+қалай|как\s+дела|how\s+are\s+you|aka|opa|ака|опа|hurmatli|уважаем\w+|коллеги|team|there|everyone|(?:is\s+)?any(?:one|body)(?:\s+(?:there|here|around|online))?|(?:есть\s+)?кто(?:[\s-]+нибудь)?(?:\s+(?:тут|здесь|есть|живой|на\s+связи))+|есть\s+кто(?:[\s-]+нибудь)?(?:\s+живой)?|(?:hech\s+)?kim\s+bor(?:mi)?|(?:ҳеч\s+)?ким\s+бор(?:ми)?|біреу\s+бар\s+ма|guys|все[хм]|баршаңызға|hammaga|ҳаммага)(?!\w)",
    re.IGNORECASE,
)
THANKS: Final = re.compile(
    r"(?:(?:katta\s+|каттакон\s+|катта\s+|большое\s+|үлкен\s+|көп\s+)?(?:rahmat|raxmat|раҳмат|рахмат|спасибо|благодарю|рахмет|рақмет|rahmet)(?:\s+(?:sizga|сизга|сізге|вам|большое|katta|за\s+ответ))?|thank(?:s|\s+you)(?:\s+(?:so\s+much|very\s+much|a\s+lot|in\s+advance))?|заранее\s+спасибо|oldindan\s+rahmat)(?!\w)",
    re.IGNORECASE,
)
AND: Final = re.compile(
    r"\?\s+|,?\s+(?:va|hamda|yana|ва|ҳамда|и(?: ещ[её]| также)?|а также|және|тағы|әрі|and(?: also)?|also)\s+", re.IGNORECASE
)
RUSSIAN: Final = (
    ("shch|sch", "щ"), ("sh", "ш"), ("zh|j", "ж"), ("ch", "ч"), ("kh|x", "х"), ("ts|tz", "ц"), ("ya|ia", "я"), ("yu|iu", "ю"), ("yo|jo", "ё"),
    ("(?<=[aeiouаеиоуыэюя])y", "й"), ("y", "ы"), ("c(?=[eiy])", "ц"), ("'", "ь"),
    *zip("abvgdezijklmnoprstufhcqw", "абвгдезийклмнопрстуфхккв", strict=True),
)  # fmt: skip
BETWEEN: Final = " \t\n,.!;:-–—👋🙂😊🙏"
# "Do you have this?" under a product or a quoted message.
POINTS: Final = re.compile(
    r"\b(?:this|these|those|shu\w{0,4}|bu|bun\w{1,3}|шу\w{0,4}|бу|бун\w{1,3}|эт(?:о|от|а|и|у|ого|их|им|ому|ой)|так(?:ой|ая|ое|ие)|осы\w{0,4}|бұл|мұн\w{1,3}|мына\w{0,3})\b",
    re.IGNORECASE,
)
FOLLOWS: Final = re.compile(r"^(?:а|ну\s+а|и|ал|and|what about|how about|or|va|unda|у?нда|ва|yoki|ёки|немесе|сонда|или|тогда|then)\s|(?:chi|чи|ше|ші)\W*$", re.IGNORECASE)  # fmt: skip
# They ask something of a thing and do not name the thing: alone they are about what was spoken of before.
OF_SOMETHING: Final = frozenset(
    f"@{name}"
    for name in (
        "price", "cheap", "expensive", "today", "tomorrow", "morning", "evening", "daytime", "night", "hour", "minute", "day", "week", "month",
        "year", "duration", "urgent", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "weekend", "quantity",
        "size", "color", "weight", "included", "percent", "samsung", "iphone", "xiaomi", "room", "city", "region", "other_city", "child",
        "adult", "student", "person", "meter", "kilogram", "liter", "finish", "free", "paid", "separately", "brand", "model", "new", "used", "original", "copy",
    )
)  # fmt: skip

# Verbs of asking what something costs, which are no things.
ASKS_FOR_MUCH: Final = re.compile(
    r"^(?:tur(?:a|ad)\w*|тур(?:а|ад)\w*|тұра\w*|стоит|стоят|стоить|обойд\w*|выйдет|cost\w*|bo'l\w*|бўл\w*|бола\w*|болад\w*)\W*$",
    re.IGNORECASE,
)
# What stands beside "all of it" and names nothing either.
OF_ALL: Final = frozenset(
    {"@all_of", "@total", "@whole", "@about_so", "@possible", "@together", "@with_it", "@come", "@per_unit", "@money", "@and_also"}
)
MEASURES: Final = frozenset({"@meter", "@kilogram", "@liter", "@square_metre", "@piece"})
AREAS_OF_SOMETHING: Final = ("calendar", "links", "measures")


def asked(turn: Turn) -> str:
    """What to look for. A really elliptical message ("and for 2 rooms?") borrows the topic of the one before; where it names
    a property of its own, only the thing is borrowed, so that the new question weighs more than the old one."""
    text = _in_cyrillic(bare(turn.text))
    if pointed := _pointed_at(turn, text):
        return f"{pointed}\n{text}".strip()[:LONGEST]
    if not is_elliptical(text):
        return text[-LONGEST:]
    before = [_with_products(said) for said in turn.history if said.author == "contact"]
    topic = _topic_of(before)
    own = [term for term in words.terms(text) if term.startswith("@")]
    if own:
        topic = _without_questions(topic)
    return "\n".join(part for part in (topic, text) if part)[-LONGEST:]


def _pointed_at(turn: Turn, text: str) -> str:
    """ "How much is this?" under a product, a picture or an earlier message is about what stands there; "" for what names its thing."""
    points = is_elliptical(text)
    if turn.products and (points or POINTS.search(text) or not things(text)):
        return turn.products[: LONGEST // 2]
    if turn.shown and points:
        return turn.shown[: LONGEST // 2]
    return turn.quoted[: LONGEST // 4] if points or POINTS.search(text) else ""


def _with_products(said: Said) -> str:
    return f"{said.pointed.products}\n{said.text}".strip() if said.pointed else said.text


def _in_cyrillic(text: str) -> str:
    """Russian that was typed in Latin letters in its own, which is what the embeddings and the lexicon know."""
    if language.identify(text) != ("ru", "latn"):
        return text
    for latin, letter in RUSSIAN:
        text = re.sub(latin, letter, text, flags=re.IGNORECASE)
    return text


def wider(turn: Turn) -> str:
    """The question together with the one before it, for when it finds nothing alone; empty when there is none before."""
    spoken = [_with_products(said) for said in turn.history if said.author == "contact"]
    before = [bare(text) for text in spoken if text and not greets(text)]
    before += filter(None, (turn.quoted, turn.products))
    now = bare(turn.text)
    return f"{before[-1]}\n{now}"[-LONGEST:] if before and before[-1] not in asked(turn) else ""


def halves(text: str) -> tuple[str, ...]:
    """The two questions of a sentence that asks two ("what does it cost and when is it ready?"), the second with the first's
    thing where it names none; empty when it asks one."""
    for parting in AND.finditer(text):
        one, other = text[: parting.start()].strip(), text[parting.end() :].strip()
        # The mark at the end asks for both; each has to ask by its own words.
        if all(len(half.split()) > 1 and cues.QUESTION.search(half.rstrip("? !.")) for half in (one, other)):
            return one, "\n".join(filter(None, (_without_questions(one), other))) if is_elliptical(other) else other
    return ()


def is_elliptical(text: str) -> bool:
    """Whether a message cannot be understood without the one before it."""
    if not re.search(r"\w", text):
        return True
    if totals.ASKED.search(text) and len(text.split()) <= FOLLOWS_SHORT and not any(_names_a_thing(word) for word in text.split()):
        return True
    follows = FOLLOWS.search(text.strip())
    if len(text.split()) >= (FOLLOWS_SHORT if follows else SHORT):
        return False
    terms = words.terms(text)
    if any(term.startswith("@") and not _of_another(term) for term in terms):
        return False
    # "Divan narxi?" names its thing; "narxi?" and "а для самсунга?" do not.
    spoken = [word for word in words.folded_words(text) if len(word) > len("то")]
    things = [word for word in spoken if word not in words.lexicon().stop and not _of_something(word)]
    return bool(follows) or not things or not any(term.startswith("@") for term in terms)


def goes_on(turn: Turn) -> bool:
    """Whether a few words add a number to what was just spoken of: "3 metr" after "a kitchen"."""
    text = bare(turn.text)
    return bool(re.search(r"\d", text)) and is_elliptical(text) and asked(turn) != text


def bare(text: str) -> str:
    """The message without the greeting it opens with and the thanks around a question; itself when nothing else is in it."""
    rest = text.strip()
    for _ in range(3):
        opened = HELLO.match(rest) or ADDRESSED.match(rest) if rest != text.strip() else HELLO.match(rest)
        if opened is None:
            break
        rest = rest[opened.end() :].lstrip(BETWEEN)
    if "?" in rest:
        rest = THANKS.sub(" ", rest).strip(BETWEEN)
    return rest if re.search(r"\w{2}", rest) else text.strip()


def greets(text: str) -> bool:
    """Whether a message is a greeting and nothing else."""
    rest = text.strip()
    if not HELLO.match(rest):
        return False
    return not re.search(r"\w{2}", ADDRESSED.sub(" ", HELLO.sub(" ", rest)))


def _names_a_thing(word: str) -> bool:
    return any(concept not in OF_ALL and not _of_another(concept) for concept in words.concepts(word))


def _of_something(word: str) -> bool:
    meant = words.concepts(word)
    return word.isdigit() or any(map(_of_another, meant))


def _of_another(concept: str) -> bool:
    """Whether a shared word of the lexicon ("@month") asks something of a thing it does not name."""
    return concept in OF_SOMETHING or any(concept[1:] in words.lexicon().areas[area] for area in AREAS_OF_SOMETHING)


def _topic_of(before: list[str]) -> str:
    for text in reversed(before[-CHAIN:]):
        rest = bare(text)
        if not is_elliptical(rest) and not greets(rest):
            return rest
    return bare(before[-1]) if before else ""


def things(text: str) -> list[frozenset[str]]:
    """What a question is about, without what it asks of it, as the terms of each thing: "сколько стоит диван" → the sofa."""
    rest = _without_questions(bare(text)).split()
    found: list[frozenset[str]] = []
    while rest:
        word, *rest = rest
        # "3 метра" is how much of it; the metres are taken off with the other properties.
        if word.isdigit() and _is_counted(word, text):
            continue
        # "ас үй" (a kitchen) is no house.
        pair = set(words.concepts(f"{word} {rest[0]}")) - set(words.concepts(word)) - set(words.concepts(rest[0])) if rest else set[str]()
        if pair and not any(map(_of_another, pair)):
            found.append(frozenset(pair))
            rest = rest[1:]
        elif _is_thing(word):
            found.append(frozenset(words.terms(word)))
    return found


def _is_counted(number: str, text: str) -> bool:
    """Whether a number is followed by a measure: "4 metr"."""
    behind = re.search(rf"(?<!\d){number}\s?([^\W\d]+)", text)
    return behind is not None and not MEASURES.isdisjoint(words.concepts(behind[1]))


def _is_thing(word: str) -> bool:
    meant = words.concepts(word)
    return (
        bool(words.terms(word))
        and not ASKS_FOR_MUCH.search(word)
        and (not meant or any(one not in OF_ALL and not _of_another(one) for one in meant))
    )


def _without_questions(text: str) -> str:
    """The words of a text that name a thing, without those that ask a property of it."""
    kept: list[str] = []
    for word in text.split():
        folded = words.folded_words(word)
        meant = words.concepts(word)
        if folded and not all(one in words.lexicon().stop for one in folded) and not (set(meant) & PROPERTIES):
            kept.append(word)
    return " ".join(kept)


PROPERTIES: Final = frozenset(
    f"@{name}"
    for name in (
        "price", "cheap", "expensive", "discount", "promotion", "free", "paid", "payment", "prepayment", "installment", "credit", "cash",
        "card", "transfer", "refund", "return_goods", "exchange", "warranty", "delivery", "courier", "pickup", "post", "duration", "urgent",
        "address", "working_hours", "open", "closed", "parking", "day", "hour", "month", "week", "year", "minute", "stock", "installation",
    )
)  # fmt: skip
