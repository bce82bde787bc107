"""Countries as shops write them → ISO 3166 codes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from notifications.intake.sheets.status_words import normalise

_NAMES = {
    "AR": "argentina", "AT": "austria|osterreich|autriche", "AU": "australia", "BE": "belgium|belgien|belgique|belgie",
    "BR": "brazil|brasil|bresil|brasilien", "CA": "canada|kanada", "CH": "switzerland|schweiz|suisse|svizzera|suiza",
    "CL": "chile", "CN": "china", "CO": "colombia", "CZ": "czechia|czech republic|tschechien",
    "DE": "germany|deutschland|alemania|alemanha|allemagne|germania|duitsland|ger|deu",
    "DK": "denmark|danmark|danemark", "ES": "spain|espana|espanha|espagne|spanien|spagna|spanje|esp", "FI": "finland",
    "FR": "france|frankreich|francia|franca|frankrijk|fra",
    "GB": "united kingdom|uk|great britain|england|scotland|wales|northern ireland|grossbritannien|reino unido|"
    "royaume uni|regno unito|verenigd koninkrijk|gbr", "GR": "greece|griechenland|el", "HU": "hungary|ungarn",
    "IE": "ireland|irland|irlanda|irlande", "IN": "india", "IT": "italy|italien|italia|italie|ita", "JP": "japan",
    "LU": "luxembourg|luxemburg", "MX": "mexico|mexiko|mexique",
    "NL": "netherlands|the netherlands|holland|niederlande|paises bajos|paises baixos|pays bas|nederland",
    "NO": "norway|norge|norwegen", "NZ": "new zealand", "PL": "poland|polen|polska|polonia",
    "PT": "portugal", "RO": "romania", "SE": "sweden|sverige|schweden",
    "US": "united states|united states of america|usa|u s a|us|estados unidos|etats unis|stati uniti|"
    "vereinigte staaten|verenigde staten", "ZA": "south africa|sudafrika",
}  # fmt: skip
_BY_NAME = {name: code for code, names in _NAMES.items() for name in names.split("|")}


@lru_cache(maxsize=4096)
def code(text: str) -> str:
    """The two letters; empty where the country is unknown to us."""
    if not text:
        return ""
    if (known := _BY_NAME.get(normalise(text))) is not None:
        return known
    return text.upper() if re.fullmatch(r"[A-Za-z]{2}", text) else ""
