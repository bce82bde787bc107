"""The name that people know a carrier by, from what providers call it, so that one parcel is one parcel."""

from __future__ import annotations

import re
from functools import lru_cache

# By what is left of a provider's word without spaces and signs, in small letters. Any other word stands for itself.
NAMES = {
    "amazonshipping": "Amazon Shipping",
    "anpost": "An Post",
    "asendiausa": "Asendia",
    "auspost": "Australia Post",
    "australiapost": "Australia Post",
    "bpost": "bpost",
    "brazilcorreios": "Correios",
    "canadapost": "Canada Post",
    "chronopost": "Chronopost",
    "chronopostfrance": "Chronopost",
    "colissimo": "Colissimo",
    "correios": "Correios",
    "correos": "Correos",
    "correosspain": "Correos",
    "ctt": "CTT",
    "deutschepost": "Deutsche Post",
    "dhl": "DHL",
    "dhlde": "DHL",
    "dhlgermany": "DHL",
    "dhlpaket": "DHL",
    "dhlexpress": "DHL Express",
    "dhlexpressworldwide": "DHL Express",
    "dhlecommerce": "DHL eCommerce",
    "dhlecs": "DHL eCommerce",
    "dhlglobalmail": "DHL eCommerce",
    "dpd": "DPD",
    "dpdde": "DPD",
    "dpdgermany": "DPD",
    "dpduk": "DPD",
    "endicia": "USPS",
    "evri": "Evri",
    "fedex": "FedEx",
    "fedexuk": "FedEx",
    "fedexsmartpost": "FedEx",
    "fedexground": "FedEx",
    "gls": "GLS",
    "glsus": "GLS",
    "hermes": "Hermes",
    "hermesuk": "Evri",
    "lasership": "OnTrac",
    "mondialrelay": "Mondial Relay",
    "myhermes": "Evri",
    "ontrac": "OnTrac",
    "ontracv3": "OnTrac",
    "parcelforce": "Parcelforce",
    "postnl": "PostNL",
    "purolator": "Purolator",
    "purolatorca": "Purolator",
    "royalmail": "Royal Mail",
    "stampscom": "USPS",
    "tnt": "TNT",
    "ups": "UPS",
    "upsmailinnovations": "UPS Mail Innovations",
    "upswalleted": "UPS",
    "usps": "USPS",
    "yodel": "Yodel",
}

_SIGNS = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def known_as(word: str) -> str:
    """The carrier's usual name; the word itself where we know no other."""
    return NAMES.get(_SIGNS.sub("", word.lower()), word)
