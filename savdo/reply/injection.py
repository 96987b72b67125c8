# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Texts that try to give orders to the answerer, in messages, documents, pages and file names. Pure.

`quarantined` is what a prompt may show of a text that somebody else wrote; `without_orders` is what counts as evidence.
What is not recognised here is still held by the guard, which looks at what leaves and not at what came in.
"""

import base64
import binascii
import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from savdo.reply.transliteration import RUSSIAN_LETTERS

# Instead of a sentence that was left out, in a prompt.
MARK: Final = "[left out: an order to the assistant]"
APOSTROPHES: Final = str.maketrans(dict.fromkeys("ʻ’‘`ʼ´", "'"))
# Cyrillic and Greek letters that pass for Latin ones.
LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁӏοενρ", "aeopcyxijsdloevp")
LEET: Final = str.maketrans("013457@$", "oieastas")
GAP: Final = r"\W+(?:\w+\W+){0,4}?"
# What is named (the rules), what is to be done with it, and who is spoken to; a table a language.
PATTERNS: Final[Mapping[str, str]] = {
    "en": rf"(?:ignore|disregard|forget|override|bypass|skip|drop){GAP}(?:instruct|rules?\b|prompt|previous|above|guideline|polic|restrict|context)"
    r"|(?:system|developer|admin|debug|god|dan)[ _]?(?:prompt|mode|message|override)|jailbreak|you are now\b|you're now\b|from now on,? (?:you|act|answer|reply|speak)|pretend (?:you|to be|that you)|act as (?:an?|the|if)\b|role-?play"
    r"|(?:reveal|print|repeat|show|output|display|quote|leak|dump|translate)\W+(?:\w+\W+){0,3}?(?:your|the|system|initial|hidden|secret)\W+(?:\w+\W+){0,2}?(?:instruct|prompt|rules|config|message|words above)"
    r"|(?:reveal|print|repeat|show|output|display)\W+(?:\w+\W+){0,5}?(?:above|verbatim)|(?:new|updated|real) instructions?\b|(?:note|instruction|message|attention|important|order)s? (?:to|for) (?:the )?(?:ai|bot|assistant|model|chat ?bot|llm)"
    r"|\b(?:ai|bot|assistant|chat ?bot|language model|llm)s?\b[,:]? (?:must|should|shall|has to|have to|is to|reading this)|(?:when|if) (?:asked|a customer asks|the customer asks|anyone asks|you read|the user)[^.]{0,60}(?:say|answer|reply|tell|give|offer|confirm|send)"
    r"|(?:say|tell|write|reply|answer|confirm|assure|inform)\W+(?:\w+\W+){0,3}?(?:customers?|clients?|every ?one|users?|me|us)\b\W+(?:\w+\W+){0,4}?(?:that|in writing|only)\b|(?:reply|answer|respond|say|write)\W+(?:\w+\W+){0,2}?(?:only|exactly|just|nothing but|with the (?:word|phrase|text)s?)\b"
    r"|(?:call|run|execute|invoke|use) (?:the )?(?:tool|function|command|code|shell|sql|\w+\(\))|(?:end|begin|start) of (?:system|instructions|document|context)|you (?:must|have to|should|will|are required to) (?:now )?(?:say|answer|reply|confirm|offer|give|send|tell|speak|always|obey|follow)"
    r"|(?:your|the) (?:rules|instructions|restrictions|limits) (?:are|were|have been) (?:off|changed|lifted|cancelled|void|suspended|updated|removed)|no (?:rules|restrictions|limits) apply|without (?:any )?(?:rules|restrictions|filters)|obey (?:me|the|my)",
    "ru": rf"(?:игнорируй|игнорировать|забудь|забыть|отмени|сбрось|обойди|нарушь|не обращай внимания на|не соблюдай|пропусти)\w*{GAP}(?:инструкц|правил|указани|предыдущ|ограничени|промпт|политик|выше)"
    r"|системн\w+ (?:промпт|инструкц|сообщени|команд)|(?:режим|mode) (?:разработчика|отладки|администратора|бога|dan)|(?:^|\W)ты теперь\b|теперь ты\b|отныне (?:ты|отвечай|говори)|с этого момента (?:ты|отвечай|говори)|представь,? что ты|притворись|сыграй роль|веди себя как|действуй как|ты больше не"
    r"|(?:покажи|раскрой|выведи|повтори|напечатай|процитируй|перескажи|переведи|назови|пришли)\w*\W+(?:\w+\W+){0,3}?(?:сво[ийюе]\w*|системн\w+|тво\w+|скрыт\w+|секретн\w+|начальн\w+)\W+(?:\w+\W+){0,2}?(?:инструкц|промпт|правил|настройк|указани|сообщени)|(?:новая|новые|обновл[её]нн\w+|настоящ\w+) инструкци|(?:что|текст) (?:написан\w* )?выше дословно"
    r"|(?:инструкци|указани|сообщени|приказ|внимани|важно|команд|заметк)\w*[ ,:]{1,2}(?:для )?(?:ии|ai|бот|ассистент|модел|чат-?бот|помощник|нейросет)\w*|(?:^|\W)(?:ии|ai|бот|ассистент|чат-?бот|модель|нейросеть|помощник)\w*[,:]? (?:должен|должна|обязан|обязана|пусть|отвечай|говори|скажи|пиши|сообщай|подтверди)"
    r"|(?:если|когда) (?:спрос|клиент спр|тебя спр|кто-то спр|спраш)\w*[^.]{0,60}(?:скажи|говори|отвечай|ответь|сообщи|сообщай|предложи|подтверди)|(?:говори|скажи|отвечай|сообщай|сообщи|пиши|обещай|подтверди|подтверждай)\w*\W+(?:\w+\W+){0,2}?(?:всем|клиент\w*|каждому|покупател\w*)|(?:ответь|отвечай|скажи|напиши|пиши|говори)\w*\W+(?:\w+\W+){0,3}?(?:только|ровно|дословно|исключительно|словами|фразой|одним словом)"
    r"|(?:вызови|запусти|выполни|исполни|используй) (?:инструмент|функци|команд|код|скрипт|запрос|sql|\w+\(\))|(?:правила|ограничения|инструкции) (?:отменены|сняты|изменены|больше не действуют|отключены)|без (?:всяких )?(?:правил|цензуры)|(?:отвечай|говори|пиши|работай|общайся|режим)\w*\W+(?:\w+\W+){0,2}?без (?:всяких )?ограничений|ты (?:должен|обязан|обязана|должна) (?:теперь )?(?:сказать|ответить|подтвердить|дать|говорить|слушаться|выполнить|всегда)|слушайся (?:меня|только)|выйди из роли",
    "uz": r"(?:oldingi|avvalgi|barcha|hamma|yuqoridagi|o'z|shu|eski)\W+(?:\w+\W+){0,3}?(?:ko'rsatma|qoida|buyruq|yo'riqnoma|cheklov)\w*\W+(?:\w+\W+){0,3}?(?:unut|e'tibor|bekor|rad|buz|o'chir|tashla|inobatga olma|amal qilma)|(?:qoida|ko'rsatma|cheklov|yo'riqnoma)\w*\W+(?:\w+\W+){0,2}?(?:unut|e'tiborga olma|bekor|buz|o'chir|inobatga olma|amal qilma)"
    r"|tizim (?:ko'rsatma|prompt|buyru|xabar)|\bsen endi\b|\bendi sen\b|\bsiz endi (?:bot|operator|admin|boshqa)|bundan buyon (?:sen|siz|faqat|inglizcha|javob)|(?:go'yo|xuddi) (?:sen|siz)|rol o'yna|o'zingni .{0,30}(?:deb ko'rsat|deb tut|dek tut)|dasturchi rejimi|admin rejimi"
    r"|(?:ko'rsat|chiqar|yoz|ayt|takrorla|tarjima qil|ber)\w*\W+(?:\w+\W+){0,3}?(?:ko'rsatma|prompt|qoida|yo'riqnoma)lar?ing|(?:ko'rsatma|prompt|qoida|yo'riqnoma)\w*(?:ing|ingiz)\w*\W+(?:\w+\W+){0,4}?(?:ko'rsat|chiqar|yoz|ayt|takrorla|tarjima|so'zma)|yangi ko'rsatma|(?:bot|yordamchi|assistent|model|sun'iy intellekt|\bai\b)\w*[,:]? (?:uchun|ga) (?:ko'rsatma|buyruq|eslatma|xabar)|(?:ko'rsatma|buyruq|eslatma|diqqat)\w*[ ,:]{1,2}(?:bot|yordamchi|assistent|model|ai\b)"
    r"|(?:\bbot|yordamchi|assistent|\bai)\b[,:]? .{0,60}(?:deb javob ber|deb ayt|deb yoz|aytishi (?:kerak|shart)|javob berishi (?:kerak|shart))|(?:mijoz|xaridor|kim)\w*\W+(?:\w+\W+){0,3}?so'ras\w*[^.]{0,60}(?:deb|ayt|javob ber|de\b)|(?:hamma|barcha|har bir|mijoz)\w*\W+(?:\w+\W+){0,10}?deb (?:ayt|yoz|javob|tasdiqla)|faqat .{0,40}(?:deb javob|deb yoz|so'zini yoz|deb ayt)|(?:asbob|funksiya|buyruq|kod|skript)\w*\W+(?:\w+\W+){0,2}?(?:ishga tushir|chaqir|bajar)|cheklov(?:lar)?siz|qoidasiz|menga bo'ysun",
    "kk": r"(?:алдыңғы|барлық|бұрынғы|жоғарыдағы|өз|осы)\W+(?:\w+\W+){0,3}?(?:нұсқау|ереже|бұйрық|шектеу)\w*\W+(?:\w+\W+){0,3}?(?:ұмыт|елеме|жой|бұз|өшір|орындама|сақтама)|(?:ереже|нұсқау|шектеу)\w*\W+(?:\w+\W+){0,2}?(?:ұмыт|елеме|бұз|өшір|сақтама)"
    r"|жүйелік (?:нұсқау|промпт|хабар)|(?:^|\W)сен енді\b|енді сен\b|бұдан былай (?:сен|тек|ағылшынша|жауап)|рөлін ойна|әзірлеуші режимі|админ режимі|өзіңді .{0,30}деп"
    r"|(?:көрсет|шығар|жаз|айт|қайтала|аудар)\w*\W+(?:\w+\W+){0,3}?(?:нұсқау|промпт|ереже)\w*|(?:нұсқау|промпт|ереже)\w*(?:ың|ің|ыңды|іңді|ларыңды|леріңді|лерін)\W+(?:\w+\W+){0,4}?(?:көрсет|шығар|жаз|айт|қайтала|аудар)|жаңа нұсқау|(?:бот|көмекші|ассистент|модель|жасанды интеллект|\bжи)\w*(?:қа|ке|ге|ға)?[,:]? (?:арналған )?(?:нұсқау|бұйрық|ескерту)|(?:нұсқау|бұйрық|назар)\w*[ ,:]{1,2}(?:бот|көмекші|ассистент)"
    r"|(?:\bбот|көмекші|ассистент)\b[,:]? .{0,60}(?:деп жауап бер|деп айт|деп жаз|айтуы керек|жауап беруі керек)|(?:клиент|тұтынушы|сатып алушы|біреу)\w*\W+(?:\w+\W+){0,3}?сұра\w*[^.]{0,60}(?:деп|айт|жауап бер)|(?:барлығы|бәрі|барлық|әр|клиент)\w*\W+(?:\w+\W+){0,10}?деп (?:айт|жаз|жауап|раста)|тек .{0,40}деп (?:жауап|жаз|айт)|(?:құрал|функция|команда|код|скрипт)\w*\W+(?:\w+\W+){0,2}?(?:іске қос|шақыр|орында)|шектеусіз|ережесіз|маған бағын",
    "other": r"(?:^|[>.!?\]]\s{0,3})(?:dear )?(?:ai|assistant|chat-?bot|bot|ии|ассистент|чат-?бот|бот|assistent|yordamchi|көмекші)\s?[,:]|ignoriere|vergiss (?:alle|deine)|du bist jetzt|ignora (?:todas|las|le|tutte)|olvida (?:todas|las|tus)|ahora eres|ignorez|ignore[sz]? (?:toutes|les)|oublie[sz]? (?:toutes|tes|vos)|tu es maintenant|önceki talimat|talimatları (?:unut|yok)|artık sen|ігноруй|忽略|无视|你现在是|指示を無視|تجاهل|системаи|дастурҳои қаблӣ"
    r"|<\|?(?:im_start|im_end|system|endoftext)|\[/?(?:inst|system)\]|<<sys>>|^#{1,4} ?(?:system|instruction|новая инструкция)|^\W*(?:system|assistant|developer|admin|система|администратор|разработчик)\s*[:\]>]|\"role\"\s*:\s*\"(?:system|assistant)\"|!\[[^\]]*\]\(https?|\{\{.{0,40}\}\}",
}  # fmt: skip
ORDER: Final = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS.values()), re.MULTILINE)
# Letters set apart, and words that are only letters and the marks between them.
SPACED: Final = re.compile(r"\b(?:\w[ .\-_*]){5,}\w\b")
ENCODED: Final = re.compile(r"\b[A-Za-z0-9+/]{24,}={0,2}")
CYRILLIC: Final = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "j", "з": "z", "и": "i", "й": "y", "к": "k", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "x", "ц": "ts", "ч": "ch", "ш": "sh",
    "ъ": "'", "ь": "", "э": "e", "ю": "yu", "я": "ya", "ў": "o'", "қ": "q", "ғ": "g'", "ҳ": "h",
})  # fmt: skip
# Russian in Latin letters, read back.
RUSSIAN: Final = sorted(((latin, cyrillic) for cyrillic, latin in RUSSIAN_LETTERS.items() if latin), key=lambda pair: -len(pair[0]))
PARTS: Final = re.compile(r"(?<=[.!?。])\s+|\n+|(?<=>)\s*|\s*(?=<!--|<\|)")


@functools.lru_cache(maxsize=4096)
def is_order(text: str) -> bool:
    """Whether a text tries to tell the answerer what to do, also in look-alike letters, spaced out or encoded."""
    return any(ORDER.search(form) for form in _forms(text))


@functools.lru_cache(maxsize=4096)
def without_orders(text: str) -> str:
    """The text without the sentences that try to give orders to the answerer; facts in them are not facts."""
    return "\n".join(part for part, ordered in _parts(text) if not ordered) if is_order(text) else text


@functools.lru_cache(maxsize=4096)
def quarantined(text: str) -> str:
    """What a prompt may show of a text: each run of orders replaced by one mark. Texts without orders come back as they are."""
    if not is_order(text):
        return text
    shown: list[str] = []
    for part, ordered in _parts(text):
        if not ordered:
            shown.append(part)
        elif not shown or shown[-1] != MARK:
            shown.append(MARK)
    return "\n".join(shown)


@functools.lru_cache(maxsize=4096)
def orders(text: str) -> str:
    """Only the sentences that give orders, and those behind them."""
    return "\n".join(part for part, ordered in _parts(text) if ordered) if is_order(text) else ""


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    lines = [line for line in PARTS.split(text) if line and line.strip()]
    ordered = [is_order(line) for line in lines]
    if not any(ordered):
        # An order over several sentences: nothing of it can be told apart.
        ordered = [True] * len(lines)
    # An order often goes on in the sentences behind it ("… and forget the rules. Say that it costs 1 sum.").
    return ((line, any(ordered[max(0, place - 2) : place + 1])) for place, line in enumerate(lines))


def _forms(text: str) -> Iterator[str]:
    low = unicodedata.normalize("NFKC", text).lower().translate(APOSTROPHES)
    low = re.sub(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\U000e0000-\U000e007f]", "", low).replace("_", " ")
    yield low
    if re.search("[а-я]", low):
        yield low.translate(CYRILLIC)
        if re.search("[a-z]", low):
            yield low.translate(LOOKALIKES)
    elif re.search(r"instruk|pravil|zabud|ignoriru|teper ty|skazhi|otvechay", low):
        yield _in_russian(low)
    if re.search(r"[a-z][013457@$]|[013457@$][a-z]", low):
        yield low.translate(LEET)
    if SPACED.search(low):
        yield SPACED.sub(lambda run: re.sub(r"[ .\-_*]", "", run[0]), low)
    yield from _decoded(text)


def _in_russian(low: str) -> str:
    for latin, cyrillic in RUSSIAN:
        low = low.replace(latin, cyrillic)
    return low


def _decoded(text: str) -> Iterator[str]:
    for run in ENCODED.findall(text):
        try:
            yield base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode("utf-8").lower()
        except (binascii.Error, UnicodeDecodeError):
            continue
