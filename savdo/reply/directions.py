"""Sentences a company wrote for its sellers ("mention that measuring is free", "do not hurry them"), as a customer may hear them.

Documents mix what is so with how to say it. What is to be mentioned is told, what is to be offered is offered, and how to
behave is left out. Words to the customer ("leave your number", "choose a day") are no such directions. Pure.
"""

import re
from collections.abc import Sequence
from typing import Final

APOSTROPHE: Final = "[ʻʼ‘’`´′']"
# How to treat the customer: nothing in it is for them.
MANNER: Final = re.compile(
    rf"\b(?:yashirmang|shoshirmang|shoshiltirmang|qistamang|bosim (?:o{APOSTROPHE}tkaz|qil)mang|va{APOSTROPHE}da (?:ber|qil)mang|"
    r"bahslashmang|tortishmang|"
    r"яширманг|шоширманг|қистаманг|босим (?:ўтказ|қил)манг|ваъда (?:бер|қил)манг|баҳслашманг|тортишманг|"
    r"не (?:давите|спорьте|скрывайте|торопите|навязывайте|перебивайте|обещайте)|"
    r"қыспаңыз|асықтырмаңыз|уәде бермеңіз|жасырмаңыз|дауласпаңыз|таласпаңыз)\b|"
    r"\b(?:do not|don't|never) (?:push|argue|rush|hide|pressure|promise|interrupt)\b",
    re.IGNORECASE,
)
MENTION: Final = rf"(?:ayting|aytib o{APOSTROPHE}ting|eslating|tushuntiring|айтинг|айтиб ўтинг|эслатинг|тушунтиринг)"
TOLD: Final = r"(?:айтыңыз|ескертіңіз|түсіндіріңіз|еске салыңыз)"
SAY: Final = r"(?:tell (?:them|the (?:customer|client|caller))|say|remind (?:them|the (?:customer|client))|explain|mention)"
# (a sentence that directs, what is left of it for the customer)
DIRECTED: Final[Sequence[tuple[re.Pattern[str], str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), told)
    for pattern, told in (
        (rf"(?:rostini|shuni|buni|ростини|шуни|буни) {MENTION}\s*:\s*(.+)", r"\1"),
        (rf"(.+?)(?:ligini|лигини)\s+(?:ham\s+|ҳам\s+)?{MENTION}", r"\1"),
        (rf"(.+?)(?:\s+ni|\s+ни|ini|ini|ни|ni)\s+{MENTION}", r"\1"),
        (r"(.+\S)\s+taklif (qil|et)ing(,\s.+)?", r"\1 taklif \2amiz\3"),
        (r"(.+\S)\s+таклиф (қил|эт)инг(,\s.+)?", r"\1 таклиф \2амиз\3"),
        (r"(?:напомните|объясните|подчеркните|поясните|упомяните)(?: (?:клиенту|ему|им))?,?\s+что\s+(.+)", r"\1"),
        (r"скажите (?:клиенту|честно|прямо)(?:,? что|:)\s+(.+)", r"\1"),
        (r"предложите(?: (?:клиенту|ему|им))?\s+(.+)", r"Предлагаем \1"),
        (rf"(.+?)\s+екенін\s+{TOLD}", r"\1"),
        (rf"(.+?)\s+болатынын\s+{TOLD}", r"\1 болады"),
        (rf"(.+?)\s+барын\s+{TOLD}", r"\1 бар"),
        (r"(.+\S)\s+ұсыныңыз", r"\1 ұсынамыз"),
        (rf"{SAY}(?: that|:)\s+(.+)", r"\1"),
        (r"offer (?:them |the customer )?((?:a|an|the|free|to)\s.+)", r"We offer \1"),
    )
)


def told(text: str) -> str:
    """The text without what is for sellers; empty when nothing else is in it."""
    return " ".join(filter(None, map(_sentence, re.split(r"(?<=[.!?])\s+", text))))


def _sentence(sentence: str) -> str:
    if MANNER.search(sentence):
        return ""
    body = sentence.rstrip(" .!")
    for pattern, left in DIRECTED:
        if match := pattern.fullmatch(body):
            said = match.expand(left).strip()
            return f"{said[:1].upper()}{said[1:]}."
    return sentence
