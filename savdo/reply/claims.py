# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""What a reply says without a figure and still must not say by itself: that something was done, that something is given,
and what it was told to keep. Uzbek in Cyrillic is read in Latin letters, so one table serves both. Pure.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from savdo.ai.language import identify
from savdo.reply.injection import APOSTROPHES, CYRILLIC

# Things done in the past by us or to the customer's order. Futures, questions and offers ("band qilib qo'yaymi?") have other forms.
DONE: Final[Mapping[str, re.Pattern[str]]] = {
    "uz": re.compile(
        r"\b(?:(?:band|bron|zakaz|rezerv|tasdiq|rasmiylashtir|ro'yxatdan o'tkaz|buyurtma)\w*\s?(?:qilib |berib |qabul )?"
        r"(?:qildi[mk]|qilindi\w*|qo'ydi[mk]|berdi[mk]|berildi|qilingan|tirdi[mk]|tirildi|ladi[mk]|landi\w*|o'tkazdi[mk])"
        r"|(?:yoz|band qil|bron qil|rezerv qil|rasmiylashtir|tasdiqla|olib|jo'nat|yubor|saqla|ajrat|qo'sh|belgila|kirit|zaxirala)\w*[ai]b\s?(?:qo'ydi[mk]|qo'yildi|qo'yilgan|oldi[mk]|berdi[mk])|yozildingiz|yozib oldi[mk]|tasdiqlab qo'ydi[mk]"
        r"|(?:jo'nat|yubor|belgila|kirit|qo'sh)(?:di[mk]|ildi|landi)|rasmiylashtir(?:di[mk]|ildi)|tasdiqla(?:di[mk]|ndi)|buyurtma\w* (?:\w+ )?(?:qabul qilindi|yaratildi|joylandi|tayyor bo'ldi|yo'lda|yetkazildi)"
        r"|\w+ingiz (?:\w+ )?yo'lda\b|to'lov\w* (?:\w+ )?(?:qabul qilindi|o'tdi|tushdi|qaytarildi|oldi[mk])|pul\w* (?:\w+ )?(?:tushdi|qaytarildi|qaytardi[mk])|chegirma\w* (?:qo'lladi[mk]|qildi[mk]|berdi[mk]|yozdi[mk]|qo'llandi)"
        r"|kuryer\w* (?:\w+ ){0,2}(?:yo'lga chiq|yo'lda|chiqdi|ketdi|boryapti)|yo'lga chiqdi|yo'lga chiqardi[mk]|olib (?:bor|kel)yap\w+|yetkazib (?:ber|bor)yap\w+|(?:joy|stol|xona|vaqt|o'rin)\w* (?:siz(?:niki|ga ajratildi|ga saqlandi)|band qilindi|saqlandi)|kutib olamiz, (?:ertaga|soat)|ertaga kutamiz)"
    ),
    "ru": re.compile(
        r"(?<!не )\b(?:я |мы |уже |вас |вам |вы |заказ |для вас ){0,4}(?:забронировал[аи]?|записал[аи]?|зарезервировал[аи]?|оформил[аи]?|отправил[аи]?|заказал[аи]?"
        r"|отложил[аи]?|выслал[аи]?|подтвердил[аи]?|зарегистрировал[аи]?|закрепил[аи]?|придержал[аи]?|отгрузил[аи]?|внес(?:ла|ли)?|вн[её]с|доставил[аи]?|поставил[аи]? вас|добавил[аи]? вас|начислил[аи]?|применил[аи]?|списал[аи]?|активировал[аи]?|сделал[аи]? (?:вам )?скидку|вернул[аи]? (?:вам )?деньги|оставил[аи]? за вами|договорил(?:ся|ась|ись) с)\b"
        r"|\bвы (?:уже |успешно )?(?:записаны|зарегистрированы)\b|подтвержда(?:ю|ем),? (?:вашу? |ваш |что )?(?:бронь|запись|заказ|визит|оплат|скидк|цен|возврат)|(?<!не )\b(?:заказ|бронь|запись|визит|место|номер|столик|доставка|курьер|возврат|оплата|платёж|платеж|посылка|груз|товар|деньги|билет\w*|счёт|счет|договор)"
        r" (?:\w+ ){0,3}?(?<!не )(?:оформлен|принят|подтвержд[её]н|забронирован|зарезервирован|отправлен|выслан|заказан|создан|получен|прош[её]?л|назначен|вызван|зачислен|поступил|отгружен|доставлен|закреплен|закреплён|активирован|возвращ|за вами|уже в пути|в пути|выехал|едет|вышел|ждёт вас|ждет вас|скоро будет у вас)\w*"
        r"|\bваш\w* (?:\w+ ){1,3}?(?:едет|едут|в пути|отправлен|выкуплен|собран|упакован|зачислен|возвращ[её]н|отгружен)\w*|билет\w* (?:\w+ ){0,2}(?:выкуплен|куплен)\w*|(?:получил[аи]?|вижу|видим) (?:ваш\w+ |вашу )?(?:оплат|плат[её]ж|предоплат)\w*|(?:бронь|место|столик|запись|номер) (?:\w+ )?за вами|жд[её]м вас (?:завтра|сегодня|в \d{1,2}[:.]\d\d)"
    ),
    "kk": re.compile(
        r"(?:жазып|брондап|рәсімдеп|жіберіп|тіркеп|растап|сақтап|бөліп|қосып|белгілеп|енгізіп) (?:қойдым|қойдық|жібердім|жібердік|алдым|алдық|бердім|бердік)|брондады[мқ]|брондалды|рәсімдеді[мк]|рәсімделді|тіркедім|тіркеді[мк]"
        r"|(?<!\w)(?:жібердім|жібердік|жіберілді|жазылдыңыз|тіркелдіңіз|растадым|растадық|расталды|белгіленді|енгізілді|қайтарылды)|тапсырыс\w* (?:\w+ )?(?:қабылданды|берілді|рәсімделді|жасадым|жолда|дайын болды)|төлем\w* (?:\w+ )?(?:қабылданды|өтті|түсті|алдық|алдым)|ақша\w* (?:\w+ )?(?:қайтарылды|түсті|қайтардық)|жеңілдік\w* (?:\w+ )?(?:қолданылды|жасадық|бердік|қостық)"
        r"|курьер\w* (?:\w+ ){0,2}(?:жолда|шықты|кетті|берілді|келе жатыр)|жолға шықты|жеткізіп жатыр\w*|(?:орын|үстел|бөлме|уақыт)\w* (?:сізге )?(?:брондалды|сақталды|бекітілді|сіздікі)|ертең күтеміз"
    ),
    "en": re.compile(
        r"\b(?:i|we)(?:'ve| have|'m| am)?(?: just| now| already| also| gone ahead and)? (?:booked|reserved|ordered|scheduled|placed|arranged|confirmed|registered|refunded|sent|shipped|dispatched|applied|signed you up|secured|put you down|pencilled|penciled|added you|locked|set aside|charged|activated|enrolled|issued|delivered|emailed|cancelled|changed your)\b"
        r"|\byou(?:'re| are) (?:now |all |already |successfully )?(?:booked|confirmed|scheduled|registered|signed up|all set for|enrolled|down for)|\bconfirmed:|\b(?:received|got) your (?:payment|order|deposit|money)|\b(?:we|i) (?:hereby )?confirm (?:your|the|that your) (?:booking|order|payment|refund|discount|price|visit|seat)"
        r"|\byour (?:\w+ ){0,3}?(?:is|are|has been|have been|'s been|was|were) (?:now |already |successfully |all )?(?:\w+ and )?"
        r"(?:placed|confirmed|booked|reserved|scheduled|sent|received|processed|shipped|arranged|accepted|dispatched|secured|registered|refunded|on (?:its|the) way|out for delivery|waiting for you|credited|activated|extended|upgraded|packed|paid|cancelled|changed)"
        r"|\b(?:courier|driver|order|parcel|cargo) (?:is|has) (?:already )?(?:on (?:its|the|his) way|left|out for delivery)|\bsee you (?:today|tomorrow|at \d|on \w+ at)"
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
TODAY: Final = r"(?:сегодня|завтра|сейчас же|прямо сейчас|через пару|моментально|мгновенно|bugun|ertaga|hoziroq|hozirning o'zida|darhol|birpasda|бүгін|ертең|қазір ақ|лезде|\btoday|tomorrow|tonight|right away|within the hour|immediately|instantly|the next day|same day|next-day|same-day)"
BRINGS: Final = r"(?:привез|достав|приед|выед|отправ|отгру|будет готов|будут готов|готов[аоы]?\b|начн|подключ|yetkaz|olib (?:bor|kel)|borib|boramiz|boradi|kelib|keladi|tayyor|ulab|jo'nat|yubor|yuklab|boshla|жеткіз|барып|барады|келеді|келіп бастай|дайын|жібер|бастай|қосамыз|deliver|\bship|bring|arriv|\bcome\b|be at your|be with you|\bready|reach|\bstart)"
# Something given: whatever the words, some text of the company must speak of it, in any of its languages. Where a second
# pattern stands, that is what the company's text must hold.
GIVEN: Final[Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]] = {
    name: (re.compile(said), re.compile(known or said))
    for name, said, known in (
        ("free", r"\bbepul|\btekin|бесплатн|\bдаром\b|тегін|\bfree\b(?! (?:to|time|slots?|at|from|for you to|on (?:that|the|this))\b)|безоплатн|free of charge|at no (?:extra )?c(?:ost|harge)|complimentary|на халяву|за наш сч[её]т|hisobimizdan|есебімізден|narxga kiradi|включен[аоы]? в (?:цену|стоимость)|бағаға кіреді|included in the price|\bwaive|won't charge|не возьм[её]м (?:плат|ден)",
         r"\bbepul|\btekin|бесплатн|\bдаром\b|тегін|\bfree\b|безоплатн|no charge|complimentary|kiradi|в цен[уе]|в стоимост|включ|входит|кіреді|includ|sovg'a|подар|сыйлық|gift|\b0 (?:so'm|сум|₸)"),
        ("discount", r"chegirma|skidka|скидк|жеңілдік|discount|% off|aksiya|акци[яию]|акция|дешевле|arzonroq qil|арзандат|cheaper for you|special price|half[- ]price|half off|полцены|половину цены|yarim narx|жарты баға|promo ?code|промокод", ""),
        ("guarantee", r"kafolat|garantiya|гаранти(?!ру)|кепілдік|warrant|guarantee", ""),
        ("assured", r"гарантиру|обеща[ею]|клян[уе]|точно (?:поможет|снизит|успе|будет|прив|достав)|100 ?% (?:гарант|результат|возврат)|va'da ber|kafolatlaymiz|(?:ishingiz|ishi|imiz|ishlari|masligi\w*)ga kafolat|уәде бер|(?:ңізге|ыңызға|іне|ына|тынына|йтынына) кепілдік|\bwe guarantee|\bi guarantee|\bguaranteed\b|\bi promise|we promise|money[- ]back|без отказ|сізге кепілдік береміз, ", ""),
        ("instalment", r"bo'lib to'la|muddatli to'lov|nasiya|рассрочк|бөліп төле|кредит|kredit|instal?lment|\bcredit\b(?! card)|несие",
         r"bo'lib to'la|bo'lib|muddatli|nasiya|рассрочк|бөліп|кредит|kredit|instal?lment|\bcredit\b|несие|foizsiz|частями|по частям|oyga bo'l|айға бөл|qismga|part payment"),
        ("stock", (r"omborda|omborimiz|zaxirada|sotuvda bor|do'konda bor|mavjud\b(?! emas)|bo'sh (?:joy|kun|vaqt|xona|o'rin)\w* bor|joy(?:lar)? bor\b|oxirgi (?:dona|joy)|в наличии|на складе|есть в продаже|остал(?:ся|ось|ась|ись) (?:\w+ )?(?:одн|два|две|три|последн|всего|только|немного|несколько)|последн(?:ий|яя|ее|ие) (?:экземпляр|штук|мест)|есть (?:свободн\w+ )?мест[оа]|свободн\w+ (?:мест|окно|окош|столик|номер|дат)"
         r"|қоймада|қолда бар|дүкенде бар|сатылымда бар|бос (?:орын|үстел|бөлме|күн)\w*( да)? бар|соңғы (?:дана|орын)|in stock|(?:is|are|it's|still) available|available (?:now|today|on|for)|\b(?:only|just) (?:\w+ ){1,2}left\b|last (?:one|few|seat|piece)|\bsold out soon|seats? left"),
         r"omborda|omborimiz|zaxira|sotuvda|mavjud|bo'sh|qolgan|в наличи|на складе|в продаже|остал|свободн|қоймада|қолда бар|дүкенде бар|сатылымда|\bбос\b|қалды|in stock|available|\bleft\b|free dates|vacan"),
        ("refund", r"pul\w* qaytar|qaytarib ber|возврат|верн[её]м|ақша\w* қайтар|қайтарып бер|refund|money back", r"qaytar|возврат|верн|қайтар|refund|money back|return"),
        ("gift", r"sovg'a|подар(?:ок|ки|ком|им)|в подарок|сыйлық|сыйға|\bgift\b|\bbonus|бонус", r"sovg'a|подар|сый|gift|bonus|бонус"),
        ("soon", rf"{TODAY}[^.!?]{{0,60}}?{BRINGS}|{BRINGS}[^.!?]{{0,60}}?{TODAY}",
         r"сегодня|завтра|в тот же день|в день|день в день|bugun|ertaga|shu kuni|o'sha kuni|бүгін|ертең|сол күні|today|tomorrow|same[- ]day|next[- ]day|\b1 (?:kun|день|дня|day|күн|рабоч|ish|жұмыс)|(?:достав|привез|yetkaz|жеткіз|deliver)[^.]{0,40}?\d ?(?:soat|час|сағат|hour|минут|daqiqa|minut)|shoshilinch|срочн|express"),
        ("always", r"24\s?/\s?7|круглосуточно|kecha-yu kunduz|tunu kun|sutkasiga 24|тәулік бойы|around the clock|day and night", ""),
        ("best", r"официальн\w+ (?:дилер|дистрибьют|представит)|сертифицирован|лицензирован|sertifikat|litsenziya|rasmiy (?:diler|distribyutor|vakil)|лицензия|ресми (?:дилер|өкіл)|official (?:dealer|distributor)|certified|licensed|award", r"официальн|сертифи|лицензи|sertifi|litsenzi|rasmiy|ресми|official|certifi|licens|award"),
    )
}  # fmt: skip
# What may be free: where both sides name one, it must be the same.
OBJECTS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words)
    for name, words in {
        "delivery": r"доставк|достав[иля]|привез|yetkaz|жеткіз|deliver|shipping|\bship", "measuring": r"замер|o'lchov|o'lcha|өлшеу|measur",
        "consultation": r"консультац|konsultats|maslahat|кеңес|consult|при[её]м|ko'rik|қарау|check-?up|осмотр", "installation": r"установ|монтаж|o'rnat|орнат|install|сборк|yig'ish|құрастыр|подключ|ulanish|ulash|қосу\b|connection",
        "trial": r"пробн|sinov|сынақ|trial|первое посещ|первая тренир|birinchi mashg'ulot|алғашқы жаттығу", "month": r"birinchi oy|первый месяц|first month|бірінші ай", "x-ray": r"снимок|рентген|rentgen|x-ray", "diagnostics": r"диагност|diagnost", "design": r"дизайн|dizayn|design|макет",
        "router": r"роутер|router", "card": r"открытк|postcard|greeting card", "cleaning": r"чистк|tozalash|тазалау|cleaning", "treatment": r"лечени|davolash|емдеу|treatment|пломб|plomba", "visa": r"виз[аы]|viza|visa",
        "lifting": r"подъ[её]м|ko'tarish|көтеру", "cancelling": r"отмен|bekor qil|болдырмау|cancel", "airport": r"аэропорт|aeroport|әуежай|airport", "packing": r"упаков|qadoq|орау|packag|wrapp", "lesson": r"урок|заняти|dars\b|сабақ|lesson|class",
        "washing": r"мойк|yuvish|жуу|wash", "oil": r"замен\w+ масла|moy almash|май ауыст|oil change", "repair": r"ремонт|ta'mir|жөндеу|repair", "breakfast": r"завтрак|nonushta|таңғы ас|breakfast", "parking": r"парков|turargoh|parking|автотұрақ",
    }.items()
}  # fmt: skip
EVERYTHING: Final = re.compile(
    r"\bвсе[мх]?\b|\bлюб(?:ой|ом|ого|ая|ые)|всегда|\bbarcha|\bhamma|har qanday|istalgan|барлық|кез келген|\bevery\b|\ball\b|\bany\b|always"
)
# A clause that says no, and one that says it has to be asked.
NO: Final = re.compile(
    r"yo'q\b|emas\b|mas(?:man|miz)?\b|\bнет\b|\bне\b|жоқ|емес|\bno\b|\bnot\b|n't\b|unfortunately|afsus|к сожалению|өкінішке|qilolmay|tugagan|tugadi|закончил|таусыл|сатылып кет|sold out|out of stock|не дела"
)
DENIED: Final = re.compile(r"\bнет\b|\bне\b|yo'q\b|\bemas\b|жоқ|емес|\bno\b|\bnot\b|n't\b|tugagan|закончил|sold out|out of stock")
ASKS: Final = re.compile(
    r"bilma|aniqla|so'rayman|so'rab|\bуточн|узна(?:ю|ем)|спрош|білме|нақтыла|сұрап|сұрай|(?:\bi'?ll|\bwill|\blet me|\bto|\bme|\bi) (?:\w+ )?check\b|checking|\bask|find out|\bли\b|не уверен|не знаю|not sure|whether|yo'qligi|bor-yo'q|бар-жоғ|жоғын|мавжудлиги|mavjudligi|подтвердит|tasdiqla(?:ydi|b)|растайды|will confirm|проверит|проверю|tekshir|тексер"
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
SENTENCE: Final = re.compile(r"(?:[^.!?\n]|(?<=\d)[.](?=\d))+[.!?]*")
CLAUSE: Final = re.compile(r"\s?[,;:—–](?!\d)\s?|\s(?:а|но|but|lekin|ammo|бірақ|однако)\s")


def folded(text: str, language: str = "") -> str:
    """Lower case, one apostrophe; Uzbek in Latin letters."""
    low = text.lower().translate(APOSTROPHES)
    # At a word's start Cyrillic "е" is "ye": "етказиб" is "yetkazib".
    return re.sub(r"\bе", "ye", low).translate(CYRILLIC) if language == "uz" else low


def sentences(text: str) -> Iterator[str]:
    return (match[0].strip() for match in SENTENCE.finditer(text) if match[0].strip())


def unfounded(text: str, language: str, company: str, tools: Sequence[str] = ()) -> Iterator[str]:
    """The sentences that claim what no text of the company says: things done, and things given. `company` is their whole text."""
    for sentence in sentences(text):
        if _claims_done(sentence, language, company, tools) or any(_gives(name, sentence, language, company) for name in GIVEN):
            yield sentence


def _claims_done(sentence: str, language: str, company: str, tools: Sequence[str]) -> bool:
    low = folded(sentence, language)
    done = DONE.get(language, DONE["en"]).search(low)
    if not done or sentence.endswith("?") or COLLEAGUE.search(low) or CONDITION.search(low):
        return False
    return done[0] not in folded(company, language) and not any(TOOL_DONE.search(result) for result in tools)


def _gives(name: str, sentence: str, language: str, company: str) -> bool:
    said, known = GIVEN[name]
    low = folded(sentence, language)
    if not said.search(low) or _hedged(said, low):
        return False
    objects = _objects(said, low)
    everything = bool(name == "free" and EVERYTHING.search(low))
    if name == "free" and not objects and not _about_the_same(said, low, company):
        return True
    granted = [_objects(known, one) for one in _mentions(name, company) if not everything or _to_everybody(one)]
    return not granted or not (objects <= frozenset[str]().union(*granted) or not all(granted))


def _about_the_same(said: re.Pattern[str], low: str, company: str) -> bool:
    """Whether something is free that shares a word with what the company gives, where both speak one language."""
    mentions = _mentions("free", company)
    words = _stems(said.sub(" ", low))
    return len(words) < 2 or any(words & _stems(one) or identify(one)[0] != identify(low)[0] for one in mentions)


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
    return bool(NO.search(low[start:].replace(claimed[0], " ")))


def _objects(pattern: re.Pattern[str], low: str) -> frozenset[str]:
    """What the clause with the pattern speaks of, or its sentence where the clause names nothing."""
    for part in (*(clause for clause in CLAUSE.split(low) if pattern.search(clause)), low):
        if found := frozenset(name for name, words in OBJECTS.items() if words.search(part)):
            return found
    return frozenset()


def _to_everybody(low: str) -> bool:
    """Whether what is given has no threshold ("from 400 000")."""
    return not re.search(r"\d", low) or bool(EVERYTHING.search(low))


@functools.lru_cache(maxsize=2048)
def _mentions(name: str, company: str) -> tuple[str, ...]:
    """The company's sentences that grant something, in lower case and Latin Uzbek beside it; denials are none."""
    known = GIVEN[name][1]
    found = (
        form for sentence in sentences(company) for form in dict.fromkeys((folded(sentence), folded(sentence, "uz"))) if known.search(form)
    )
    return tuple(form for form in found if any(known.search(clause) and not DENIED.search(clause) for clause in CLAUSE.split(form)))
