"""Every channel of one company as its customers meet it: who writes there, what they are answered, and what may go wrong."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.emulators import meta_pages as page_people
from tests.emulators import whatsapp as number_people
from tests.emulators.meta import Meta
from tests.emulators.meta_pages import INSTAGRAM_SCOPES, MESSENGER_SCOPES, Page
from tests.emulators.telegram import Telegram
from tests.emulators.waha import Waha
from tests.emulators.whatsapp import SCOPES, WhatsApp

COMPANY = "Chinor Mebel"
ENTER = "Its new token is {token}: the owner enters it on the channel's page under Set-up. What waits goes out then."
LOG_IN = "The owner logs in again on the channel's page under Set-up. What waits goes out then."
ACCOUNT, LINK = 7001, "bc_1"
PAGE, LEADING_PAGE = "111", "112"


@dataclass(kw_only=True)
class Road:
    """`address` is how customers find the company; `connected` what a connection is made of. Customers are known by their
    names: one `says` a text, `shows` a picture, and has `heard` what they were sent, oldest first (name, text). `phone` is a
    person of the company who answers in the channel's own app, None where there is none. `breaks` has the `trouble` happen
    and gives back what the owner has to do; `mends` undoes it where that happens outside, and is called `mended`."""

    kind: str
    title: str
    address: str
    connected: Mapping[str, str]
    says: Callable[[str, str], object]
    shows: Callable[[str, bytes], object]
    heard: Callable[[], list[tuple[str, str]]]
    phone: Callable[[str, str], object] | None = None
    trouble: str
    breaks: Callable[[], str]
    mended: str = ""
    mends: Callable[[], object] | None = None
    note: str = ""


def telegram_bot(telegram: Telegram, people: Mapping[str, int]) -> Road:
    def breaks() -> str:
        telegram.token = f"{telegram.id}:{'B' * 30}{telegram.calls.total():05}"
        return ENTER.format(token=telegram.token)

    return Road(
        kind="telegram_bot",
        title="Telegram",
        address=f"@{telegram.username}",
        connected={"token": telegram.token},
        says=lambda name, text: telegram.customer_says(people[name], text, **_who(people, name)),
        shows=lambda name, content: telegram.customer_sends_photo(people[name], content, **_who(people, name)),
        heard=partial(_heard, telegram, people),
        trouble="BotFather gives out a new token",
        breaks=breaks,
    )


def telegram_business(telegram: Telegram, people: Mapping[str, int]) -> Road:
    account = telegram.owner_links(ACCOUNT, LINK)
    account.heard = dict.fromkeys(people.values(), time.time())

    def breaks() -> str:
        telegram.owner_switches(account, on=False)
        return "The owner has taken the bot out of the account: it reads and writes nothing there."

    return Road(
        kind="telegram_business",
        title="Telegram Business",
        address="@chinor_mebel",
        connected={"token": telegram.token},
        says=lambda name, text: telegram.customer_writes(account, people[name], text, **_who(people, name)),
        shows=lambda name, content: telegram.customer_shows(account, people[name], content, **_who(people, name)),
        heard=partial(_heard, telegram, people),
        phone=lambda name, text: telegram.owner_answers(account, people[name], text),
        trouble="The owner switches the bot off",
        breaks=breaks,
        mended="The owner switches it on",
        mends=partial(telegram.owner_switches, account, on=True),
    )


def whatsapp(meta: Meta, people: Mapping[str, str]) -> Road:
    number = WhatsApp(meta, token="EAAnumber")
    number.name, number.display = COMPANY, "998712007733"
    known = {name: number.person(name, wa_id=phone) for name, phone in people.items()}
    _wrote_lately(*known.values())

    def breaks() -> str:
        number.token = _new_token(meta, number.token, SCOPES)
        return ENTER.format(token=number.token)

    return Road(
        kind="whatsapp_cloud",
        title="WhatsApp",
        address="+998 71 200 77 33",
        connected={"account": number.number_id, "token": number.token, "business_id": number.waba},
        says=lambda name, text: number.says(known[name], text),
        shows=lambda name, content: number.sends_file(known[name], "image", content, "image/png"),
        heard=lambda: [(one.person.name, one.text) for one in number.sent],
        phone=lambda name, text: number.person_answers(known[name], text),
        trouble="The token expires",
        breaks=breaks,
    )


def messenger(meta: Meta, people: list[str]) -> Road:
    page = Page(meta, "messenger", PAGE, token="EAApage")
    return _page(meta, page, "Messenger", COMPANY, people, MESSENGER_SCOPES)


def instagram(meta: Meta, people: list[str]) -> Road:
    page = Page(meta, "instagram", LEADING_PAGE, account="17841400000000001", token="EAAgram")
    page.username = "chinor.mebel"
    return _page(meta, page, "Instagram", "@chinor.mebel", people, INSTAGRAM_SCOPES)


def waha(server: Waha, people: Mapping[str, str]) -> Road:
    server.name, server.me = COMPANY, "998712007744@c.us"
    names = {f"{phone}@c.us": name for name, phone in people.items()}

    def breaks() -> str:
        server.turns("SCAN_QR_CODE")
        return "The owner opens the channel's page under Set-up, where the code is, and lets the phone scan it."

    return Road(
        kind="waha",
        title="WhatsApp by QR code",
        address="+998 71 200 77 44",
        connected={"session": server.session, "key": server.key},
        says=lambda name, text: server.says(people[name], text, name=name),
        shows=lambda name, content: server.sends_file(people[name], "photo.png", "image/png", content, by=name),
        heard=lambda: [(names[one.chat], one.text) for one in server.sent],
        phone=lambda name, text: server.person_answers(people[name], text),
        trouble="The phone is unlinked",
        breaks=breaks,
        mended="The phone scans the code",
        mends=partial(server.turns, "WORKING"),
    )


def _page(meta: Meta, page: Page, title: str, address: str, people: list[str], scopes: set[str]) -> Road:
    page.name = COMPANY
    known = {name: page.person(name) for name in people}
    _wrote_lately(*known.values())
    led = {"instagram_business_account": {"id": page.account, "username": page.username}} if page.kind == "instagram" else {}
    listed = {"id": page.page_id, "name": COMPANY, "access_token": page.token, **led}
    meta.pages.append(listed)

    def breaks() -> str:
        listed["access_token"] = page.token = _new_token(meta, page.token, scopes)
        return LOG_IN

    return Road(
        kind=page.kind,
        title=title,
        address=address,
        connected={"account": page.account, "token": page.token, "business_id": page.page_id, "page_id": page.page_id},
        says=lambda name, text: page.says(known[name], text),
        shows=lambda name, content: page.sends_file(known[name], "image", content, "image/png"),
        heard=lambda: [(one.person.name, one.text) for one in page.sent if one.person],
        phone=lambda name, text: page.person_answers(known[name], text),
        trouble="The token expires",
        breaks=breaks,
    )


def _wrote_lately(*people: number_people.Person | page_people.Person) -> None:
    # What waited in Savdo when an earlier world ended is still welcome.
    for person in people:
        person.last_wrote_at = time.time()


def _new_token(meta: Meta, token: str, scopes: set[str]) -> str:
    meta.token_expires(token)
    made = f"EAAworld{meta.number()}"
    meta.tokens[made] = set(scopes)
    return made


def _who(people: Mapping[str, int], name: str) -> dict[str, Any]:
    return {"from": {"id": people[name], "is_bot": False, "first_name": name}}


def _heard(telegram: Telegram, people: Mapping[str, int]) -> list[tuple[str, str]]:
    names = {chat: name for name, chat in people.items()}
    return [(names[one.chat], one.text) for one in telegram.sent]
