"""What a call costs, in millionths of USD: this installation's own prices first, then the list of genai-prices.

Loaded with `savdo.ai.models` or by the first call for speech, since the list takes half a second.
"""

import math
from decimal import ROUND_CEILING, Decimal
from typing import Final

import genai_prices

from savdo.ai.talk import Entry, Usage
from savdo.base.settings import ModelPrice, settings

# A cap cannot hold what has no price: a provider's model that nobody knows the price of is counted as a dear one.
ASSUMED: Final = ModelPrice.model_validate({"in": 10, "out": 50})
# A second of sound, and of the words in it, in tokens; a character read aloud: what OpenAI counts at most.
SOUND_TOKENS: Final = 10
WORD_TOKENS: Final = 10
SPOKEN_TOKENS: Final = 2


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


def heard(seconds: float, usage: Usage) -> tuple[int, bool]:
    """What so many seconds of sound cost at SAVDO_SPEECH_URL, as `micros` tells it; a server nobody knows the price of costs 0.
    `usage` as the server told it; models that count tokens are estimated where it did not."""
    if own := settings().speech_minute_usd:
        return _whole(Decimal(math.ceil(seconds)) / 60 * own * 1_000_000), True
    length = math.ceil(seconds)
    told = usage if usage.tokens_in else Usage(length * SOUND_TOKENS, length * WORD_TOKENS)
    counted = genai_prices.Usage(
        audio_seconds=length, input_audio_seconds=length,
        input_tokens=told.tokens_in, input_audio_tokens=told.tokens_in, output_tokens=told.tokens_out,
    )  # fmt: skip
    return _listed(counted, settings().speech_model, settings().speech_url)


def spoken(text: str) -> tuple[int, bool]:
    """What a text costs that is spoken at SAVDO_VOICE_URL, as `heard`. Nobody tells the tokens of a sound: they are estimated."""
    if own := settings().voice_million_usd:
        return _whole(len(text) * own), True
    tokens = len(text) * SPOKEN_TOKENS
    counted = genai_prices.Usage(
        input_characters=len(text), input_tokens=len(text.encode()) // 3 + 1, output_tokens=tokens, output_audio_tokens=tokens
    )
    return _listed(counted, settings().voice_model, settings().voice_url)


def _listed(counted: genai_prices.Usage, model: str, base: str) -> tuple[int, bool]:
    try:
        price = _whole(genai_prices.calc_price(counted, model, provider_api_url=base).total_price * 1_000_000)
    except LookupError:
        price = 0
    # A model that is known, but does something else, has a price of nothing.
    return price, price > 0


def _by(price: ModelPrice, usage: Usage) -> int:
    # A dollar a million tokens is a millionth of a dollar a token.
    cached = price.tokens_in if price.cached is None else price.cached
    return _whole((usage.tokens_in - usage.cached) * price.tokens_in + usage.cached * cached + usage.tokens_out * price.tokens_out)


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_CEILING))
