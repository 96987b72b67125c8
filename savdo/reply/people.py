# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""People a reply speaks of: those nobody named before, and other customers. Pure."""

import functools
import re
from collections.abc import Iterator
from typing import Final

from savdo.reply.transliteration import KAZAKH_LETTERS

LETTERS: Final = {
    **KAZAKH_LETTERS,
    "ў": "o",
    "ҳ": "h",
    "қ": "q",
    "ж": "j",
    "х": "x",
    "'": "",
    "’": "",
    "ʻ": "",
    "‘": "",
    "ʼ": "",
    "ts": "c",
}
# Nobody's name, though polite people write it with a capital.
NAME: Final = r"(?!(?:Ва[мсш]|Вы\b|Siz|Сиз|Сіз|You))[A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎҲ][a-zа-яёәөүұқғңіһўҳ'’ʻʼ‘]{2,}"
# Family names of the region, in the cases they stand in.
FAMILY: Final = r"(?:ov|ova|ev|eva|yev|yeva|in|ina|skiy|skaya|enko|ov[ai]ning|ning|xon|bekov|bekova|ов|ова|овой|ову|ова|овым|ев|ева|евой|еву|евым|ин|ина|ский|ская|енко|ұлы|қызы|ович|евич|овна|евна|ynov|ынов|ынова|овтың|ованың|овнинг|ованинг|ovning|ovaning)"
TITLED: Final = re.compile(
    rf"(?:\b[Dd]r\.?|[Dd]octor|[Мм]астер\w*|[Вв]рач\w*|[Дд]октор\w*|[Сс]пециалист\w*|[Мм]енеджер\w*|[Дд]иректор\w*|[Пп]реподавател\w*|[Уу]чител\w*|[Тт]ренер\w*|[Пп]едагог\w*|[Пп]сихолог\w*|[Гг]ид\w{0, 2}|[Ии]нструктор\w*|[Сс]тилист\w*|[Кк]осметолог\w*|[Юю]рист\w*|[Мм]астериц\w*|[Gg]uide|[Ii]nstructor|[Cc]oach|[Ss]tylist|[Tt]utor|[Mm]urabbiy\w*|[Gg]id\w{0, 3}|[Тт]әлімгер\w*|[Ұұ]стаз\w*|[Ss]hifokor\w*|[Шш]ифокор\w*|[Дд]әрігер\w*|[Мм]аман\w*|[Uu]sta\w*|[Уу]ста\w*|[Mm]enejer\w*|[Mm]anager|[Tt]eacher|[Oo]'qituvchi\w*|[Мм]ұғалім\w*|[Tt]rainer)(?:imiz|имиз|іміз)?\s(?P<name>{NAME}(?:\s{NAME})?)"
)
FULL: Final = re.compile(rf"(?P<name>{NAME}\s(?:[A-ZА-Я][a-zа-яё]+{FAMILY})|(?:[A-ZА-Я][a-zа-яё]+{FAMILY})\s{NAME})\b")
OTHERS: Final = re.compile(
    r"друг(?:ой|ая|ого|ому|им|ие|их)\s(?:клиент|покупател|пациент|заказчик|гост)|предыдущ\w+\s(?:клиент|покупател|заказчик|заказ)|последн\w+\s(?:клиент|покупател|заказчик)|(?:клиент|покупател|заказчик)\w*\s(?:по имени|до вас|перед вами)"
    r"|boshqa (?:mijoz|xaridor|buyurtmachi)|oldingi (?:mijoz|xaridor|buyurtma)|bizning mijoz\w* \w+ |бошқа (?:мижоз|харидор)|олдинги (?:мижоз|буюртма)|басқа (?:клиент|тұтынушы|сатып алушы)|алдыңғы (?:клиент|тапсырыс)|(?:another|other|previous|last) (?:customer|client|patient|guest)s?|customer named|client list|list of (?:our )?(?:customers|clients)|список клиентов|mijozlar ro'yxati|клиенттер тізімі|база клиентов",
    re.IGNORECASE,
)  # fmt: skip
# Somebody by name who bought or ordered: nobody the customer has to hear of.
BOUGHT: Final = re.compile(
    rf"{NAME}(?:\s{NAME})?\s(?:(?:уже|также|вчера|allaqachon|has|had|also)\s)?(?:bought|ordered|purchased|paid|booked|(?:заказ|куп|покуп|оплат|взял|приобр)\w*л[аи]?\b|(?:\w+\s){{0,4}}(?:buyurtma qil|sotib ol|buyurtma ber|olib ket|сатып ал|тапсырыс бер|буюртма қил|сотиб ол)(?!\w*(?:сеңіз|саңыз|sangiz|сангиз|іңіз|ыңыз|ing\b))\w*)"
)
REFUSED: Final = re.compile(
    r"не могу|не можем|не раскрыва|не дел|нельзя|не сообща|не переда|не вправе|ololmay|olmay|bera ol|aytmay|bermay|mumkin emas|мумкин эмас|олмай|бермай|алмай|бермей|айтпай|болмайды|can't|cannot|can not|not able|don't share|do not share|never share|won't|private|confidential|конфиденц",
    re.IGNORECASE,
)
SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*")


def unknown(text: str, known: str) -> Iterator[str]:
    """Names of people that stand nowhere in `known`, in whatever letters and case."""
    named = [match["name"] for pattern in (TITLED, FULL) for match in pattern.finditer(text)]
    stems = {stem(word) for word in re.findall(r"[^\W\d_]+(?:['’ʻʼ‘][^\W\d_]+)*", known)} if named else set[str]()
    yield from (name for name in named if any(stem(word) not in stems for word in name.split()))


def others(text: str, company: str) -> Iterator[str]:
    """Sentences that tell about other customers; to refuse to is no telling, nor is what the company itself writes."""
    for sentence in SENTENCE.findall(text):
        found = OTHERS.search(sentence) or BOUGHT.search(sentence)
        if found and not REFUSED.search(sentence) and found[0].lower() not in company.lower():
            yield sentence.strip()


@functools.lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The first letters of a name as it sounds, in Latin ones."""
    latin = "".join(LETTERS.get(letter, letter) for letter in word.lower())
    # One sound has several spellings between the alphabets, and endings change with the case.
    for one, other in (
        ("zh", "j"),
        ("kh", "x"),
        ("h", "x"),
        ("q", "k"),
        ("w", "v"),
        ("ye", "e"),
        ("yu", "u"),
        ("ya", "a"),
        ("yo", "e"),
        ("y", "i"),
    ):
        latin = latin.replace(one, other)
    return latin[:4]
