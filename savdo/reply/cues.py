# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""Words that decide where a statistic would guess: asking for a person and not wanting one, leaving, anger, thanks, doubt."""

import re
from collections.abc import Mapping
from typing import Final

from savdo.ai import linear

ANY_CASE: Final = re.IGNORECASE
PERSON: Final = (
    r"(?:operator|оператор|menejer|менеджер|menedzher|manager|admin(?:istrator)?|админ(?:истратор)?|direktor|директор|director|rahbar|раҳбар|рахбар|руководител|руководств|людьми|людей|"
    r"начальни|boshli[qg]|бошли[қғ]|басшы|басқарушы|supervisor|boss|human|person|agent|someone from|real people|"
    r"odam(?:ing|i)?\b|одам\b|inson|инсон|xodim(?:ing|ni)|ходим(?:инг|ни)|адам(?:мен|ға|ды)?\b|человек|сотрудник|специалист|mutaxassis|мутахассис|маман|консультант|konsultant|кеңесші|мастер|usta(?:ni|ng)|master|spetsialist|chelovek)"
)
WANTED: Final = re.compile(
    rf"(?:{PERSON}\w*(?:\W+\w+){{0,3}}?\W+(?:kerak|керак|керек|нужен|нужна|чақир|chaqir|шақыр|shakyr|ula(?:ng|b)|улаб|уланг|қос|bog'la|боғла|байланыстыр|gaplash|гаплаш|сөйлес|soyles|bering|беринг|беріңдер|беріңіз|bormi|борми|бар ма|javob ber|жавоб бер|жауап бер|пусть|есть|please|qosh|қўш|telefon qil|звон|набер|позвон|перезвон)"
    rf"|(?:позов\w*|соедин\w*|переключ\w*|свяж\w*|дайте|хочу|можно|пригласи\w*|передай\w*|нужен|нужна|нужно|пусть|срочно|vыzov\w*|pozov\w*|soedin\w*|dayte|get me|talk to|speak (?:to|with)|talk with|connect|transfer|give me|want|need|have|let|can|chaqir\w*|чақир\w*)(?:\W+\w+){{0,5}}?\W+{PERSON}"
    rf"|^\W*{PERSON}\w*\W*$|^\W*{PERSON}\W+(?:please|илтимос|iltimos|пожалуйста|өтінемін)\W*$)",
    ANY_CASE,
)
REFUSED: Final = re.compile(
    rf"{PERSON}\w*\W+(?:\w+\W+)?(?:kerak ?emas|керак ?эмас|керакмас|kerakmas|керек емес|керегі жо[қк]|керегi жок|chaqirmang|чақирманг|звать не надо|не ?нужен|не ?нужна|не ?надо|не звать|shart emas|шарт эмас)"
    rf"|(?:don'?t (?:need|want)|no need for|not? (?:need|want)(?:ing)?|without|do not (?:need|want))(?:\W+\w+){{0,3}}?\W+{PERSON}|(?:не (?:надо|нужен|нужно|зовите|хочу)|без)(?:\W+\w+){{0,2}}?\W+{PERSON}",
    ANY_CASE,
)
NO_BOT: Final = re.compile(
    r"\bbots?\b.{0,20}(?:emas|kerak ?emas|bilan (?:gaplash|hal))|робот\w*\W+(?:эмас|ёзмайман|yozmayman)|не (?:с )?(?:бот|робот)|с (?:ботом|роботом)\W(?:\w+\W+){0,2}?не|(?:no|not a|stop with the) (?:bots?|robots?|scripted)|бот\w*\W+(?:керегі жоқ|емес|сөйлеспе)|(?:tirik|jonli|тирик|жонли|живо[йг]|тірі|real|live) (?:odam|одам|operator|оператор|человек|адам|person|human)|кто.?(?:то|нибудь) живой|"
    # "Let the designer answer himself, not you."
    r"(?:o'zi|ўзи|өзі)\W+(?:javob ber|жавоб бер|жауап бер|gaplash|гаплаш|сөйлес|yozsin|ёзсин|жазсын|хабарлас|telefon qil|qo'ng'iroq)\w*|пусть\W+(?:\w+\W+){0,3}?(?:сам|сама|лично)\W+(?:\w+\W+){0,2}?(?:ответит|напишет|позвонит|перезвонит|свяжется)|\blet the \w+ (?:answer|call|write|reply)",
    ANY_CASE,
)
OWN_STAFF: Final = re.compile(
    r"(?:у нас|нас|biz(?:da|ning)|бизда|бізде)\W+(?:\w+\W+){0,3}?\d+\s\w+|\d+\s?(?:та\s|ta\s)?(?:menejer|менеджер|администратор|xodim|ходим|сотрудник|сатушы|адам|kishi|человек|people|users|odam|одам)",
    ANY_CASE,
)
OPT_OUT: Final = re.compile(
    r"\b(?:unsubscribe|stop (?:messaging|texting|writing|spamming)|don'?t (?:text|write|message)|take me off|remove me)|не (?:надо |нужно )?(?:мне )?(?:больше )?пишите|(?:больше|сами) (?:мне )?не пиш|отпиши(?:те)?\b|отписаться|(?:убери\w*|удали\w*|исключи\w*) (?:меня|мой номер)|(?:хватит|перестаньте|прекратите) (?:мне )?(?:слать|писать|присылать|спам)|bol[sh]+e ne pish|ne pishite|"
    r"(?:boshqa|бошқа|menga|менга|endi|энди|qayta)\W(?:\w+\W+){0,2}?(?:yozma|ёзма|xabar (?:yubor|kel)ma|yubormang|юборманг)|yozavermang|ёзаверманг|ro'?yxat\w*\W(?:\w+\W)?o'?chir|рўйхат\w*\W(?:\w+\W)?ўчир|o'?chiring ro'?yxat|obuna\w* bekor|"
    r"(?:маған|енді|басқа)\W(?:\w+\W+){0,2}?жазба|жазбаңыз|тізімнен (?:шығар|өшір)|хабарлама (?:жіберме|келмесін)|жарнама\w* (?:жіберме|мезі)|jazba(?:n|ng|ny)|^\W*(?:stop|стоп|yozmang(?:lar)?|ёзманг(?:лар)?)\W*$|не беспоко(?:й|ить)|(?:отстань|отвяжи|отвали)\w*|оставьте (?:меня|нас) в покое|bezovta qil(?:ma|inmasin)|безовта қил(?:ма|инмасин)|безовта килма|tinch qo'y|тинч қўй|мазала(?:ма|май)|жайыма қалдыр|leave (?:me|us) alone|stop bothering|don'?t (?:bother|disturb|contact)|do not (?:bother|disturb|contact)|(?:reklama|реклама)\w* (?:kerak ?emas|керак ?эмас|керакмас|kerakmas)",
    # Of several messages each is one by itself.
    ANY_CASE | re.MULTILINE,
)
# Nothing but this, from who said goodbye before.
OPT_IN: Final = re.compile(
    r"\W*(?:please |пожалуйста,? |iltimos,? |илтимос,? )?(?:/?start(?: again)?|unstop|(?:re)?subscribe(?: me)?(?: again)?|resume|(?:you (?:can|may) )?(?:write|text|message)(?: to)? me(?: again)?|"
    r"старт|начать|возобнов(?:ить|ите)|(?:снова |опять )?(?:подписаться|подпиши(?:те)? меня)(?: снова| опять)?|(?:мне )?(?:снова |опять )?пишите(?: мне)?(?: снова| опять)?|(?:мне )?(?:снова |опять )?мож(?:но|ете)(?: мне)?(?: снова| опять)? писать(?: мне)?(?: снова| опять)?|"
    r"(?:menga )?(?:yana|qayta)(?: menga)? yoz(?:ing|avering)(?:lar)?|(?:menga )?yozavering(?:lar)?|(?:menga )?(?:yana |qayta )?yoz(?:ishingiz mumkin|sangiz bo'ladi)|obuna bo'l(?:aman|ish|moqchiman)|boshla(?:sh|ng)|"
    r"(?:менга )?(?:яна|[қк]айта)(?: менга)? ёз(?:инг|аверинг)(?:лар)?|(?:менга )?ёзаверинг(?:лар)?|(?:менга )?(?:яна |[қк]айта )?ёз(?:ишингиз мумкин|сангиз б[ўу]лади)|обуна б[ўу]л(?:аман|иш|моқчиман)|бошла(?:ш|нг)|"
    r"(?:маған )?(?:[қк]айта(?:дан)?|тағы)(?: маған)? жаз(?:ы[ңн]ыз|ы[ңн]дар|а бер(?:і[ңн]із|і[ңн]дер)?)(?:дер|дар)?|(?:маған )?жаза бері[ңн]із(?:дер)?|(?:маған )?(?:[қк]айта )?жаз(?:уға|са[ңн]ыз) болады|жазыл(?:у|амын|ғым келеді)|баста(?:у|[ңн]ыз))(?:,? (?:please|пожалуйста|iltimos|илтимос|өтінемін))?\W*",
    ANY_CASE,
)
PROMPT_THEFT: Final = re.compile(
    r"(?:ignore|forget|disregard) (?:all |your |the )?(?:previous |prior )?(?:instructions|rules)|system prompt|системн\w+ (?:подсказк|промпт|инструкц)|забудь\w* (?:все |прошлые |свои )?(?:инструкции|правила)|zabud vse|(?:ko'rsatma|кўрсатма|qoida|қоида)\w*\W(?:\w+\W){0,2}?(?:unut|унут|e'tiborsiz|айт\b|chiqar)|нұсқау\w*\W(?:\w+\W){0,2}?(?:ұмыт|айт)|"
    r"(?:tizim|тизим|жасырын|tizimli) prompt|prompt\w*\W(?:\w+\W){0,2}?(?:yoz|ёз|жаз)|you are (?:now )?dan\b|(?:api|апи) (?:key|kalit|ключ|klyuch)|режим (?:разработчика|отладки|администратора)|developer mode|debug mode|(?:список|базу|телефоны) (?:всех )?(?:клиентов|покупателей|заказчиков)|(?:all|other) (?:your )?(?:customers|clients)'? (?:names|phones?|numbers|data)|ты теперь .{0,20}бот|sen endi .{0,30}bot|сен энди .{0,40}бот",
    ANY_CASE,
)
ANGER: Final = re.compile(
    r"!{2,}|👏|ужас|безобраз|кошмар|позор|сколько можно|да что (?:ж|за)|достал|надоел|издева|прекрасный сервис|аплодир|вообще что ли|обнагле|жаловаться|в суд|обман|"
    r"uyat|уят|sharmanda|qachongacha|jonga teg|jonimga|bezor|безор|axir|ахир|qoyil|қойил|ишингизга|rekord|necha marta|yolg'on|алдад|aldad|ұят|қашанғы|мезі|масқара|зерік|жүйкем|шығын|"
    r"ridiculous|unacceptable|worst|seriously|great job|awful|terrible|horrible|disgust|nobody answers|again!|furious|scam",
    ANY_CASE,
)
MANNERS: Final = re.compile(
    r"зо'р|зўр|zo'r|zor\b|super|супер|отлично|класс|круто|ура\b|спасибо|благодар|rahmat|raxmat|раҳмат|рахмат|рахмет|рақмет|rahmet|thank|great|awesome|perfect|love|керемет|тамаша|baraka|барака|yaxshi tushun|ajoyib|ажойиб|лучш|😍|🎉|❤|🔥|👍|🙏|😊|🌸|🥰|qoyilmaqom|келістік|болды аламыз",
    ANY_CASE,
)
OBJECTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    "price": re.compile(r"qimmat|қиммат|киммат|dorog|дорог|дорого|қымбат|кымбат|expensive|too much|over (?:our|my) budget|overpriced|arzonroq|chegirma qilma|цена кусается|не по карману|og'irlik qil|оғирлик|kidding me|tilladan|ақшам жет|бізге ауыр|oshmasin|ошмасин", ANY_CASE),
    "competitor": re.compile(r"boshqa(?:lar)? (?:crm|firma|joy|kompaniya)|бошқа (?:жой|фирма)|tanish usta|таниш уста|usta(?:lar)? .{0,15}(?:arzon|yarim)|усталар|другой (?:компани|фирм|салон|мастер|сервис|црм|crm)|у нас уже (?:есть|стоит)|у других|знаком\w+ (?:мастер|сделает)|у конкурент|базарда|басқа (?:жер|компания|дүкен)|baska jer|көрші|current (?:crm|provider|supplier)|another (?:company|vendor|provider)|elsewhere|already use", ANY_CASE),
    "trust": re.compile(r"ishonma|ishonch|ишонма|ишонч|qanday ishon|қандай ишон|aldama|алдама|aldan|алдаб|алдан|g'oyib|qochib ket|қочиб|firibgar|фирибгар|не вер|доверя|обман|\bкину|мошенн|сомнева|гарантии что|сенбей|сенім|алдап|алаяқ|күмән|детальды ауыстыр|swaps? the parts|trust|scam|horror stor|how do i know|подмен|боюсь", ANY_CASE),
    "timing": re.compile(r"keyinroq|кейинроқ|keyin (?:olaman|qara|ko'r|gaplash|yoz)|o'ylab ko'r|ўйлаб кўр|уйлаб кур|vaqtim yo'q|вақтим йўқ|вактим йук|hozir (?:emas|ta'mir qilmay|olma)|ҳозир эмас|shoshma|шошма|oydan keyin|maslahatlash|маслаҳатлаш|подума|не сейчас|не срочно|попозже|позже|пока (?:не|просто)|нет времени|через полгода|посовет|после (?:праздник|отпуск|экзамен|нового)|ойлан|кейін|уақытым жоқ|қазір емес|ақылдас|think about it|not now|maybe (?:later|next|after|in)|later|not in a hurry|after my|no time", ANY_CASE),
    "need": re.compile(r"kerak ?emas|kerakmas|керак ?эмас|керакмас|nimaga kerak|нимага керак|yetib turibdi|етиб турибди|o'zimizda bor|ehtiyoj yo'q|shusiz|bitgan|не нуж(?:но|ен)|зачем (?:мне|нам|она|он|црм|crm|это|вообще)|хватает|справляемся|без этого|обойд[её]мся|не вижу смысла|керек емес|не қажет|онсыз|жетеді бізге|бізде бар|don'?t need|no need|fine without|why would i need|enough for us|жаңасын алған", ANY_CASE),
    "feature": re.compile(r"yo'q ekan|йўқ экан|йук экан|olmas ekan|to'g'ri kelmaydi|тўғри келмайди|tugri kelmaydi|bo'lmasa .{0,20}(?:kelmay|olmay)|без (?:них|него|неё|этого|парковки|\w+) (?:нам )?не (?:подход|вариант|рассматр)|нет \w+.{0,30}(?:не подходит|не для нас|значит)|если нет|болмаса .{0,20}(?:келмей|керек)|жоқ (?:болса|екен)|dealbreaker|doesn'?t (?:have|support)|lacks?|without (?:a|an|it|that|those)\b.{0,20}(?:not|won't)|no \w+ \w+ = ", ANY_CASE),
}  # fmt: skip
# Whether they are open is no wish for a visit.
OPENING: Final = re.compile(
    r"\b(?:open|closed?|working hours|opening hours)\b|(?:do|are|will) you (?:guys )?work(?:ing)?\b|\b(?:ishlaysiz|ishlaysizlar|ishlaysizmi|ishlaydi|ochiqmi|ochiqsiz)\w*|ишлайсиз\w*|ишлайди\w*|очи[қк]ми\w*|\bработает\w*|\bоткрыт\w*|жұмыс істей\w*|істейсі[зң]\w*|ашы[қк]сы[зң]\w*|ашы[қк] па",
    ANY_CASE,
)
WISHES_VISIT: Final = re.compile(
    r"\b(?:book|appointment|schedule|come (?:over|by|in)|visit|i'll come)\b|запи[сш]\w*|приеду|подъеду|заеду|приехать|yozib qo'y|yozing meni|boraman|borsam|kelaman|kelsam|бораман|келаман|барсам|барамын|келемін|жазып",
    ANY_CASE,
)
WHERE: Final = re.compile(
    r"\b(?:address|where|located|location)\b|адрес\w*|\bгде\b|наход\w+|manzil\w*|qayer\w*|манзил\w*|қаер\w*|каер\w*|мекенжай\w*|қайда|кайда|орналас\w*|добра\w+|доехать|проехать|qanday bor(?:iladi|aman|amiz)|қандай бор(?:илади|аман|амиз)|қалай бара(?:мыз|мын)|get to you|get there|find you",
    ANY_CASE,
)
# Our number asked for; who gives theirs writes it.
OUR_PHONE: Final = re.compile(
    r"\b(?:telefon|tel|aloqa|nomer)\w*\s(?:raqam|nomer)\w*|\b(?:raqam|nomer|telefon)(?:ingiz|ingizni|laringiz)\b|\b(?:raqam|nomer|telefon)\w*\s(?:tashla|yubor|ber(?!a)|yoz)\w*|"
    r"\b(?:телефон|тел|алоқа|номер)\w*\s(?:рақам|ракам|номер)\w*|\b(?:рақам|ракам|номер|телефон|нөмір)(?:ингиз|ингизни|іңіз|іңізді|ыңыз|лариңиз)\b|\b(?:рақам|ракам|номер|телефон|нөмір)\w*\s(?:ташла|юбор|жібер|бері|беріп|дай|скин|скаж|подскаж|пришли|напиши)\w*|"
    r"(?:какой|ваш|дайте|скиньте|подскажите|напишите|можно)\s(?:у вас\s|мне\s|ваш\s)*(?:контактный\s)?(?:номер(?! заказ)\w*|телефон\w*)(?!\s(?:заказ|трек|договор|сч[её]т))|(?:your|the|contact)\s(?:phone|number|contact number|telephone)\b|how (?:can|do) i (?:call|phone|reach) you",
    ANY_CASE,
)
ASKING: Final = re.compile(r"\?|\bmi\b|mi\W*$|ми\W*$|\bли\b|\b(?:qancha|сколько|қанша|how)\b", ANY_CASE)

# A decision in so many words, and what makes it none: a condition, a thought, another time.
DECIDED: Final = re.compile(
    r"\b(?:беру|бер[её]м|возьм(?:у|ём|ем)|заказыва(?:ю|ем)|покупа(?:ю|ем)|оформля(?:ем|йте|ю)|выставляйте|подключайте|забира(?:ю|ем))\b|готовы? (?:подпис|оплатить|купить|внести)|куда (?:\w+ )?(?:переводить|перевести|платить|оплатить|оплачивать|кинуть|скинуть|оплата)|(?:присылайте|шлите|пришлите) (?:договор|сч[её]т|реквизиты)|\bberu\b|\boformlya\w+|"
    r"\b(?:olaman|olamiz|buyurtma (?:qilaman|beraman|beramiz)|roziman|rozimiz|kelishdik|rasmiylashtir\w+|imzolay\w+|(?:qayerga|qanday) to'la\w+|оламан|оламиз|буюртма (?:қиламан|бераман|берамиз)|розиман|розимиз|келишдик|расмийлаштир\w+|имзолай\w+)\b|"
    r"\b(?:аламын|аламыз|келістік|келісемін|рәсімде\w+|тапсырыс бере\w+|қол қоямы[нз]|қайда (?:төлей|аудара)\w+)\b|"
    r"\b(?:i|we)'?(?:ll| will) (?:take|have) (?:it|them|the|two|both|three)|\b(?:i'?m|we'?re) (?:buying|paying|taking)|sign (?:me|us) up|put (?:me|us) (?:down|on)|\bgo ahead\b|how do (?:i|we) pay\b|where (?:do|should) (?:i|we) (?:pay|send|transfer)|send (?:me |us |over )?the (?:contract|invoice)",
    ANY_CASE,
)
UNDECIDED: Final = re.compile(
    r"\b(?:не|если|когда|подума\w*|потом|позже|может|if|maybe|when|agar|агар|егер|keyin\w*|кейин\w*|кейін\w*|o'ylab|ўйлаб|ойлан\w*|емес|emas|эмас)\b",
    ANY_CASE,
)
# Whoever speaks of their own paying in the wish to be put on a list buys; an appointment is not paid for beforehand.
PAYING: Final = re.compile(
    r"\b(?:оплач\w+|заплач\w+|плачу|предоплат\w+|аванс\w*|pul(?:ni|ini|in)|avans\w*|zaklad\w*|to'la(?:y\w*|b|sam)|tola(?:y\w*|b|sam)|пул(?:ни|ини)|тўла(?:й\w*|б|сам)|ақша(?:сын|ны)|төлей\w*|(?:i'll|i will|i can) pay|paying)\b",
    ANY_CASE,
)
# Money asked back, not asked about.
REFUND: Final = re.compile(
    r"верните (?:мне |нам )?(?:мои |наши |все )?деньги|деньги (?:мне |нам )?(?:назад|верните)|pul(?:im|imiz)?ni qaytar(?:ing|ib ber)|пул(?:им|имиз)?ни қайтар(?:инг|иб бер)|ақша(?:мды|мызды) қайтар|(?:want|give|demand|need) (?:me |us )?(?:my|our|the) money back|(?:want|demand) (?:a |my |our )?(?:full )?refund",
    ANY_CASE,
)
# "How many months" asks no price, though "how much" is the same word.
HOW_LONG: Final = re.compile(
    r"\b(?:қанша|қанча|канча|qancha|неше|нечта|nechta|necha|неча|сколько)\s(?:ай|күн\w*|апта|жыл|сағат|минут|oy|kun\w*|hafta|yil|soat|daqiqa|minut|ой|кун\w*|ҳафта|хафта|йил|соат|дақиқа|месяц\w*|дн\w+|недел\w+|лет|часов)\b|\bсколько (?:у вас )?(?:дела[ею]тся|изготавлива\w+|ждать|занима\w+|длит\w+)",
    ANY_CASE,
)
# A price asked back in surprise is an objection to it, a wish for something "not too dear" is none.
DEAR: Final = re.compile(
    r"qimmat|қиммат|киммат|\bdorog\w*|дорого|дороговат|қымбат|кымбат|expensive|too much|overpriced|kidding|joking|шутите|шутка|ничего себе|\?\?|!\?|\?!",
    ANY_CASE,
)
NOT_DEAR: Final = re.compile(
    r"uncha|унча|(?:qimmat|қиммат|киммат)(?:mas|мас|iga|ига|roq|роқ)\w*|не (?:очень )?дорог|дороже|қымбатта|not too|more expensive",
    ANY_CASE,
)
MOST_THANKS: Final = 4
# Nobody weighs an offer in these.
NO_DOUBTS: Final = frozenset({"opt_out", "complaint", "spam", "order_status"})
# A question without its mark: it asks for a thing, a time, a place or a way.
# "You do not understand me": a machine that guesses on makes it worse.
MISREAD: Final = re.compile(
    r"(?:meni|savolimni|gapimni|hech narsani?|umuman)\W+(?:\w+\W+)?tushun(?:may|ma)\w*(?:siz|san|ding|dingiz)\b|tushunmayap(?:siz|san)|tushunmadingiz|"
    r"(?:мени|саволимни|гапимни|умуман)\W+(?:\w+\W+)?тушун(?:май|ма)\w*(?:сиз|сан|динг|дингиз)\b|тушунмаяп(?:сиз|сан)|тушунмадингиз|"
    r"(?:ты|вы)\W+(?:\w+\W+){0,2}?не (?:понима(?:ешь|ете)|понял[аи]?|поняли)|не понима(?:ешь|ете)\W+(?:меня|вопрос|о ч[её]м)|"
    r"түсінбе(?:й (?:тұр|жатыр)\w*|дің(?:із)?\b|йсі[зң]|пті?сі[зң])|"
    r"you\W+(?:\w+\W+){0,2}?(?:do not|don'?t|didn'?t|did not|cannot|can'?t|aren'?t)\W+(?:even )?(?:understand|understanding|get (?:me|it|my))|misunderst(?:and|ood)\w* me",
    ANY_CASE,
)
WAITS: Final = re.compile(
    r"^\W*(?:ок\w*|ok\w*|хорошо|ладно|xo'?p|yaxshi|хўп|яхши|жарайды|жақсы|fine)?\W*(?:я |мы |мен |men |біз |biz )?"
    r"(?:жд[уе]\w*|подожд\w*|kut(?:ib|yap|a)\w*|кут(?:иб|яп|а)\w*|күт\w*|(?:i'?ll |i am |i'?m )?wait\w*)(?:\W+\w+)?\W*$",
    ANY_CASE,
)
QUESTION: Final = re.compile(
    r"\?|\bmi\b|mi\W*$|ми\W*$|\bли\b|\b(?:ма|ме|ба|бе|па|пе)\b|\b(?:qa(?:nday|lay|ncha|chon|yer|ysi)\w*|necha\w*|nech\w*|nima\w*|kim\w*|"
    r"қа(?:ндай|лай|нча|чон|ер|йси)\w*|неча\w*|нима\w*|сколько|скок\w*|поч[её]м|pochem|skolko|какой|какая|какие|каком|когда|где|куда|как|почему|можно|"
    r"қанша\w*|қандай\w*|қашан\w*|қайда\w*|қай|неше\w*|не (?:істе|үшін|бар|болады)\w*|how|what|when|where|which|who|why)\b|"
    # Within a sentence: "bormi aka"; in English the verb before its subject.
    r"(?:bor|di|siz|lar|sila|sizla|gan|mumkin|bo'la|бор|ди|сиз|лар|сила|сизла|ган|мумкин)(?:mi|ми)\b|\w{2}(?:mi(?:siz(?:lar)?|kan|kin)|ми(?:сиз(?:лар)?|кан|кин))\b|\b(?:can|could|do|does|did|is|are|will|would|have) (?:you|i|we|it|there|they|the|this|that|these|your)\b",
    ANY_CASE,
)


def wants_human(text: str, share: float, intent: str) -> bool:
    """Whether a person is asked for. "No manager needed, just tell me" is the opposite."""
    text = linear.APOSTROPHES.sub("'", text)
    if REFUSED.search(text):
        return False
    if NO_BOT.search(text):
        return True
    if WANTED.search(text) and not (OWN_STAFF.search(text) and share < 0.5) and (share > 0.03 or intent in ("human_request", "complaint")):
        return True
    return (share > 0.62 or (intent == "human_request" and share > 0.3)) and not OWN_STAFF.search(text)


def decides(text: str) -> bool:
    """Whether a customer says in so many words that they buy, pay or sign."""
    text = linear.APOSTROPHES.sub("'", text)
    return bool(DECIDED.search(text)) and not UNDECIDED.search(text)


def pays(text: str) -> bool:
    return bool(PAYING.search(linear.APOSTROPHES.sub("'", text)))


def finds_dear(text: str) -> bool:
    text = linear.APOSTROPHES.sub("'", text)
    return bool(DEAR.search(text)) and not NOT_DEAR.search(text)


def opts_out(text: str) -> bool:
    """Whether a customer says in so many words that they want no more messages."""
    return bool(OPT_OUT.search(linear.APOSTROPHES.sub("'", text)))


def opts_in(text: str) -> bool:
    """Whether a customer who said goodbye wants to be written to again: that alone, in so many words."""
    return bool(OPT_IN.fullmatch(linear.APOSTROPHES.sub("'", " ".join(text.split()))))


def only_thanks(text: str) -> bool:
    """Whether a few words of thanks are all that is said."""
    return bool(MANNERS.search(text)) and len(text.split()) <= MOST_THANKS and not QUESTION.search(text)


def certain_intent(text: str) -> str | None:
    """An intent no statistic should talk us out of."""
    if opts_out(text):
        return "opt_out"
    if opts_in(text):
        # Near in its words, it is the opposite of a goodbye: whoever comes back is greeted.
        return "greeting"
    text = linear.APOSTROPHES.sub("'", text)
    if REFUND.search(text) and not QUESTION.search(text):
        return "complaint"
    return "off_topic" if PROMPT_THEFT.search(text) else None


def sentiment(text: str, intent: str, shares: Mapping[str, float]) -> str:
    """positive | neutral | negative | frustrated."""
    angry, pleased = bool(ANGER.search(text)), bool(MANNERS.search(text))
    if intent == "complaint":
        return "frustrated" if angry or shares.get("frustrated", 0) > shares.get("negative", 0) + 0.15 else "negative"
    if intent == "opt_out":
        return "frustrated" if angry else "negative" if shares.get("neutral", 0) < 0.5 else "neutral"
    if intent in ("thanks_bye", "ready_to_buy", "greeting"):
        return "positive" if pleased and shares.get("positive", 0) > 0.1 else "neutral"
    if intent in ("objection", "human_request"):
        worst = "frustrated" if angry and intent == "human_request" else "negative"
        return worst if shares.get("negative", 0) + shares.get("frustrated", 0) > 0.4 else "neutral"
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > 0.75 else "neutral"


def names_objection(text: str) -> bool:
    """Whether an objection is raised in so many words."""
    return any(pattern.search(text) for pattern in OBJECTIONS.values())


def objections(text: str, intent: str, shares: Mapping[str, float]) -> tuple[str, ...]:
    """Every objection raised, the main one first."""
    text = linear.APOSTROPHES.sub("'", text)
    said = [name for name, pattern in OBJECTIONS.items() if pattern.search(text)]
    if intent in NO_DOUBTS:
        return ()
    if intent != "objection":
        # A question that mentions time or need is no objection; distrust and another offer are, also where something is asked.
        return tuple(name for name in said if name in ("trust", "competitor") or (name == "price" and not ASKING.search(text)))
    ranked = sorted(shares, key=lambda name: -(shares[name] + (0.5 if name in said else 0.0)))
    return tuple(dict.fromkeys([ranked[0], *(name for name in ranked if name in said)]))
