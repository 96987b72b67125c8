# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Numbers written in words, in five writings: "yuz ellik ming", "полтора миллиона", "он пайыз", "twenty-first". Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

# uz, uz in Cyrillic, ru (with the cases that follow "до", "за", "на"), kk, en; then the ordinals of dates.
TABLE: Final[Mapping[str, str]] = {
    "0.5": "yarim ярим жарым жарты half полу",
    "1": "bir бир бір один одна одно одну одного одной one birinchi биринчи бірінші первое первого первому first",
    "1.5": "полтора полторы полутора",
    "2": "ikki икки екі два две двух двум двумя двое двоих two ikkov вдвоем вдвоём ikkinchi иккинчи екінші второе второго второму second",
    "3": "uch уч үш три трех трёх трем трём трое троих three uchinchi учинчи үшінші третье третьего третьему third",
    "4": "to'rt тўрт төрт четыре четырех четырёх четверо четверых four to'rtinchi тўртинчи төртінші четвертое четвёртое четвертого четвёртого fourth",
    "5": "besh беш бес пять пяти пятеро пятерых five beshinchi бешинчи бесінші пятое пятого fifth",
    "6": "olti олти алты шесть шести шестеро six oltinchi олтинчи алтыншы шестое шестого sixth",
    "7": "yetti етти жеті семь семи семеро seven yettinchi еттинчи жетінші седьмое седьмого seventh",
    "8": "sakkiz саккиз сегіз восемь восьми eight sakkizinchi саккизинчи сегізінші восьмое восьмого eighth",
    "9": "to'qqiz тўққиз тоғыз девять девяти nine to'qqizinchi тўққизинчи тоғызыншы девятое девятого ninth",
    "10": "o'n ўн он десять десяти ten o'ninchi ўнинчи оныншы десятое десятого tenth",
    "11": "одиннадцать одиннадцати eleven одиннадцатое одиннадцатого eleventh",
    "12": "двенадцать двенадцати twelve двенадцатое двенадцатого twelfth",
    "13": "тринадцать тринадцати thirteen тринадцатое тринадцатого thirteenth",
    "14": "четырнадцать четырнадцати fourteen четырнадцатое четырнадцатого fourteenth",
    "15": "пятнадцать пятнадцати fifteen пятнадцатое пятнадцатого fifteenth",
    "16": "шестнадцать шестнадцати sixteen шестнадцатое шестнадцатого sixteenth",
    "17": "семнадцать семнадцати seventeen семнадцатое семнадцатого seventeenth",
    "18": "восемнадцать восемнадцати eighteen восемнадцатое восемнадцатого eighteenth",
    "19": "девятнадцать девятнадцати nineteen девятнадцатое девятнадцатого nineteenth",
    "20": "yigirma йигирма жиырма двадцать двадцати twenty yigirmanchi йигирманчи жиырмасыншы двадцатое двадцатого twentieth",
    "30": "o'ttiz ўттиз отыз тридцать тридцати thirty o'ttizinchi ўттизинчи отызыншы тридцатое тридцатого thirtieth",
    "40": "qirq қирқ қырық сорок сорока forty", "50": "ellik эллик елу пятьдесят пятидесяти fifty",
    "60": "oltmish олтмиш алпыс шестьдесят шестидесяти sixty", "70": "yetmish етмиш жетпіс семьдесят семидесяти seventy",
    "80": "sakson саксон сексен восемьдесят восьмидесяти eighty", "90": "to'qson тўқсон тоқсан девяносто девяноста ninety",
    "100": "yuz юз жүз сто ста hundred", "200": "двести двухсот", "300": "триста трехсот трёхсот", "400": "четыреста четырехсот четырёхсот",
    "500": "пятьсот пятисот", "600": "шестьсот шестисот", "700": "семьсот семисот", "800": "восемьсот восьмисот", "900": "девятьсот девятисот",
    "1000": "ming минг мың тысяча тысячи тысяч тысячу thousand", "1000000": "million миллион миллиона миллионов mln млн",
    "1000000000": "milliard миллиард миллиарда миллиардов billion mlrd млрд",
}  # fmt: skip
VALUES: Final[Mapping[str, Decimal]] = {word: Decimal(value) for value, words in TABLE.items() for word in words.split()}
# "uchta", "mingdan", "екеуі": Uzbek and Kazakh endings stick to the word.
ENDING: Final = re.compile(
    r"(?:tadan|tacha|tasi|ta|dan|gacha|ga|ning|ni|da|lik|тадан|тача|таси|та|дан|гача|га|нинг|ни|да|лик|ға|ге|де|те|ке|қа|ден|тан|тен|нан|нен|дық|дік)$"
)
TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
GAP: Final = re.compile(r"(?:\s|\s?[-‑–]\s?|\s(?:and a|and|va|ва|бір)\s)")
# "Он два месяца": ten in Kazakh, he in Russian.
RUSSIAN: Final = re.compile(r"од[ин]|дв|тр[её]|тро|четв|пят|шест|сем[ьи]|восем|восьм|девят|десят|тысяч")
# "The first half-hour" is half an hour.
ORDINAL: Final = re.compile(r"^(?:first|second|third|перв|втор|трет)|(?:th|inchi|инчи|інші|ншы)$")
# "Three and a half".
JOINERS: Final = frozenset(["and", "a"])
HUNDRED: Final = Decimal(100)
THOUSAND: Final = Decimal(1000)
# Words that are numbers in one language and something else in another stand alone too often: ru "он" (he), uz "yuz" (face).
DOUBTED: Final = frozenset(["он", "yuz", "юз", "сто", "уч", "second", "half", "бес", "да"])


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in words and where it stands. `sure` when more than one word, or one that is nothing else, says so."""

    value: Decimal
    start: int
    end: int
    sure: bool


def find(text: str) -> Iterator[Numeral]:
    """The numbers in words of a text, in order; `text` has one kind of apostrophe. "два-три" are two numbers."""
    low = text.lower()
    run: list[tuple[Decimal, int, int, str]] = []
    for match in TOKEN.finditer(low):
        if run and match[0] in JOINERS:
            continue
        value = _value(match[0])
        if value is None or (not run and re.search(r"\d\s?$", low[max(0, match.start() - 2) : match.start()])):
            if run:
                yield _numeral(run)
            run = []
            continue
        if run and (not GAP.fullmatch(low[run[-1][2] : match.start()]) or not _goes_on(run, value, match[0])):
            yield _numeral(run)
            run = []
        run.append((value, match.start(), match.end(), match[0]))
    if run:
        yield _numeral(run)


def _value(word: str) -> Decimal | None:
    value = VALUES.get(word)
    return value if value is not None else VALUES.get(ENDING.sub("", word)) if len(word) > 3 else None


def _goes_on(run: list[tuple[Decimal, int, int, str]], value: Decimal, word: str) -> bool:
    last = run[-1][0]
    if (run[-1][3] == "он" and RUSSIAN.match(word)) or (value < 1 and ORDINAL.search(run[-1][3])):
        return False
    if value in (HUNDRED, Decimal("0.5")) or value >= THOUSAND:
        return last < value or last >= HUNDRED or value < 1
    return last >= 10 and value < last


def _numeral(run: list[tuple[Decimal, int, int, str]]) -> Numeral:
    total, current = Decimal(0), Decimal(0)
    for value, *_ in run:
        if value >= THOUSAND:
            total += (current or 1) * value
            current = Decimal(0)
        elif value == HUNDRED:
            current = (current or 1) * HUNDRED
        else:
            current += value
    return Numeral(total + current, run[0][1], run[-1][2], len(run) > 1 or run[0][3] not in DOUBTED)
