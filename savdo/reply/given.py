# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""What a company may give, in the words of five writings: promises a reply must not make by itself, the things they are about,
the people and times they are for, and the ways to pay. Uzbek stands in Latin letters. Tables, read by `claims`.
"""

import re
from collections.abc import Mapping
from typing import Final

NOW: Final = r"(?:сейчас|на данный момент|на сегодня|\bhozir\b|hozirda|ayni paytda|қазір|\bcurrently|right now|at the moment)"
TODAY: Final = r"(?:сегодня|завтра|сейчас же|прямо сейчас|через пару|вечером|к вечеру|на (?:этой|следующей|будущей) неделе|на днях|в ближайш\w+|моментально|мгновенно|kechqurun|kechgacha|(?:shu|kelasi|keyingi) hafta|yaqin kun|bugun|ertaga|hoziroq|hozirning o'zida|darhol|birpasda|кешке|(?:осы|келесі|келер) апта|жақын күн|бүгін|ертең|қазір ақ|лезде|\btoday|tomorrow|tonight|right away|within the hour|this (?:week|evening|afternoon)|next week|by (?:tonight|this evening|the weekend)|immediately|instantly|the next day|same day|next-day|same-day)"
BRINGS: Final = r"(?:привез|достав|приед|выед|отправ|отгру|будет готов|будут готов|готов[аоы]?\b|начн|подключ|yetkaz|olib (?:bor|kel)|borib|boramiz|boradi|kelib|keladi|tayyor|ulab|jo'nat|yubor|yuklab|boshla|жеткіз|барып|барады|келеді|келіп бастай|дайын|жібер|бастай|қосамыз|deliver|\bship|bring|arriv|\bcome\b|be at your|be with you|\bready|reach|\bstart)"
# Something given: whatever the words, some text of the company must speak of it, in any of its languages. Where a second
# pattern stands, that is what the company's text must hold.
GIVEN: Final[Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]] = {
    name: (re.compile(said), re.compile(known or said))
    for name, said, known in (
        ("free", r"\bbepul|\btekin|бесплатн|\bдаром\b|тегін|(?<!-)\bfree\b(?! (?:to|time|slots?|at|from|for you to|on (?:that|the|this))\b)|безоплатн|free of charge|at no (?:extra )?c(?:ost|harge)|complimentary|на халяву|за наш сч[её]т|hisobimizdan|есебімізден|narxga kiradi|без (?:до)?плат|(?:плат[уы]|ден[ье]г|денег) (?:\w+ ){0,2}?не (?:бер|взим)|платить не (?:нужно|надо|прид)|за сч[её]т (?:магазина|компании|салона|заведения|фирмы)|комплимент от|(?:pul|haq)\w* (?:\w+ )?ol(?:may|inmay)|pulsiz\b|to'lovsiz|ақысыз|(?:ақы|ақша)\w* ал(?:май|ын)|on the house|\bit's on us|no (?:extra |additional )?(?:charge|fee|cost)\b|without (?:extra |any )?(?:charge|payment)|(?:throw|thrown|throwing) in|включен[аоы]? в (?:цену|стоимость)|бағаға кіреді|included in the price|\bwaive|won't charge|не возьм[её]м (?:плат|ден)",
         r"\bbepul|\btekin|бесплатн|\bдаром\b|тегін|(?<!-)\bfree\b|безоплатн|no (?:extra |additional )?(?:charge|fee|cost)|complimentary|pulsiz|to'lovsiz|ақысыз|без (?:до)?плат|kiradi|в цен[уе]|в стоимост|включ|входит|кіреді|includ|sovg'a|подар|сыйлық|gift|\b0 (?:so'm|сум|₸)"),
        ("discount", r"chegirma|skidka|скидк|жеңілдік|discount|% off|aksiya|акци[яию]|акция|дешевле|arzonroq|arzon\b|арзандат|уступ(?:им|лю)|скин(?:ем|у) |сбросим|выгоднее|arzonga|arzonlash|tushirib ber|арзанға|түсіріп бер|(?:%|percent|you|it|them) cheaper|cheaper (?:for|if|by|when)|knock (?:\w+ )?off|special price|half[- ]price|half off|полцены|половину цены|yarim narx|жарты баға|promo ?code|промокод",
         r"chegirma|skidka|скидк|жеңілдік|discount|% off|aksiya|акци|дешевле|выгодн|arzon|арзан|cheaper|special price|half[- ]price|\boff\b|promo|промо|по цене"),
        ("guarantee", r"kafolat|garantiya|гаранти(?!ру)|кепілдік|warrant|guarantee", ""),
        ("assured", r"гарантиру|обеща[ею]|клян[уе]|точно (?:поможет|снизит|успе|будет|прив|достав)|100 ?% (?:гарант|результат|возврат)|va'da ber|kafolatlaymiz|(?:ishingiz|ishi|imiz|ishlari|masligi\w*)ga kafolat|уәде бер|(?:ңізге|ыңызға|іне|ына|тынына|йтынына) кепілдік|\bwe guarantee|\bi guarantee|\bguaranteed\b|\bi promise|we promise|money[- ]back|без отказ|сізге кепілдік береміз, ", ""),
        ("instalment", r"bo'lib to'la|muddatli to'lov|nasiya|рассрочк|бөліп төле|кредит|kredit|instal?lment|\bcredit\b(?! card)|несие",
         r"bo'lib to'la|bo'lib|muddatli|nasiya|рассрочк|бөліп|кредит|kredit|instal?lment|\bcredit\b|несие|foizsiz|частями|по частям|oyga bo'l|айға бөл|qismga|part payment"),
        ("stock", (rf"{NOW}[^.!?,]{{0,40}}?(?:\bесть\b|\bмест|очеред\w*(?: нет)?|\bbor\b|\bjoy|\bnavbat\w*(?: yo'q)?|\bбар\b|орын|кезек\w*(?: жоқ)?|\bhave\b|\bopen\b)|omborda|omborimiz|zaxirada|sotuvda bor|do'konda bor|mavjud\b(?! emas)|bo'sh\b(?! vaqt(?:ing|da))|turibdi|navbat\w* yo'q|navbatsiz|tugayapti|tugab qol|(?:dona|\bta|tasi|\bjoy|\bkilo|\bkg|\blitr|\bmetr|\bjuft|\bo'rin|\bxona|\batigi|\bfaqat|\byana|\boz|\bkam)(?:gina)?(?: \w+)? qol(?:di|gan|yapti)\b|joy(?:lar)? bor\b|oxirgi (?:dona|joy)|в наличии|на складе|есть в продаже|остал(?:ся|ось|ась|ись) (?:\w+ ){0,2}?(?:\d|одн|дв[ае]|тр[ие]|четыр|пят|шест|сем|дес|последн|всего|только|лишь|немного|несколько|буквально|пар[ау]|мест|штук)|(?:мест|штук|пар|комплект|номер|билет|окош|окон|вариант)\w* (?:\w+ ){0,2}?остал|раскуп|разобра|хватит на всех|на витрине|на полке|очеред\w+ (?:сейчас )?нет|без очереди|(?:только что|уже|вчера|сегодня) (?:привезли|поступ)|последн(?:ий|яя|ее|ие) (?:экземпляр|штук|мест)|есть (?:свободн\w+ )?мест[оа]|(?<!в )свободн\w+|свобод(?:ен|на|но|ны)\b|не занят|есть (?:окно|окошк|ваш размер|\w+ размер)"
         r"|қоймада|қолда бар|дүкенде бар|сатылымда бар|\bбос\b(?! уақыт)|кезек\w* жоқ|кезексіз|(?<!есте )қалды\b|таусылып|жеткілікті|соңғы (?:дана|орын)|in stock|(?:is|are|it's|still|both|all) available|available (?:now|today|on|for)|\b(?:only|just|still|\d+|one|two|three|four|five|six|few|couple|several|last|plenty)\b (?:[\w-]+ ){0,4}left\b(?! (?:side|hand|turn))|in (?:our|the) (?:warehouse|store|shop|showroom|stockroom)|on (?:the|our) shel|open(?:s|ed|ing)? up|freed up|came free|plenty of|no (?:queue|wait|waiting|line)\b|running (?:low|out)|selling (?:out|fast)|ready (?:to ship|for pick ?up|for collection)|(?:just|freshly) arrived|restocked|\b(?:slot|spot|table|room|seat|place|desk|office|unit|date|day|court|appointment|\w+day|morning|afternoon|evening|\d|[ap]m)s?,? (?:is|are)(?:n't)? (?:still |currently |also )?(?:free|open|vacant|untaken)|we(?:'ve| have| do have| still have)(?: got)? (?:\w+ ){0,3}(?:slot|spot|opening|vacanc|availability|in your size|left)|last (?:one|few|seat|piece)|\bsold out soon|seats? left"),
         r"omborda|omborimiz|zaxira|sotuvda|mavjud|bo'sh|qolgan|в наличи|на складе|в продаже|остал|свободн|қоймада|қолда бар|дүкенде бар|сатылымда|\bбос\b|қалды|in stock|available|\bleft\b|free dates|vacan|turibdi|navbat|кезек|очеред|no queue"),
        ("refund", r"pul\w* qaytar|qaytarib ber|возврат|верн[её]м|ақша\w* қайтар|қайтарып бер|refund|money back", r"qaytar|возврат|верн|қайтар|refund|money back|return"),
        ("gift", r"sovg'a|подар(?:ок|ки|ком|им)|в подарок|сыйлық|сыйға|\bgift\b|\bbonus|бонус|qo'shib ber|қосып бер|впридачу|в придачу|\bthrow in|as a present", r"sovg'a|подар|сый|gift|bonus|бонус|qo'shib|қосып|kiradi|входит|включ|кіреді|includ|comes? with|bepul|бесплатн|тегін|(?<!-)\bfree\b|complimentary|komplekt|комплект|жиынтық"),
        ("soon", rf"{TODAY}[^.!?]{{0,60}}?{BRINGS}|{BRINGS}[^.!?]{{0,60}}?{TODAY}",
         r"сегодня|завтра|в тот же день|в день|день в день|bugun|ertaga|shu kuni|o'sha kuni|бүгін|ертең|сол күні|today|tomorrow|same[- ]day|next[- ]day|\b1 (?:kun|день|дня|day|күн|рабоч|ish|жұмыс)|(?:достав|привез|yetkaz|жеткіз|deliver)[^.]{0,40}?\d ?(?:soat|час|сағат|hour|минут|daqiqa|minut)|shoshilinch|срочн|express"),
        ("always", r"24\s?/\s?7|круглосуточно|kecha-yu kunduz|tunu kun|sutkasiga 24|тәулік бойы|around the clock|day and night", ""),
        ("later", r"(?:оплат\w*|заплат\w+|платить|расч[её]т\w*) (?:\w+ )?(?:потом|позже|после|по факту|при получ|в конце|частями)|(?:потом|позже) (?:оплат|заплат)|налож\w+ плат[её]ж|(?:keyin|oxirida|olganda|olgach|olgandan so'ng|yetkazilganda|qo'lga olgach) to'la|кейін төле|соңында төле|алған(?:да|нан кейін| соң) төле|\bpay (?:\w+ ){0,2}(?:later|after|at the end|on (?:delivery|collection|arrival|pick ?up)|when you)|payment (?:on|upon|after)|cash on delivery",
         r"потом|позже|после|по факту|при получ|в конце|налож|keyin|oxirida|olgan|yetkaz\w+da|кейін|соңында|алған|later|after|at the end|on delivery|on collection|on arrival|upon|частями"),
        ("exchange", r"\bобмен(?!н)|обменя|заменим на|almashtirib|almashtirish|ауыстырып бер|ауыстыруға|\bexchange (?:it|them|any|within|the)|\breplace it|\bswap (?:it|them)", r"обмен|замен|возврат|almash|qaytar|ауыстыр|қайтар|exchang|replac|swap|return"),
        ("branch", r"филиал|\bfilial|(?:another|second|other|our \w+) branch|шоу-?рум|\bshou?rum|showroom|сервисн\w+ центр|servis markaz|бөлімше\w* бар|пункт\w* выдачи", r"филиал|filial|branch|шоу-?рум|shou?rum|showroom|сервис|servis|бөлімше|пункт|service|магазин|do'kon|дүкен|shop|store|адрес|manzil"),
        ("in_time", r"\bуспе(?:ем|ете|ет|ю|ваем)\b|\bulgur(?:amiz|asiz|adi|tiramiz)|үлгер(?:еміз|есіз|еді|теміз)|\b(?:make it|be done|be ready|finished|done|ready) (?:by|before|in time|on time)", r"успе|ulgur|үлгер|in time|on time|срок|muddat|мерзім|ready|tayyor|дайын|готов"),
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
        "washing": r"мойк|yuvish|жуу|wash", "oil": r"замен\w+ масла|moy almash|май ауыст|oil change", "repair": r"ремонт|ta'mir|жөндеу|repair", "entry": r"\bвход|kirish|кіру\b|entry|entrance|admission", "storage": r"хранени|saqlash|сақтау|storage", "tasting": r"дегустац|tatib|дәм\b|tasting|sample", "visit": r"выезд|chiqish|chaqir|шығу|шақыру|call-?out", "anaesthetic": r"анестез|наркоз|narkoz|anesteziya|anesth", "accessory": r"чех[ое]л|g'ilof|\bcase\b|\bbag\b|sumka|сумк|шлем|helmet|зарядк|charger|sichqon|мыш[ьк]|mouse", "drink": r"\bкофе|\bча[йя]\b|coffee|\btea\b|choy\b|kofe|\bшай\b", "breakfast": r"завтрак|nonushta|таңғы ас|breakfast", "parking": r"парков|turargoh|parking|автотұрақ",
    }.items()
}  # fmt: skip
# For whom and when: a discount for students is none for pensioners.
CONDITIONS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words)
    for name, words in {
        "students": r"студент|talaba|student", "pensioners": r"пенсион|pensiya|pensioner|nafaqa|зейнеткер|retire|senior", "children": r"\bдет(?:ям|ей|ск)|реб[её]н|\bbola|балалар|бала(?:ңыз|ға)|\bchild|\bkids?\b",
        "birthday": r"день рожд|дня рожд|именинник|tug'ilgan kun|туған күн|birthday", "first": r"перв(?:ый|ого|ом|ое|ую|ых|ым) (?:заказ|визит|посещ|покуп|клиент|раз)|birinchi (?:buyurtma|tashrif|marta|xarid)|бірінші (?:тапсырыс|рет|келу)|алғашқы|first (?:order|visit|time|purchase|booking|lesson)|нов\w+ клиент|yangi mijoz|жаңа клиент|new customer",
        "again": r"постоянн\w+|повторн\w+|doimiy mijoz|тұрақты клиент|regular|returning|loyal", "cash": r"налич|naqd|қолма-қол|\bcash\b", "upfront": r"предоплат|oldindan|darhol to'la|алдын ала|up ?front|in advance|prepa",
        "weekend": r"выходн|dam olish|демалыс|weekend", "weekday": r"будн|ish kun|жұмыс күн|weekday", "morning": r"\bутр|ertalab|таңертең|таңғы|morning", "evening": r"вечер|kechqurun|кешке|evening", "friends": r"друз|приведи|do'st|qo'shn|дос\w*пен|достар|friend|neighbo", "family": r"семь|семей|oila|отбасы|famil", "group": r"групп|guruh|топп|\bgroup",
        "online": r"онлайн|на сайте|через сайт|onlayn|saytda|сайт(?:та|тан)|online", "subscribe": r"подпис|obuna|жазыл(?:ған|са)|subscri|follow", "second": r"втор(?:ой|ая|ое|ую)|ikkinchi|екінші|\bsecond\b", "newlyweds": r"молодож|жених|невест|kelin|жас жұбай|newlywed|bride", "teachers": r"учител|o'qituvchi|мұғалім|teacher",
    }.items()
}  # fmt: skip
PAYING: Final = re.compile(
    r"оплат|плат[иёе]|расч[её]т|принима|перев(?:од|ест)|to'la|to'lov|қабылда|төле|аудар|qabul|o'tkaz|\bpa(?:y|id)|accept|transfer"
)
METHODS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words)
    for name, words in {
        "card": r"\bкарт(?:ой|у|ы|ам|а|ами|очк)|\bkarta|\bcards?\b|visa|humo|uzcard|mastercard|терминал|terminal|безнал", "cash": r"наличн|naqd|қолма-қол|\bcash\b", "payme": r"payme|пейми|пэйми", "click": r"\bclick\b|\bклик", "kaspi": r"kaspi|каспи", "paypal": r"paypal|пейпал",
        "crypto": r"крипт|kripto|crypto|bitcoin|биткоин|usdt", "transfer": r"перечислен|банковск\w+ перевод|на сч[её]т|pul o'tkaz|bank orqali|hisob raqam|банк арқылы|bank transfer|wire|invoice", "wallets": r"apple ?pay|google ?pay|samsung ?pay",
    }.items()
}  # fmt: skip
