# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""What a reply says without a figure and still must not say by itself: that something was done, that something is given,
and what it was told to keep. Uzbek in Cyrillic is read in Latin letters, so one table serves both. Pure.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from savdo.ai.language import identify
from savdo.reply import figures, people
from savdo.reply.given import CONDITIONS, GIVEN, METHODS, OBJECTS, PAYING
from savdo.reply.injection import APOSTROPHES, CYRILLIC

# Things done in the past by us or to the customer's order. Futures, questions and offers ("band qilib qo'yaymi?") have other forms.
DONE: Final[Mapping[str, re.Pattern[str]]] = {
    "uz": re.compile(
        r"\b(?:(?:band|bron|zakaz|rezerv|tasdiq|rasmiylashtir|ro'yxatdan o'tkaz|buyurtma)\w*\s?(?:qilib |berib |qabul )?"
        r"(?:qildi[mk]|qilindi\w*|qo'ydi[mk]|berdi[mk]|berildi|qilingan|tirdi[mk]|tirildi|ladi[mk]|landi\w*|o'tkazdi[mk])"
        r"|(?:yoz|band qil|bron qil|rezerv qil|rasmiylashtir|tasdiqla|olib|jo'nat|yubor|saqla|ajrat|qo'sh|belgila|kirit|zaxirala)\w*[ai]b\s?(?:qo'ydi[mk]|qo'yildi|qo'yilgan|oldi[mk]|berdi[mk])|(?:ajratil|saqlan|tayinlan|biriktiril|yuboril|yozil|belgilan|olib qo'yil)di\w*|yozildingiz|yozib oldi[mk]|tasdiqlab qo'ydi[mk]"
        r"|(?:jo'nat|yubor|belgila|kirit|qo'sh)(?:di[mk]|ildi|landi)|rasmiylashtir(?:di[mk]|ildi)|tasdiqla(?:di[mk]|ndi)|buyurtma\w* (?:\w+ )?(?:qabul qilindi|yaratildi|joylandi|tayyor bo'ldi|yo'lda|yetkazildi)"
        r"|\w+ingiz (?:\w+ )?yo'lda\b|to'lov\w* (?:\w+ )?(?:qabul qilindi|o'tdi|tushdi|qaytarildi|oldi[mk])|pul\w* (?:\w+ )?(?:tushdi|qaytarildi|qaytardi[mk])|chegirma\w* (?:qo'lladi[mk]|qildi[mk]|berdi[mk]|yozdi[mk]|qo'llandi)"
        r"|kuryer\w* (?:\w+ ){0,2}(?:yo'lga chiq|yo'lda|chiqdi|ketdi|boryapti)|yo'lga chiqdi|yo'lga chiqardi[mk]|olib (?:bor|kel)yap\w+|yetkazib (?:ber|bor)yap\w+|(?!(?:taqdim|qadim|odim|avvaldim)\b|(?:tushun|angla|bil|eshit|o'qi|ko'r|eslat|yetkaz|ol|xursand bo'l|unut|adash|xato qil|e|bor e|so'ra)di[mk]\b)[a-z']{2,}(?<!ma)di[mk]\b|(?:soat|ertaga|bugun|kuni)\b[^.!?]{0,30}\bkut(?:amiz|ib olamiz|yapmiz|ib turamiz)|siz(?:niki| uchun (?:saqla|ajrat)\w+)\b|(?:joy|stol|xona|vaqt|o'rin)\w* (?:siz(?:niki|ga ajratildi|ga saqlandi)|band qilindi|saqlandi)|kutib olamiz, (?:ertaga|soat)|ertaga kutamiz)"
    ),
    "ru": re.compile(
        r"(?<!не )\b(?:я |мы |уже |вас |вам |вы |заказ |для вас ){0,4}(?:забронировал[аи]?|записал[аи]?|зарезервировал[аи]?|оформил[аи]?|отправил[аи]?|заказал[аи]?"
        r"|отложил[аи]?|выслал[аи]?|подтвердил[аи]?|зарегистрировал[аи]?|закрепил[аи]?|придержал[аи]?|отгрузил[аи]?|внес(?:ла|ли)?|вн[её]с|доставил[аи]?|поставил[аи]? вас|добавил[аи]? вас|начислил[аи]?|применил[аи]?|списал[аи]?|активировал[аи]?|сделал[аи]? (?:вам )?скидку|вернул[аи]? (?:вам )?деньги|оставил[аи]? за вами|договорил(?:ся|ась|ись) с)\b"
        r"|\bвы (?:уже |успешно )?(?:записаны|зарегистрированы)\b|подтвержда(?:ю|ем),? (?:вашу? |ваш |что )?(?:бронь|запись|заказ|визит|оплат|скидк|цен|возврат)|(?<!не )\b(?:заказ|бронь|запись|визит|место|номер|столик|доставка|курьер|возврат|оплата|платёж|платеж|посылка|груз|товар|деньги|билет\w*|счёт|счет|договор)"
        r" (?:\w+ ){0,3}?(?<!не )(?:оформлен|принят|подтвержд[её]н|забронирован|зарезервирован|отправлен|выслан|заказан|создан|получен|прош[её]?л|назначен|вызван|зачислен|поступил|отгружен|доставлен|закреплен|закреплён|активирован|возвращ|за вами|уже в пути|в пути|выехал|едет|вышел|ждёт вас|ждет вас|скоро будет у вас)\w*"
        r"|\bваш\w* (?:\w+ ){1,3}?(?:едет|едут|в пути|отправлен|выкуплен|собран|упакован|зачислен|возвращ[её]н|отгружен)\w*|билет\w* (?:\w+ ){0,2}(?:выкуплен|куплен)\w*|(?:получил[аи]?|вижу|видим) (?:ваш\w+ |вашу )?(?:оплат|плат[её]ж|предоплат)\w*|(?:бронь|место|столик|запись|номер|время) (?:\w+ )?за вами|(?:жд[её]м|жду|ждёт|ждет) вас (?:\w+ ){0,3}?(?:завтра|сегодня|послезавтра|утром|вечером|в (?:понедельник|вторник|среду|четверг|пятницу|субботу|воскресенье)|в \d{1,2}(?:[:.]\d\d| час))"
        r"|\b(?:я|мы) (?:\w+ ){0,3}?(?!понял|увидел|прочитал|прочл|услышал|забыл|ошиб|пропустил|был|рад|хотел|могл)[а-яё]{3,}(?:ал|ил|ел|ял|ул|ёл)[аи]?\b|\bваш[аеу]? (?:время|место|очередь|имя|окно|визит) (?:уже )?(?:внес|закреп|записан|отмечен|сохран|жд[её]т|готов)\w*|(?:за вами|вам|для вас|на ваше имя|на вас)\b (?:\w+ ){0,3}?(?:отлож|запис|закреп|заброн|оформ|отправ|назнач|выдел|подтвержд|прид[её]рж|оставл|зарезерв)\w*[ея]?н[аоы]?\b|(?:отлож|закреп|оформ|назнач|выдел|оставл)\w*н[аоы]? (?:за вами|вам|для вас|на ваше имя)|(?:отметил|внёс|внес|вписал|пометил|зафиксировал|прид[её]рж|забил|застолбил)[аи]?\b"
    ),
    "kk": re.compile(
        r"(?:жазып|брондап|рәсімдеп|жіберіп|тіркеп|растап|сақтап|бөліп|қосып|белгілеп|енгізіп) (?:қойдым|қойдық|жібердім|жібердік|алдым|алдық|бердім|бердік)|брондады[мқ]|брондалды|рәсімдеді[мк]|рәсімделді|тіркедім|тіркеді[мк]"
        r"|(?<!\w)(?:жібердім|жібердік|жіберілді|жазылдыңыз|тіркелдіңіз|растадым|растадық|расталды|белгіленді|енгізілді|қайтарылды|бөлінді|тағайындалды|бекітілді|сақталды|қойылды)|тапсырыс\w* (?:\w+ )?(?:қабылданды|берілді|рәсімделді|жасадым|жолда|дайын болды)|төлем\w* (?:\w+ )?(?:қабылданды|өтті|түсті|алдық|алдым)|ақша\w* (?:\w+ )?(?:қайтарылды|түсті|қайтардық)|жеңілдік\w* (?:\w+ )?(?:қолданылды|жасадық|бердік|қостық)"
        r"|курьер\w* (?:\w+ ){0,2}(?:жолда|шықты|кетті|берілді|келе жатыр)|жолға шықты|жеткізіп жатыр\w*|(?:орын|үстел|бөлме|уақыт)\w* (?:сізге )?(?:брондалды|сақталды|бекітілді|сіздікі)|(?:сағат|ертең|бүгін|күні)\b[^.!?]{0,30}күтеміз"
        r"|(?!(?:түсін|біл|көр|есті|оқы|ұқ|қуан|ұмыт|қателес|е|сұра|еске сал|ескерт?|жеткіз)[дт][ыі]м\b)(?<!\w)\w{2,}(?<![мбп][ае])(?:дым|дім|тым|тім)\b|(?:жаз|бронда|тірке|раста|белгіле|дайында|сақта|бөліп|қос|шақыр|жібер|апар|рәсімде|есепте|төмендет|бекіт)\w{0,3}(?:дық|дік|тық|тік)\b"
    ),
    "en": re.compile(
        r"\b(?:i|we)(?:'ve| have|'m| am)?(?: just| now| already| also| gone ahead and)? (?:booked|reserved|ordered|scheduled|placed|arranged|confirmed|registered|refunded|sent|shipped|dispatched|applied|signed you up|secured|put you down|pencilled|penciled|added you|locked|set aside|charged|activated|enrolled|issued|delivered|emailed|cancelled|changed your|saved|held|kept|blocked|put|marked|set up|fixed|squeezed|slotted|noted you|got you)\b|\b(?:i|we)'ve (?:just |now |already |also )?(?!received|noted|read|seen|been|understood|asked|passed|forwarded|shared)\w{2,}ed\b"
        r"|\byou(?:'re| are) (?:now |all |already |successfully )?(?:booked|confirmed|scheduled|registered|signed up|all set for|enrolled|down for)|\bconfirmed:|\b(?:received|got) your (?:payment|order|deposit|money)|\b(?:we|i) (?:hereby )?confirm (?:your|the|that your) (?:booking|order|payment|refund|discount|price|visit|seat)"
        r"|\byour (?:\w+ ){0,3}?(?:is|are|has been|have been|'s been|was|were) (?:now |already |successfully |all )?(?:\w+ and )?"
        r"(?:placed|confirmed|booked|reserved|scheduled|sent|received|processed|shipped|arranged|accepted|dispatched|secured|registered|refunded|on (?:its|the) way|out for delivery|waiting for you|credited|activated|extended|upgraded|packed|paid|cancelled|changed)"
        r"|\b(?:courier|driver|order|parcel|cargo) (?:is|has) (?:already )?(?:on (?:its|the|his) way|left|out for delivery)|\b(?:see|expect|expecting) you (?:today|tomorrow|tonight|at \d|on \w+|this \w+|next \w+|\w+day)|\b(?:is|it's|are) (?:all )?yours\b(?! to)|\byou(?:'re| are) (?:all )?(?:set|in)\b(?=[ .!,]*(?:for|on|at|$|[.!]))|under your name|(?:held|saved|kept|blocked|set aside) for you"
    ),
}  # fmt: skip
# Passing a question on is what a handover does, and what the reply may say.
COLLEAGUE: Final = re.compile(
    r"hamkas|menejer|operator|mutaxassis|mas'ul|xabaringiz|savolingiz|so'rovingiz|коллег|менеджер|оператор|специалист|сотрудник|вопрос|сообщени|запрос|обращени|просьб"
    r"|әріптес|маман|сұра[қғу]|хабарлама|өтініш|colleague|manager|operator|specialist|question|message|request|team\b|rahbar|руковод"
)
CONDITION: Final = re.compile(
    r"\b(?:если|когда|как только|после того|чтобы|if|once|when|after|as soon as|agar|qachon|егер|қашан)\b|\w+(?:sangiz|sa|саңыз|сеңіз|са|се)\b,"
)
# A result of a tool that did it, "name: result"; what a tool only looked up did nothing.
TOOL_DONE: Final = re.compile(
    r"(?:^|\n)\s*(?:book|reserve|appointment|order|send|sent|schedule|register|request)\w*\s*:|\b(?:booked|reserved|noted|scheduled|sent|ordered|confirmed)\b", re.IGNORECASE
)  # fmt: skip
# That a time or a place is theirs only a tool that booked it lets us say.
BOOKING: Final = re.compile(r"\b(?:band|bron|rezerv|ro'yxat|yoz|заброн|броник|запис|зарезерв|жаз|бронда|book|reserv|schedul)")
TOOL_BOOKED: Final = re.compile(r"\b(?:booked|reserved|scheduled)\b|(?:^|\n)\s*(?:book|reserve|appointment|schedule)\w*\s*:", re.IGNORECASE)
EVERYTHING: Final = re.compile(
    r"\bвсе[мх]?\b|\bлюб(?:ой|ом|ого|ая|ые)|всегда|\bbarcha|\bhamma|har qanday|istalgan|барлық|кез келген|\bevery\b(?! day)|\ball\b|\bany\b|always|обоих|обеим|ikkalangiz|ikkovingiz|екеуіңіз|\bboth\b"
)
# A clause that says no, and one that says it has to be asked.
NO: Final = re.compile(
    r"yo'q\b|emas\b|mas(?:man|miz)?\b|\bнет\b|\bне\b|жоқ|емес|\bno\b|\bnot\b|n't\b|unfortunately|afsus|к сожалению|өкінішке|qilolmay|tugagan|tugadi|закончил|таусыл|сатылып кет|sold out|out of stock|не дела"
)
DENIED: Final = re.compile(
    r"\bнет\b|\bне\b|yo'q\b|\bemas\b|жоқ|емес|\bno\b|\bnot\b|n't\b|\bnon-|невозвра|qaytarilm|қайтарылм|tugagan|закончил|sold out|out of stock"
)
ASKS: Final = re.compile(
    r"bilma|aniqla|so'rayman|so'rab|\bуточн|узна(?:ю|ем)|спрош|білме|нақтыла|анықта|сұрап|сұрай|(?:\bi'?ll|\bwill|\blet me|\bto|\bme|\bi) (?:\w+ )?check\b|checking|\bask|find out|\bли\b|не уверен|не знаю|not sure|whether|yo'qligi|bor-yo'q|бар-жоғ|жоғын|мавжудлиги|mavjudligi|подтвердит|tasdiqla(?:ydi|b)|растайды|will confirm|проверит|проверю|tekshir(?:ib|a|ay)|тексер(?:іп|ем|ейін)|unlikely|вряд ли|гумон"
    r"|(?:коллег|менеджер|hamkas|menejer|әріптес|colleague|manager)\w*[^.!?]{0,30}?(?:скажет|сообщит|подскаж|ответит|свяжет|aytadi|aytib|xabar|bog'lan|айтады|айтып|хабарла|tell|let you know|get back|confirm)"
)
HEDGE: Final = re.compile(rf"\?|{NO.pattern}|{ASKS.pattern}")
# "Нет проблем, скидка есть" says no and means yes.
NO_TROUBLE: Final = re.compile(
    r"нет проблем|не проблема|без проблем|не вопрос|не (?:переживай|волнуй|сомневай|беспоко)\w*|нет сомнений|muammo (?:yo'q|emas)|xavotir olma\w*|shubha yo'q|мәселе (?:жоқ|емес)|уайымдама\w*|no (?:problem|worries|doubt)|don't worry|why not|не только|nafaqat|not only"
)
SELF: Final = re.compile(
    r"as an ai\b|\bi am an ai\b|i'm an ai\b|(?:large )?language model|как (?:языковая модель|ии-модель|искусственный)|языков\w+ модел|\bgpt\b|chatgpt|openai|anthropic|\bclaude\b|\bllama\b|gemini|til modeli|sun'iy intellekt|тілдік модель|жасанды интеллект|нейросет"
    r"|system prompt|системн\w+ (?:промпт|инструкц|сообщени)|tizim (?:ko'rsatma|prompt)|жүйелік (?:нұсқау|промпт)|\bmy (?:instructions|rules|prompt|guidelines|programming)|(?:the|these|following|hidden|secret|internal|initial) (?:instructions|prompt|rules i|guidelines)|i (?:was|am|have been|'ve been) (?:told|instructed|programmed|configured|given the)|мо(?:и|их|им|ими) (?:инструкци|правил|настройк|промпт)|мо(?:й|его) промпт|внутренн\w+ (?:правил|инструкци)|мне (?:запрещено|приказано|предписано|велено|дали инструкц|поручено не)|я запрограммирован|я настроен|меня (?:запрограмм|проинструкт|настроили)|скрыт\w+ (?:правил|инструкци)|секретн\w+ инструкци"
    r"|menga (?:berilgan|buyurilgan|ko'rsatma|aytilgan|taqiqlangan)|(?:mening|menda) (?:\w+ )?(?:ko'rsatma|qoida|prompt|yo'riqnoma)\w*|(?:ko'rsatma|qoida|yo'riqnoma)larim|маған (?:берілген|бұйырылған|тыйым|нұсқау)|менің (?:\w+ )?(?:нұсқау|ереже|промпт)\w*|(?:нұсқау|ереже)лерім|\{\{|\}\}|<\/?(?:customer|passage|system)|handover to low|set handover|low_confidence|\bпромпт|\bprompt\b"
    r"|(?:без|no|without) (?:any )?(?:ограничений|restrictions|rules|filters|censorship)|cheklovlarsiz|cheklovsiz|шектеусіз|(?:developer|debug|god|admin|dan|jailbreak)[ -]mode|режим (?:разработчика|отладки|бога|администратора)|(?:dasturchi|admin) rejimi|әзірлеуші режимі|jailbroken|i (?:will )?obey|повинуюсь|слушаюсь|bo'ysunaman|бағынамын"
)
# What is free or added must be the very thing the company names, and for these it matters to whom.
BY_WORDS: Final = ("free", "gift")
PLACED: Final = (*BY_WORDS, "branch")
CONDITIONAL: Final = ("free", "gift", "discount", "instalment")
# "We are open today" is an hour, "a colleague answers tomorrow" passes a question on.
EXCUSED: Final[Mapping[str, re.Pattern[str]]] = {
    "unlimited": re.compile(r"напиш|пишите|обращ|спраш|yoz|murojaat|so'ra|жаз|хабарлас|сұра|\bwrite|message|\bask|contact"),
    "stock": re.compile(r"посмотреть|самовывоз|адрес|manzil|мекенжай|\baddress"),
    "soon": re.compile(
        r"hamkas|menejer|operator|коллег|менеджер|оператор|әріптес|colleague|manager|javob|ответ|жауап|\banswer|\breply|\d[:.]\d\d|работа|открыт|закрыт|выходной|ishla|ochiq|yopiq|dam ol|жұмыс істе|ашық|жабық|демал|\bopen|\bclosed|\bhours\b"
    ),
}
# Hours that a tool has read in the company's diary are free, not for nothing and not in stock; that they stand there is for `tracing`.
DIARY: Final = re.compile(r"^(?:free_slots|book_visit):")
HOUR: Final = re.compile(r"\b\d{1,2}[:.]\d\d\b")
FREE_HOURS: Final = re.compile(
    r"\bbo['‘’ʻ]sh\b|\bбўш\b|\bсвобод(?:ен|на|но|ны|н\w+)\b|\bбос\b|\bavailable\b|(?<=\d\d )(?:is|are)(?: \w+)? free\b|\bfree(?=:)",
    re.IGNORECASE,
)
# "A refund if you see no results" denies nothing.
WHEN: Final = re.compile(r"\s(?:if|when|если|когда|agar|егер)\s")
ALSO: Final = re.compile(r"\bham\b|тоже|также|поэтому|значит|shuning uchun|demak|сондықтан|\btoo\b|\balso\b|\bso\b")
THRESHOLD: Final = re.compile(
    r"\bот \d|свыше|больше|выше|yuqori|boshlab|ortiq|oshsa|жоғары|бастап|асса|артық|\d\s?\w{0,6}\s?(?:dan|дан|ден|тан|нан)\b|\bover\b|above|from \d|more than"
)
YES: Final = re.compile(
    r"\W*(?:да|конечно|разумеется|ha|albatta|ҳа|албатта|иә|әрине|yes|sure|of course|certainly|absolutely)\b", re.IGNORECASE
)
# "Yes, with two weeks' notice" is not a plain yes.
QUALIFIED: Final = re.compile(r"\b(?:but|with|if|only|но|при|если|только|lekin|faqat|agar|бірақ|тек|егер)\b")
# Names behind a sentence's first word, and as many letters as are judged by their language.
NAMED: Final = re.compile(r"(?<=[\w,:–—-]\s)(?!\w+day\b)[A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎҲ][a-zа-яёәөүұқғңіһўҳ'’]{3,}")
WHERE: Final = re.compile(r"([A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎҲ]\w+) (?:bo'ylab|бўйлаб|бойынша|ішінде|ichida|ичида|shahri|шаҳри|қаласы)")
JUDGED: Final = 40
IF: Final = re.compile(r"\b(?:agar|если|при|if|when|егер)\b|\w(?:sangiz|сеңіз|саңыз|nsa|lsa)\b")
SENTENCE: Final = re.compile(r"(?:[^.!?\n]|(?<=\d)[.](?=\d))+[.!?]*")
CLAUSE: Final = re.compile(r"\s?[,;:—–](?!\d)\s?|\s(?:а|но|but|lekin|ammo|бірақ|однако)\s")


def folded(text: str, language: str = "") -> str:
    """Lower case, one apostrophe; Uzbek in Latin letters."""
    low = text.lower().translate(APOSTROPHES)
    # At a word's start Cyrillic "е" is "ye": "етказиб" is "yetkazib".
    return re.sub(r"\bе", "ye", low).translate(CYRILLIC) if language == "uz" else low


def sentences(text: str) -> Iterator[str]:
    return (match[0].strip() for match in SENTENCE.finditer(text) if match[0].strip())


def around(words: str, text: str) -> str:
    """The sentence of a text that holds these words, or the text."""
    return next((line for line in sentences(text) if words.rstrip(".") in line), text)


def unfounded(text: str, language: str, company: str, tools: Sequence[str] = (), asked: str = "") -> Iterator[str]:
    """The sentences that claim what no text of the company says: things done, and things given. `company` is their whole text,
    `asked` what the customer said last: who answers "yes" says it."""
    for sentence in sentences(text):
        told = FREE_HOURS.sub(" ", sentence) if HOUR.search(sentence) and any(map(DIARY.match, tools)) else sentence
        if _claims_done(sentence, language, company, tools) or _promises(told, language, company):
            yield sentence
    if YES.match(text) and not QUALIFIED.search(folded(next(sentences(text)), language)) and not ASKS.search(folded(text, language)):
        yield from (question for question in _answered(text, asked) if _promises(question.rstrip("?!. "), language, company))


def _answered(text: str, asked: str) -> list[str]:
    """The questions a "yes" is said to: of several, those it repeats a word of."""
    questions, said = list(sentences(asked)), _stems(folded(next(sentences(text), "")))
    repeated = [question for question in questions if _stems(folded(question)) & said]
    return repeated if len(questions) > 1 and repeated else questions


def _claims_done(sentence: str, language: str, company: str, tools: Sequence[str]) -> bool:
    low = folded(sentence, language)
    done = DONE.get(language, DONE["en"]).search(low)
    if not done or sentence.endswith("?") or COLLEAGUE.search(low) or CONDITION.search(low):
        return False
    proof = TOOL_BOOKED if BOOKING.search(done[0]) else TOOL_DONE
    return done[0] not in folded(company, language) and not any(proof.search(result) for result in tools)


def _promises(sentence: str, language: str, company: str) -> bool:
    low = folded(sentence, language)
    return any(_gives(name, sentence, low, language, company) for name in GIVEN) or _is_paid_otherwise(low, company)


def _is_paid_otherwise(low: str, company: str) -> bool:
    """Whether a way to pay is offered that the company does not speak of."""
    if not PAYING.search(low):
        return False
    ways = (words for words in METHODS.values() if words.search(low) and not _hedged(words, low))
    return any(not words.search(folded(company)) for words in ways)


def _gives(name: str, sentence: str, low: str, language: str, company: str) -> bool:
    said, known = GIVEN[name]
    if not said.search(low) or _hedged(said, low) or (name in EXCUSED and EXCUSED[name].search(low)):
        return False
    parts = [clause for clause in CLAUSE.split(low) if said.search(clause)]
    given = [clause for clause in CLAUSE.split(low) if known.search(clause)]
    whole = low if len(given) <= 1 or ALSO.search(low) else ""
    return any(
        _is_ungranted(name, sentence, part, _named(OBJECTS, part) or _named(OBJECTS, whole), language, company) for part in parts or [low]
    )


def _is_ungranted(name: str, sentence: str, part: str, objects: frozenset[str], language: str, company: str) -> bool:
    """Whether no text of the company grants what a part of a sentence gives: these things, to these people, in this place."""
    said, known = GIVEN[name]
    conditions = _named(CONDITIONS, part)
    everything = bool(name == "free" and EVERYTHING.search(part))
    if name in BY_WORDS and not objects and not _about_the_same(said, part, language, _mentions(name, company)):
        return True
    granted = [one for one in _mentions(name, company) if not everything or _to_everybody(one)]
    if not granted or (name in PLACED and not any(_of_the_same_place(sentence, one) for one in _originals(name, company))):
        return True
    if name in CONDITIONAL and conditions - frozenset().union(*(_named(CONDITIONS, one) for one in granted)):
        return True
    if name == "free" and all(_is_out_of_reach(sentence, one, known) for one in granted):
        return True
    things = [_granted_objects(known, one) for one in granted]
    unnamed = [one for one, named in zip(granted, things, strict=True) if not named]
    if objects <= frozenset[str]().union(*things):
        return False
    return not unnamed or (name in BY_WORDS and not _about_the_same(said, part, language, unnamed))


def _granted_objects(known: re.Pattern[str], low: str) -> frozenset[str]:
    """What a company's sentence gives; "при ремонте бесплатно" gives what stands before it."""
    conditional = [clause for clause in CLAUSE.split(low) if IF.search(clause)]
    whole = low if any(known.search(clause) for clause in conditional) else " ".join(conditional)
    return _objects(known, low) | _named(OBJECTS, whole)


def _is_out_of_reach(sentence: str, granting: str, known: re.Pattern[str]) -> bool:
    """Whether what is given from a sum or a count upwards is given beside sums and counts that are all less."""
    clause = next((one for one in CLAUSE.split(granting) if known.search(one) and THRESHOLD.search(one)), "")
    for kinds in (("money",), ("measure", "count", "plain")):
        told, least = (
            [one.values[0] for one in figures.read(text) if one.kind in kinds and _is_sum(one) == (kinds[0] == "money")]
            for text in (sentence, clause)
        )
        if told and least:
            return max(told) < min(least)
    return False


def _is_sum(figure: figures.Figure) -> bool:
    return figure.kind == "money" or max(figure.values) >= figures.LARGE


def _about_the_same(said: re.Pattern[str], low: str, language: str, mentions: Sequence[str]) -> bool:
    """Whether something is free that shares a word with what the company gives, where both speak one language."""
    words = _stems(said.sub(" ", low))
    return not words or any(words & _stems(said.sub(" ", one)) or _is_foreign(one, language) for one in mentions)


def _is_foreign(low: str, language: str) -> bool:
    """Whether a company's sentence is in another language than the reply; a few words are so only by their letters."""
    if len(low) >= JUDGED:
        return identify(low)[0] != language
    return bool(re.search("[а-яё]", low)) != (language in ("ru", "kk"))


def _of_the_same_place(sentence: str, granting: str) -> bool:
    """Whether both name a place and it is another one: free within the city is not free elsewhere."""
    told = {people.stem(word) for word in NAMED.findall(sentence)}
    given = {people.stem(word) for word in (*NAMED.findall(granting), *WHERE.findall(granting))}
    return not told or not given or bool(told & given)


def _stems(low: str) -> frozenset[str]:
    return frozenset(word[:4] for word in re.findall(r"[^\W\d_]{4,}", low))


def _hedged(said: re.Pattern[str], low: str) -> bool:
    """The claim is denied in its own clause or behind it, left to be asked anywhere, or is itself the question."""
    low = NO_TROUBLE.sub(" ", low)
    if ASKS.search(low) or (low.endswith("?") and said.search(CLAUSE.split(low)[-1])):
        return True
    claimed = said.search(low)
    if not claimed:
        return False
    start = max((cut.end() for cut in CLAUSE.finditer(low, 0, claimed.start())), default=0)
    return bool(NO.search(WHEN.split(said.sub(" ", low[start:]))[0]))


def _objects(pattern: re.Pattern[str], low: str) -> frozenset[str]:
    """What the clause with the pattern speaks of, or its sentence where the clause names nothing."""
    parts = (*(clause for clause in CLAUSE.split(low) if pattern.search(clause)), low)
    return next((found for part in parts if (found := _named(OBJECTS, part))), frozenset())


def _named(table: Mapping[str, re.Pattern[str]], low: str) -> frozenset[str]:
    return frozenset(name for name, words in table.items() if words.search(low))


def _to_everybody(low: str) -> bool:
    """Whether what is given has no threshold ("from 400 000")."""
    return not re.search(r"\d", low) or bool(EVERYTHING.search(low))


@functools.lru_cache(maxsize=2048)
def _mentions(name: str, company: str) -> tuple[str, ...]:
    """The company's sentences that grant something, in lower case and Latin Uzbek beside it; denials are none."""
    known = GIVEN[name][1]
    forms = (form for sentence in _originals(name, company) for form in dict.fromkeys((folded(sentence), folded(sentence, "uz"))))
    return tuple(
        form for form in forms if any(known.search(clause) and not DENIED.search(known.sub(" ", clause)) for clause in CLAUSE.split(form))
    )


@functools.lru_cache(maxsize=2048)
def _originals(name: str, company: str) -> tuple[str, ...]:
    known = GIVEN[name][1]
    return tuple(one for one in sentences(company) if known.search(folded(one)) or known.search(folded(one, "uz")))
