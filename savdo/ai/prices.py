"""What a call costs, in millionths of USD: this installation's own prices first, then the list of genai-prices.

Loaded with `savdo.ai.models`, since the list takes half a second.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import genai_prices

from savdo.ai.talk import Entry, Usage
from savdo.base.settings import WrongSetting, settings

# A cap cannot hold what has no price: a provider's model that nobody knows the price of is counted as a dear one.
ASSUMED_IN: Final = Decimal(10)
ASSUMED_OUT: Final = Decimal(50)


@dataclass(frozen=True, slots=True)
class Price:
    """USD a million tokens."""

    tokens_in: Decimal
    tokens_out: Decimal
    cached: Decimal


def micros(entry: Entry, usage: Usage) -> tuple[int, bool]:
    """(millionths of USD, whether the price is known). A server of one's own costs 0 unless SAVDO_MODEL_PRICES says otherwise."""
    own = own_prices(settings().model_prices).get(repr(entry))
    if own is not None:
        return _by(own, usage), True
    if entry.provider == "compatible":
        return 0, False
    counted = genai_prices.Usage(
        input_tokens=usage.tokens_in, output_tokens=usage.tokens_out,
        cache_read_tokens=usage.cached, cache_write_tokens=usage.cache_written,
    )  # fmt: skip
    try:
        return _whole(genai_prices.calc_price(counted, entry.name, provider_id=entry.provider).total_price * 1_000_000), True
    except LookupError:
        return _by(Price(ASSUMED_IN, ASSUMED_OUT, ASSUMED_IN), usage), False


@functools.lru_cache(maxsize=4)
def own_prices(text: str) -> Mapping[str, Price]:
    """The prices of SAVDO_MODEL_PRICES by "provider:name". Raises WrongSetting."""
    try:
        return {name: _price(one) for name, one in json.loads(text or "{}", parse_float=Decimal, parse_int=Decimal).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise WrongSetting(
            'SAVDO_MODEL_PRICES: JSON like {"openai:gpt-5": {"in": 1.25, "out": 10, "cached": 0.125}} is needed, in USD a million tokens',
            field="SAVDO_MODEL_PRICES",
        ) from None


def _price(one: Mapping[str, Any]) -> Price:
    values = (one["in"], one["out"], one.get("cached", one["in"]))
    if not all(isinstance(value, Decimal) and value >= 0 for value in values):
        raise ValueError(values)
    return Price(*values)


def _by(price: Price, usage: Usage) -> int:
    # A dollar a million tokens is a millionth of a dollar a token.
    fresh = usage.tokens_in - usage.cached
    return _whole(fresh * price.tokens_in + usage.cached * price.cached + usage.tokens_out * price.tokens_out)


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_CEILING))
