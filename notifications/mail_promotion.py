"""Words by which a text advertises, in the languages of our mails. Pure."""

from __future__ import annotations

import re

_WORDS: dict[str, tuple[str, ...]] = {
    "en": (
        r"\d+ ?% off", r"discount codes?", r"promo(?:tion(?:al)?)? codes?", "coupons?", "vouchers? for your next",
        "special offers?", "limited[- ]time", "shop now", "buy now", "order now and", "sale ends", "on sale now",
        "flash sale", "black friday", "cyber monday", "you may also like", "recommended for you", "new arrivals",
        "free shipping on", "free delivery on your next", "refer a friend", "our newsletter", "best[- ]?sellers?",
        "exclusive offers?", "don[’']t miss out", "save up to",
    ),
    "es": (
        r"\d+ ?% de descuento", "código promocional",
        "cup[oó]n(?:es)?", "ofertas? (?:especial|exclusiv)", "compra ahora",
        "rebajas", "te puede interesar", "recomendado para ti",
        "novedades de la tienda", "envío gratis en", "no te pierdas",
        "boletín", "ahorra hasta",
    ),
    "de": (
        r"\d+ ?% rabatt", "rabattcode", "gutscheincode",
        "gutschein", "sonderangebot", "jetzt (?:kaufen|bestellen|shoppen)",
        "schlussverkauf", "das könnte ihnen gefallen", "für sie empfohlen",
        "neuheiten", "versandkostenfrei ab", "newsletter",
        "nur für kurze zeit", "sparen sie bis zu",
    ),
    "pt-br": (
        r"\d+ ?% de desconto", "cupom", "cupons",
        "oferta (?:especial|exclusiva)", "compre agora", "promoção", "liquidação",
        "você também pode gostar", "recomendado para você", "novidades da loja",
        "frete grátis em", "não perca", "economize até",
    ),
    "ar": (
        "كوبون", "قسيمة", "عرض خاص", "عروض حصرية", "تخفيضات",
        "كود خصم", "رمز خصم", "تسوق الآن", "تسوّق الآن", "لا تفوت", "وفّر حتى",
    ),
}  # fmt: skip
_FOUND = {locale: re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) for locale, words in _WORDS.items()}


def advertising(text: str, *, locale: str) -> str:
    """The first words that advertise, in English or in the language of `locale`; empty where there are none."""
    line = " ".join(text.split())
    for one in dict.fromkeys((locale, "en")):
        if one in _FOUND and (found := _FOUND[one].search(line)):
            return found[0]
    return ""
