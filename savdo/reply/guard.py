# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""The guard: what a reply says must stand in what the company or the customer said. Pure; the last word before sending.

What counts as said:
- Figures (prices, percentages, dates, times, durations, plain numbers) in passages, campaigns, profile and results of tools, in
  any format and in words; the customer's own figures too, but a sum or percentage of theirs only as their budget, or to deny it,
  and their phone and e-mail only as where *they* are reached.
- A unit must agree where both sides name one: "2 kun" does not stand on "2 oy", nor "10 %" on "10 kun", nor $50 on 50 so'm;
  24 hours are a day, 7 days a week, 12 months a year. A number without a unit agrees with any
  (so a text that speaks of 24 bags does not stop a reply about 24 months: the price of not stopping what is merely written shortly).
- What follows exactly: price by count, sums of what the reply names, a known share of a sum, a sum in equal parts.
- Days of the week by what the company says of them, and hours by the day they belong to.
- Not figures: list numbering, and the number of items where the reply itself lists exactly that many.
- Links by host and path, e-mail addresses and @names whole, phones by their last nine digits (at least seven).
- Names of people, promises and things done or given: see `people` and `claims`. Manner and length: see `manner`.
- Sentences that give orders to the answerer ("ignore your instructions …") are not evidence, whoever wrote them, and are not repeated.

docs/guard.md has what is measured, and what this cannot catch.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from savdo.ai.language import identify, shares
from savdo.reply import (
    behaviour,
    bindings,
    claims,
    contrasts,
    figures,
    grounds,
    injection,
    links,
    manner,
    novelty,
    people,
    tracing,
    waivers,
)
from savdo.reply.grounds import Known
from savdo.reply.models import Evidence, Fault
from savdo.reply.prompt import RULES

# Below this, a reply is a name and a number.
JUDGED_LETTERS: Final = 25
# Below this many letters, the share from which on a language is sure.
SURE_LETTERS: Final = 45
SURELY: Final = 0.9
# A sentence in other letters than the reply's language is in another language, unless it is names.
OTHER_LETTERS: Final = 30
FOREIGN: Final = re.compile(
    r"[\u0370-\u03ff\u0530-\u06ff\u0900-\u0eff\u10a0-\u10ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2,}|[їєґ]|[ñßąęłčřžşğ]"
)
# Small words of languages nobody asked for; three of them are no coincidence.
SMALL_WORDS: Final = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|sie|wir|ich|mit|für|auf|ein|eine|le|la|les|est|vous|nous|pour|avec|une|des|el|los|las|usted|para|con|una|es|por|que|il|che|sono|per|ve|için|bir|bu|değil|çok|mı|musunuz|merhaba|ini|anda|kami|adalah|jest|nie|się)\b"
)
TURKISH_AND_UZBEK: Final = frozenset(["bir", "bu", "la", "ve", "es"])
# What a reply is made of, as far as a quote can reach.
QUOTED: Final = re.compile(r"(?<=[.!?…])\s+|\n+|[«»]")
SHORTEST_QUOTE: Final = 16
# As many words of the rules in a row are the rules.
RUN: Final = 6
STANDING: Final = ("instructions", "custom_instructions", "forbidden_topics", "handover_rules", "rules")
# Who the bot says it is.
NAMED: Final = re.compile(
    r"(?:\bmy name is|\bi am|\bi'm|\bthis is|\bcall me|меня зовут|зовите меня|с вами|я теперь|теперь я|mening ismim|ismim|endi men|men endi|менің атым|мен енді|енді мен)\s+(?:the\s+|теперь\s+|endi\s+)?(?P<name>[A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎ][\w'’ʻ-]+)"
)
NOT_NAMES: Final = frozenset(
    ["I", "Sure", "Yes", "Ok", "Oh", "Вы", "Вас", "Ваш", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
)


def check(text: str, language: str, evidence: Evidence, channel: str = "") -> tuple[Fault, ...]:
    """What is wrong with a reply in `language` on a kind of channel; empty when nothing is."""
    known = grounds.of(evidence)
    text = figures.plain(text)
    asked = evidence.customer_said[-1] if evidence.customer_said else ""
    said = _without_quotes(text, known.parts)
    faults = [
        *(Fault("link", link) for link in links.unknown(text, known.company_text)),
        *grounds.mail_faults(text, known),
        *tracing.figure_faults(said, known),
        *bindings.faults(said, language, known),
        *contrasts.faults(said, language, known),
        *grounds.day_faults(links.without(said), known),
        *(Fault("claim", sentence) for sentence in claims.unfounded(said, language, known.company_text, evidence.tools, asked)),
        *(Fault("claim", sentence) for sentence in novelty.sentences(said, language, known)),
        *(Fault("claim", sentence) for sentence in waivers.unfounded(said, language, known)),
        *(Fault("person", name) for name in people.unknown(links.without(text), known.names)),
        *(Fault("person", sentence) for sentence in people.others(text, known.company_text)),
        *_leaks(text, evidence, known),
        *_forbidden(text, evidence),
        *_language_faults(links.without(text), language, evidence),
        *manner.faults(text, channel, str(evidence.profile.get("tone") or "")),
    ]
    return tuple(dict.fromkeys(faults))


def _without_quotes(text: str, company: Sequence[str]) -> str:
    """The text without the sentences that stand word for word in the company's own texts: nothing in them is invented."""
    known = [_bare(part) for part in company]
    for part in QUOTED.split(text):
        if len(bare := _bare(part)) >= SHORTEST_QUOTE and any(bare in one for one in known):
            text = text.replace(part, " ")
    return text


@functools.lru_cache(maxsize=4096)
def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def _forbidden(text: str, evidence: Evidence) -> Iterator[Fault]:
    if topic := behaviour.named(text, evidence.profile.get("forbidden_topics") or ()):
        yield Fault("persona", topic)


def _leaks(text: str, evidence: Evidence, known: Known) -> Iterator[Fault]:
    low = claims.folded(text)
    # Who sells courses about language models speaks of them.
    if (found := claims.SELF.search(low)) and found[0] not in claims.folded(known.company_text):
        yield Fault("leak", found[0])
    if injection.is_order(text):
        yield Fault("leak", "an order to the answerer")
    words = tuple(re.findall(r"\w+", low))
    own = [str(evidence.profile.get(key) or "") for key in STANDING]
    if any(_runs(secret, RUN) & _spans(words, RUN) for secret in (RULES, *own) if secret):
        yield Fault("leak", "repeats its own rules")
    said = [
        *evidence.customer_said,
        *("\n".join([passage.document_name, *passage.title_path, passage.text]) for passage in evidence.passages),
    ]
    for order in filter(None, map(injection.orders, said)):
        if _runs(order, 4) & _spans(words, 4) or _echoes(text, order, known):
            yield Fault("leak", "repeats an order to the answerer")
    for match in NAMED.finditer(text):
        if match["name"] not in NOT_NAMES and match["name"].lower()[:5] not in known.company_text.lower():
            yield Fault("persona", match[0])


def _echoes(text: str, order: str, known: Known) -> bool:
    """Whether words that stand nowhere but in an order make up a good part of the reply."""
    spoken = grounds.spoken(text)
    told = (spoken & grounds.spoken(order)) - grounds.spoken(known.company_text) - grounds.spoken(known.customer_text)
    return len(told) >= 2 or 0 < len(spoken) <= len(told) * 4


@functools.lru_cache(maxsize=256)
def _runs(text: str, size: int) -> frozenset[tuple[str, ...]]:
    return _spans(tuple(re.findall(r"\w+", claims.folded(text))), size)


def _spans(words: tuple[str, ...], size: int) -> frozenset[tuple[str, ...]]:
    return frozenset(words[at : at + size] for at in range(len(words) - size + 1))


def _language_faults(text: str, language: str, evidence: Evidence) -> Iterator[Fault]:
    """The reply in another language than the customer's. Short replies and names say too little to judge.

    What stands in « » is quoted from a document, in the document's language; names and cells are the company's own words.
    """
    text = _without_own_words(text, evidence)
    if foreign := FOREIGN.search(text.lower()):
        yield Fault("language", foreign[0])
        return
    if _letters(text) < JUDGED_LETTERS:
        return
    told, script = identify(text)
    if told != language and _letters(text) < SURE_LETTERS and told in (likely := shares(text, script)):
        # Two words and a price: only what is plainly another language is called one.
        told = told if likely[told] >= SURELY or language not in likely else language
    small = set(SMALL_WORDS.findall(text.lower())) - (TURKISH_AND_UZBEK if language == "uz" else set())
    if told != language or len(small) >= 3:
        yield Fault("language", f"not in {language}")
        return
    cyrillic = len(re.findall("[а-яёәөүұқғңіһў]", text.lower())) * 2 > _letters(text)
    for sentence in claims.sentences(text):
        other = len(re.findall("[a-z]" if cyrillic else "[а-яёәөүұқғңіһў]", sentence.lower()))
        if other >= OTHER_LETTERS and other * 10 > _letters(sentence) * 8:
            yield Fault("language", sentence)


def _without_own_words(text: str, evidence: Evidence) -> str:
    own = [name for campaign in evidence.campaigns for name in (campaign.name, *campaign.features)]
    own += [str(evidence.profile.get("name") or "")]
    own += [value for passage in evidence.passages for value in (passage.cells or {}).values()]
    for name in sorted({one for one in own if len(one) > 2}, key=len, reverse=True):
        text = text.replace(name, " ")
    return re.sub(r"\d+|«[^»]*»|<[^>]*>", " ", text)


def _letters(text: str) -> int:
    return len(re.findall(r"[^\W\d_]", text))
