"""What a call costs, in millionths of USD: this installation's own prices first, then the list of genai-prices.

Loaded with `savdo.ai.models`, since the list takes half a second.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Final

import genai_prices

from savdo.ai.talk import Entry, Usage
from savdo.base.settings import ModelPrice, settings

# A cap cannot hold what has no price: a provider's model that nobody knows the price of is counted as a dear one.
ASSUMED: Final = ModelPrice.model_validate({"in": 10, "out": 50})


def micros(entry: Entry, usage: Usage) -> tuple[int, bool]:
    """(millionths of USD, whether the price is known). A server of one's own costs 0 unless SAVDO_MODEL_PRICES says otherwise."""
    own = settings().model_prices.get(repr(entry))
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
        return _by(ASSUMED, usage), False


def _by(price: ModelPrice, usage: Usage) -> int:
    # A dollar a million tokens is a millionth of a dollar a token.
    cached = price.tokens_in if price.cached is None else price.cached
    return _whole((usage.tokens_in - usage.cached) * price.tokens_in + usage.cached * cached + usage.tokens_out * price.tokens_out)


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_CEILING))
