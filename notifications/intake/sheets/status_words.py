"""What shops' exports and carriers' lists call the states of a parcel, as common words. Pure data.

A carrier's own codes are its vocabulary's; these are the words that files of no particular carrier use.
"""

# ruff: noqa: E501, SIM905 - lists of words

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# (our state, our reason, words): the first whose words are the whole text counts, then the first that stands in it.
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("returned", "return", "returned|returned to sender|return to sender|rts|delivered to sender|zuruckgesendet|devuelto|"
     "devolvido|devolvido ao remetente|retourne|retourne a l expediteur|restituito|geretourneerd"),
    ("attempt_failed", "recipient", "attempt failed|failed attempt|delivery attempted|attempted delivery|attemptfail|"
     "delivery failed|failed delivery|not home|nobody home|missed delivery|delivery attempt|undelivered|not delivered|"
     "nicht zugestellt|zustellversuch|intento de entrega|no entregado|ausente|tentativa de entrega|nao entregue|"
     "tentative de livraison|non livre|non consegnato|niet bezorgd"),
    ("available_for_pickup", "pickup", "available for pickup|availableforpickup|ready for pickup|ready to collect|"
     "held for pickup|awaiting collection|ready for collection|pickup point|abholbereit|listo para recoger|"
     "disponible para recoger|aguardando retirada|disponivel para retirada|disponible en point relais|"
     "disponibile per il ritiro|klaar om op te halen"),
    ("out_for_delivery", "", "out for delivery|outfordelivery|on vehicle for delivery|with driver|with courier|"
     "in zustellung|en reparto|saiu para entrega|em rota de entrega|en cours de livraison|in consegna|onderweg met bezorger"),
    ("exception", "customs", "held at customs|held in customs|customs hold|customs delay|retained by customs|"
     "vom zoll zuruckgehalten|retenido en aduana|retido na alfandega|retenu en douane"),
    ("exception", "damaged", "damaged|damage|beschadigt|danado|danificado|endommage|danneggiato|beschadigd"),
    ("exception", "lost", "lost|missing|verloren|perdido|extraviado|perdu|smarrito|kwijt"),
    ("exception", "address", "wrong address|bad address|incorrect address|address issue|falsche adresse|"
     "direccion incorrecta|endereco incorreto|adresse incorrecte|indirizzo errato"),
    ("exception", "weather", "weather delay|weather|bad weather|adverse weather"),
    ("exception", "other", "exception|failure|error|problem|delayed|on hold|held|alert|issue|incidencia|retrasado|"
     "atrasado|problema|retarde|in ritardo|vertraagd|verzogert"),
    ("delivered", "", "delivered|delivery complete|completed|complete|signed for|zugestellt|geliefert|ausgeliefert|"
     "entregado|entregue|livre|consegnato|bezorgd|geleverd"),
    ("handed_over", "", "handed over|picked up|pickup|collected|accepted|accepted by carrier|shipped|dispatched|sent|"
     "fulfilled|posted|received by carrier|versendet|verschickt|abgeholt|enviado|recogido|despachado|postado|coletado|"
     "expedie|envoye|spedito|ritirato|verzonden|opgehaald|in post"),
    ("in_transit", "", "in transit|intransit|transit|on its way|on the way|departed|arrived|arrived at facility|"
     "departed facility|processed|at hub|arrival scan|departure scan|cleared customs|customs cleared|unterwegs|"
     "in bearbeitung beim versender|en transito|en camino|em transito|a caminho|en transit|in transito|onderweg"),
    ("created", "", "created|label created|info received|inforeceived|pre transit|pretransit|pending|registered|ordered|"
     "electronic information|announced|angekundigt|elektronisch angekundigt|pendiente|registrado|pendente|criado|"
     "en attente|in attesa|aangemeld"),
)  # fmt: skip
_WHOLE: dict[str, tuple[str, str]] = {}
for _state, _reason, _words in _WORDS:
    for _word in _words.split("|"):
        _WHOLE.setdefault(_word, (_state, _reason))
    _WHOLE.setdefault(_state.replace("_", " "), (_state, _reason))
# Longer ones first: "not delivered" before "delivered".
_WITHIN = [
    (re.compile(rf"\b{word}\b"), told)
    for word, told in sorted(_WHOLE.items(), key=lambda one: -len(one[0]))
    if " " in word
]
CANCELLED = frozenset(
    "cancelled|canceled|cancelled by customer|voided|refunded|storniert|abgebrochen|cancelado|cancelada|annule|annulee|"
    "annullato|geannuleerd|unavailable".split("|")
)


def normalise(word: str) -> str:
    """Small letters, no accents, words parted by one space."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())


@lru_cache(maxsize=4096)  # a file has few words, many times
def read(word: str) -> tuple[str, str]:
    """(our state, our reason); both empty where the word is unknown to us."""
    bare = normalise(word)
    if (told := _WHOLE.get(bare)) is not None:
        return told
    return next((told for pattern, told in _WITHIN if pattern.search(bare)), ("", ""))


@lru_cache(maxsize=4096)
def is_cancelled(word: str) -> bool:
    """Whether an order of this state will not be fulfilled."""
    return normalise(word) in CANCELLED
