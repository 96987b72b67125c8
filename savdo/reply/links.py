"""Where a text sends its reader: links, e-mail addresses and @names, also in disguise. Pure."""

import functools
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from savdo.reply.scanning import plain

# Without those that are also words ("text.It is").
ENDING: Final = (
    "uz|kz|ru|com|net|org|io|me|app|example|shop|online|store|info|biz|kg|tj|tm|dev|ai|co|site|link|ly|gl|xyz|top|pro|club|рф|қаз|бел|us|eu|uk|de|cn|su|by|ua|tv|ws|cc|icu"
    "|win|live|fun|vip|bot|page|world|space|tech|cloud|finance|cash|money|pay|network|agency|zip|click|pw|tk|ml|ga|cf|gq|support|market|group|team|az|ge|fr|es|tr|ir|ton|gov|edu|mobi|asia|tel|red|blog|wiki|center"
)
LINK: Final = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*://|www\.|(?:javascript|data|vbscript|file):)\S+|(?<![\w@.])(?:[\w-]+\.)+(?:{ENDING})\b(?:[/?#:]\S*)?(?!\.?\w)|(?<![\w.])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)
EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HANDLE: Final = re.compile(r"(?<![\w/@.])@(\w{4,})")
# "evil[.]com", "evil dot com", "evil точка ру", "evil . com": nobody writes the company's own site like that.
DISGUISED: Final = re.compile(
    rf"\b[\w-]+\s?(?:\[\.\]|\(\.\)|\{{\.\}}|\[dot\]|\(dot\)|\sdot\s|\sточка\s|\snuqta\s|\sнуқта\s|\sнүкте\s)\s?(?:{ENDING}|ру|ком|уз|кз|нет)\b|\bhxxps?\b|\b[\w-]+\s\.\s(?:com|net|uz|ru|kz|org|io)\b",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=512)
def find(text: str) -> tuple[str, ...]:
    """The links of a text as written, without the full stop behind them."""
    without_mail = EMAIL.sub(" ", text)
    return tuple(match[0].rstrip(".,;:!?)]}»\"'*") for match in LINK.finditer(without_mail))


def parts(link: str) -> tuple[str, str]:
    """(host with port and user, path with query): a known site with somebody else's query is another link."""
    split = urlsplit(link if "://" in link else f"https://{link}")
    query = f"?{split.query}" if split.query else ""
    fragment = f"#{split.fragment}" if split.fragment else ""
    return split.netloc.lower().removeprefix("www."), split.path.rstrip("/") + query + fragment


def unknown(text: str, known: str) -> Iterator[str]:
    """The links, @names and disguised addresses of a text that do not stand in `known`."""
    told, names = find(text), HANDLE.findall(EMAIL.sub(" ", text))
    if told or names:
        known = plain(known).lower()
    places = {parts(link) for link in find(known)} if told else set[tuple[str, str]]()
    hosts = {host for host, _ in places}
    for link in told:
        place = parts(link.lower())
        # The front page of a site that is known by one of its pages.
        if place not in places and not (place[1] == "" and place[0] in hosts):
            yield link
    yield from (f"@{name}" for name in names if not re.search(rf"[@/]{re.escape(name.lower())}(?!\w)", known))
    yield from (match[0] for match in DISGUISED.finditer(text))


def without(text: str) -> str:
    """The text without links, addresses and @names, whose digits are no figures."""
    for link in sorted(find(text), key=len, reverse=True):
        text = text.replace(link, " ")
    return EMAIL.sub(" ", HANDLE.sub(" ", text))
