"""The customers of the emulated world: by channel, their names and what they write by themselves, one message a round."""

from collections.abc import Mapping

PEOPLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "telegram_bot": {
        "Dilnoza": ("Assalomu alaykum! Emal fasadli oshxona metri necha pul?", "Oʻrnatish ham shu narxga kiradimi?"),
        "Сергей": ("Добрый день, сколько стоит доставка по Ташкенту?", "А подъём на 4 этаж без лифта?"),
    },
    "telegram_business": {
        "Aziz": ("Salom, burchakli divan bormi?", "Yetkazib berish qancha turadi?"),
        "Ольга": ("Здравствуйте, есть рассрочка на кухню?",),
    },
    "whatsapp_cloud": {
        "Айгерім": ("Сәлеметсіз бе! Асүй жиһазына кепілдік қанша ай?", "Рақмет! Салон қай жерде?"),
        "John Miller": ("Hi! How much is a sliding wardrobe with mirror doors?", "Which days do you deliver on?"),
    },
    "messenger": {
        "Kamola Yusupova": ("Oʻlchov pullikmi?", "Ertaga kelsangiz boʻladimi?"),
        "Emma Brown": ("Hello, can I return a sofa if the colour does not fit?",),
    },
    "instagram": {
        "Madina": ("Stul nechpul", "Muddatli toʻlov bormi?"),
        "Ержан": ("Қайырлы күн! Төсек қолда бар ма?",),
    },
    "waha": {
        "Bobur": ("Salom, salon shanba kuni ishlaydimi?", "Operator bilan gaplashsam boʻladimi?"),
        "Наталья": ("Можно позвать менеджера? Хочу обсудить договор.",),
    },
}
