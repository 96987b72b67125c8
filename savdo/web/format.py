"""How numbers, times, money and names look to a person: by their language and the company's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers
from markupsafe import Markup, escape

from savdo.base import clock

CURRENCY = {"USD": "USD"}


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def number(value: float, language: str) -> str:
    return numbers.format_decimal(value, locale=language)


def money(micros: int, currency: str, language: str) -> str:
    """Millionths of a currency; what a model call cost is far below a cent."""
    return numbers.format_currency(micros / 1_000_000, currency, format="¤0.0000", locale=language, currency_digits=False)


def size(count: int, language: str) -> str:
    """Bytes as KB or MB."""
    if count < 1_000_000:
        return f"{numbers.format_decimal(max(1, round(count / 1000)), locale=language)} KB"
    return f"{numbers.format_decimal(round(count / 1_000_000, 1), locale=language)} MB"


def ago(moment: datetime, language: str, timezone: str) -> Markup:
    """The short distance to now, with the exact time on hover."""
    delta = moment - clock.now()
    seconds = abs(delta.total_seconds())
    if seconds < 86_400:
        short = dates.format_timedelta(delta, granularity="minute", threshold=1, format="narrow", add_direction=False, locale=language)
    else:
        local = moment.astimezone(zone(timezone))
        skeleton = "MMMd" if local.year == clock.now().year else "yMMMd"
        short = dates.format_skeleton(skeleton, local, locale=language)
    return _time(moment, short, language, timezone)


def at(moment: datetime, language: str, timezone: str) -> Markup:
    """The hour and minute, with the exact time on hover."""
    return _time(moment, dates.format_time(moment, "HH:mm", tzinfo=zone(timezone), locale=language), language, timezone)


def day(moment: datetime, language: str, timezone: str) -> str:
    return dates.format_skeleton("yMMMMd", moment.astimezone(zone(timezone)), locale=language)


def initials(name: str | None) -> str:
    words = [word for word in (name or "").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper() if words else "?"


def _time(moment: datetime, short: str, language: str, timezone: str) -> Markup:
    exact = dates.format_datetime(moment, "d MMMM y, HH:mm:ss", tzinfo=zone(timezone), locale=language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, escape(short))
