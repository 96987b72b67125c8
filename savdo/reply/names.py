# ruff: noqa: E501, SIM905 # a pattern is one line, and a list of words is read as one
"""Names of people and companies as customers give them."""

import re
from typing import Final

from savdo.knowledge import words
from savdo.reply.models import Turn

LETTERS: Final = r"[^\W\d_]"
NAME: Final = rf"[A-ZА-ЯЁӘӨҮҰҢІҒҚҲЎ](?:{LETTERS}|['ʻʼ‘’`](?={LETTERS}))+"
LOOSE_NAME: Final = rf"{LETTERS}{{2,}}(?:['ʻʼ‘’`]{LETTERS}+)?"
INTRODUCED: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:ismim|исмим|otim|отим|men(?:ing)? ismim|atym|атым|есімім|menya zovut|zovut|меня зовут|зовут|my name is|my name's|name is|имя|ism[:]|исм[:])\s*[:—-]?\s*(?P<name>{LOOSE_NAME})",
        rf"(?P<name>{LOOSE_NAME})\s(?:(?:opa|aka|опа|ака|апа|аға)\s)?(?:deb|деб|деп)\s(?:yoz|ёз|жаз|saqla)",
        rf"(?P<name>{LOOSE_NAME})\s(?:ismim|исмим|атым)\b",
        rf"на имя\s(?P<name>{LOOSE_NAME})",
    )
)
SAID: Final = re.compile(
    rf"(?:\b[Ээ]то|\b[Ii]t'?s|\b[Tt]his is|\bI am|\bI'm|\bi'm|\b[Мм]ен|\b[Mm]en|\b[Яя]|\botasi|отаси|onasi|онаси)\s+(?P<name>{NAME})"
)
ALONE: Final = re.compile(rf"^\W*(?P<name>{NAME})(?:\s(?P<second>{NAME}|opa|aka|опа|ака|апа))?\W*$")
FORMS: Final = r"(?:MCHJ|MChJ|mchj|МЧЖ|ООО|OOO|ТОО|TOO|ЖШС|JShS|XK|ХК|АО|AJ|АЖ|ИП|YaTT|ЯТТ|LLC|LTD|Ltd|Inc)"
COMPANY_WORDS: Final = r"[A-ZА-ЯЁӘӨҮҰҢІҒҚҲЎ][\w'ʻʼ‘’`-]*(?:\s(?:(?:и|va|ва|and|&|мен|of)\s)?[A-ZА-ЯЁӘӨҮҰҢІҒҚҲЎ][\w'ʻʼ‘’`-]*)*"
COMPANY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{FORMS}\s*[«\"“„]?(?P<name>{COMPANY_WORDS})[»\"”“]?",
        rf"[«\"“„]?(?P<name>{COMPANY_WORDS})[»\"”]?\s{FORMS}\b",
        r"(?i:фирма|компания|компанией|организация|company(?: name)?(?: is)?|firma(?:miz)?(?: nomi)?|kompaniya(?:miz)?(?: nomi)?|korxona(?:miz)?|корхонамиз|фирмамиз|компаниямыз|компаниям)\s*[:—-]?\s*[«\"“„](?P<name>[^»\"”“]+)[»\"”“]",
        rf"(?i:фирма|компания|организация|company(?: name)?(?: is)?|firma(?:miz)?(?: nomi)?|kompaniya(?:miz)?(?: nomi)?|korxona(?:miz)?(?: nomi)?|корхонамиз|фирмамиз|компаниямыз|компаниям)\s*[:—-]?\s*(?P<name>{COMPANY_WORDS})",
        rf"\b(?:from|из компании|работаю в)\s(?P<name>{COMPANY_WORDS}\s(?:{FORMS}|Textiles|Group|Company))",
    )
)
# Words people begin a message with in a capital, and words that follow "это" or "я": never a name.
NOT_NAMES: Final = frozenset(
    """
    salom assalomu alaykum ok okey ha yoq yo'q mana nomerim raqamim telefonim tel yozing hop xop mayli bo'ldi boldi menga rahmat
    raxmat kerak bor emas здравствуйте привет да нет ок окей хорошо ладно спасибо номер телефон почта вот запишите мой моя это
    добрый день вечер утро салом рахмат мана ҳа хўп майли сәлем сәлеметсіз иә жоқ рахмет рақмет нөмірім номерім поштам мен менің
    атым жазып алыңыз жарайды hi hello yes no okay thanks thank fine my number phone email mail name sure great here local call
    me write please day good morning it the a not from your our deb деб ismim исмим nomi biz siz сиз биз мы вы они telegram
    whatsapp instagram iphone samsung redmi toshkent ташкент алматы almaty samarqand понедельник вторник среда четверг пятница
    суббота воскресенье завтра сегодня ertaga bugun ертең бүгін tomorrow today what when where how why кто что где как когда
    почему можно нужно хочу есть расскажи stop стоп going looking interested visiting just also жду ждем ждём понял поняла
    понятно договорились кутаман кутамиз kutaman kutamiz tushundim тушундим күтемін түсіндім waiting understood agreed deal скоро
    потом позже hozir ҳозир қазір
    """.split()
)
# What is said instead of a name when one was asked for.
PUT_OFF: Final = re.compile(
    r"^(?:key[iy]n|kerak|yo.?q|hech|nima|nega|shart|hozir|bilmay|ayt|позже|потом|зачем|неважн|не\b|пока|без|аноним|кейін|керек|неге|қажет|жоқ|кейин|керак|нега|йўқ|later|why|none|skip|anonym|nope)",
    re.IGNORECASE,
)
NAME_ASKED: Final = re.compile(r"\bism|исм|имя|зовут|\bатың|есім|\bname", re.IGNORECASE)
TYPED_SMALL: Final = re.compile(
    rf"^\W*(?:men(?:ing ismim)?\s|мен\s|я\s|it's\s|i'm\s|это\s|ha,?\s|да,?\s|иә,?\s)?(?P<name>{LETTERS}(?:{LETTERS}|['ʻʼ‘’`](?={LETTERS})){{2,15}})(?:\s(?P<second>{LETTERS}{{3,18}}))?\W*$",
    re.IGNORECASE,
)
# What stands beside a name in a line of contact details.
BESIDE_NAME: Final = re.compile(
    r"\b(?:tel|тел|telefon\w*|телефон\w*|phone|raqam\w*|рақам\w*|nomer\w*|номер\w*|number|нөмір\w*|email|e-mail|mail|почта|поштам?|pochta\w*|отаси|otasi|its|it's|это|mening|men|мен|меня|my|"
    r"директор|бухгалтер|менеджер|администратор|секретарь|контакт(?:ное лицо)?|представитель|direktor\w*|buxgalter|menejer|kontakt|director|manager|accountant|contact(?: person)?|директоры?|бухгалтері|whatsapp|вотсап|ватсап|telegram|телеграм)\b\.?",
    re.IGNORECASE,
)
# "Put it by for Azamat": Russian says whom in the accusative, which a name is not written in.
KEPT_FOR: Final = re.compile(rf"(?:\b[Оо]тлож|\b[Зз]апи[сш]|\b[Оо]форм|[Бб]ронир|\b[Пп]ридерж)\w*\s(?:\S+\s){{0,3}}?на\s(?P<name>{NAME})")
ACCUSATIVE: Final = (
    (re.compile("(?<=[бвгджзклмнпрстфхцчшщ])а$"), ""),
    (re.compile("у$"), "а"),
    (re.compile("ю$"), "я"),
    (re.compile("ея$"), "ей"),
)
# A signature of one word that is an address ("Toshkentga", "Qibraydanman") or a request ("Yozing", "Жазыңыз").
NO_SIGNATURE: Final = re.compile(
    r"\w{3}(?:da|да|де|та|те)(?:man|miz|nman|nmiz|ман|миз|нман|нмиз|міз|мыз|мын|мін)$|\w{5}(?:ga|ка|га|ға|ге|қа|ке|dan|дан|ден|тан|тен|da|да|де)$|\w{2}(?:ing|ingiz|инг|ингиз|ңыз|ңіз|йте|ите)$",
    re.IGNORECASE,
)
CONTACT_ASKED: Final = re.compile(r"\bism|исм|имя|зовут|атыңыз|есімі|name|raqam|рақам|телефон|phone|нөмір|номер", re.IGNORECASE)


def company(text: str) -> tuple[str | None, str]:
    """The company a customer writes for, without its legal form, and the text without it."""
    for pattern in COMPANY:
        if match := pattern.search(text):
            name = re.sub(rf"^{FORMS}\s*", "", match["name"]).strip(" «»\"'.,")
            if len(name) > 1:
                return name, text[: match.start()] + " , " + text[match.end() :]
    return None, text


def person(text: str, turn: Turn, *, beside_details: bool) -> str | None:
    """The customer's own name, from an introduction, a signature, or one word beside a phone number."""
    for pattern in INTRODUCED:
        if (match := pattern.search(text)) and (name := _name(match["name"])):
            return name
    if match := KEPT_FOR.search(text):
        return _name(_nominative(match["name"]))
    asked = _name_was_asked(turn)
    if (beside_details or asked) and (match := SAID.search(text)) and (name := _name(match["name"])):
        return name
    parts = [part.strip() for part in re.split(r"[\n,;.!?:]|\s[–—-]\s|\s{2,}", text) if part.strip()]
    if beside_details or _was_asked(turn):
        parts += [BESIDE_NAME.sub(" ", part) for part in parts]
    elif len(parts) < 2:
        return None
    else:
        # A signature: the last sentence of several is one capitalised word.
        parts = parts[-1:] if re.search(r"[.!?\n]", text.strip()[:-1]) else []
        parts = [part for part in parts if not NO_SIGNATURE.search(part)]
    for part in parts:
        if (match := ALONE.match(part)) and (name := _name(match["name"])):
            return name
    return _typed_small(text) if asked else None


def _nominative(name: str) -> str:
    return next((pattern.sub(ending, name) for pattern, ending in ACCUSATIVE if pattern.search(name)), name)


def _typed_small(text: str) -> str | None:
    """The answer to "your name?" of who writes everything small: one or two words that mean nothing else."""
    match = TYPED_SMALL.match(text.strip())
    if not match or "?" in text or any(PUT_OFF.match(word) or word.lower() in NOT_NAMES for word in match[0].split()):
        return None
    said = [word for word in (match["name"], match["second"]) if word]
    meant = [word for word in said if words.concepts(word) or set(words.folded_words(word)) & words.lexicon().stop]
    return None if meant else _name(match["name"])


def _name_was_asked(turn: Turn) -> bool:
    last = next((said.text for said in reversed(turn.history) if said.author in ("bot", "member")), "")
    return bool(NAME_ASKED.search(last)) and not turn.facts.get("name")


def _was_asked(turn: Turn) -> bool:
    asked = next((said.text for said in reversed(turn.history) if said.author in ("bot", "member")), "")
    known = turn.facts.get("phone") and not turn.facts.get("name")
    return bool(known or CONTACT_ASKED.search(asked))


def _name(word: str) -> str | None:
    if word.lower() in NOT_NAMES or len(word) < 2:
        return None
    return word if word[0].isupper() else word.capitalize()
