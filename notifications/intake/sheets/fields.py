"""What can be known from a shop's file: the fields of an order and of a scan, and what columns of them are called. Data."""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a file tells of."""

    ORDERS = "orders"
    TRACKING = "tracking"


class Sort(StrEnum):
    """What the values of a field look like."""

    TEXT = "text"
    MOMENT = "moment"
    EMAIL = "email"
    COUNT = "count"
    COUNTRY = "country"
    TRACKING_NO = "tracking number"


@dataclass(frozen=True)
class Field:
    """Something we want to know. `names` are words that columns of it have, as columns.normalise() writes them."""

    name: str
    title: str
    names: tuple[str, ...]
    sort: Sort = Sort.TEXT


def _field(name: str, title: str, names: str, sort: Sort = Sort.TEXT) -> Field:
    return Field(name, title, tuple(" ".join(one.split()) for one in names.split("|")), sort)


_NUMBER = _field(
    "number",
    "Order number",
    "number|order number|order no|order|order id|order ref|order reference|order name|name|bestellnummer|auftragsnummer|"
    "bestellung|bestell nr|auftrag|numero de pedido|n de pedido|no de pedido|pedido|num pedido|numero do pedido|"
    "numero de commande|n de commande|commande|ref commande|numero ordine|ordine|n ordine|bestelnummer|ordernummer|"
    "numero d ordre|no ordine|sales order|purchase order|order nr",
)
_TRACKING_NO = _field(
    "tracking_no",
    "Tracking number",
    "tracking number|tracking no|tracking|tracking id|tracking code|tracking nr|parcel number|parcel no|waybill|awb|"
    "consignment|consignment number|barcode|sendungsnummer|paketnummer|trackingnummer|numero de seguimiento|seguimiento|"
    "codigo de seguimiento|codigo de rastreio|rastreio|codigo de rastreamento|numero de rastreamento|rastreamento|"
    "numero de suivi|suivi|numero di tracciamento|tracciamento|traceringsnummer|volgnummer|track and trace|"
    "trackingno|shipment number|fulfillment tracking number|lineitem tracking number",
    Sort.TRACKING_NO,
)
_CARRIER = _field(
    "carrier",
    "Carrier",
    "carrier|courier|shipping company|shipping carrier|carrier name|tracking company|shipper|versanddienstleister|"
    "zusteller|paketdienst|spediteur|versender|transportista|empresa de transporte|mensajeria|transportadora|"
    "correios|transporteur|livreur|corriere|vettore|vervoerder|bezorger|delivery company",
)
_EXPECTED = _field(
    "expected_by",
    "Expected by the carrier",
    "expected date|expected delivery|expected by|estimated delivery|estimated delivery date|eta|edd|expected arrival|"
    "voraussichtliche lieferung|voraussichtliche zustellung|erwartetes lieferdatum|fecha estimada|entrega estimada|"
    "fecha estimada de entrega|data estimada|previsao de entrega|livraison estimee|date de livraison estimee|"
    "consegna prevista|verwachte levering|verwachte bezorgdatum|new expected date",
    Sort.MOMENT,
)

ORDERS = (
    _NUMBER,
    _field("order_id", "The shop's own id", "external id|internal id|id|order key|uuid|legacy id|entity id|interne id"),
    _field(
        "email",
        "Customer's e-mail",
        "email|e mail|email address|e mail address|customer email|buyer email|billing email|contact email|e mail adresse|"
        "kunden e mail|correo|correo electronico|email cliente|email do cliente|courriel|adresse e mail|"
        "posta elettronica|e mailadres|mail",
        Sort.EMAIL,
    ),
    _field(
        "first_name",
        "First name",
        "first name|firstname|given name|forename|vorname|nombre|primeiro nome|nome|prenom|voornaam|billing first name|"
        "shipping first name",
    ),
    _field(
        "full_name",
        "Whole name",
        "customer|customer name|full name|buyer name|recipient|recipient name|shipping name|billing name|kunde|"
        "kundenname|empfanger|cliente|nombre completo|nombre del cliente|nome completo|nome do cliente|destinatario|"
        "client|nom du client|nom complet|nome cliente|klant|klantnaam|naam|name",
    ),
    _field(
        "customer_id",
        "Customer's number",
        "customer id|customer no|customer number|buyer id|user id|kundennummer|kunden nr|id cliente|numero de cliente|"
        "codigo do cliente|id client|numero client|codice cliente|klantnummer",
    ),
    _field("locale", "Customer's language", "language|locale|customer locale|sprache|idioma|langue|lingua|taal"),
    _field(
        "placed_at",
        "Ordered at",
        "placed at|order date|ordered at|created at|date|created|order placed|date ordered|order time|purchase date|"
        "ordered|order created|date created|bestelldatum|bestellt am|auftragsdatum|datum|fecha|fecha de pedido|"
        "fecha del pedido|data|data do pedido|data da compra|date de commande|date commande|data ordine|besteldatum|"
        "orderdatum|purchased at|paid at",
        Sort.MOMENT,
    ),
    _field(
        "promised_ship_by",
        "Promised to be sent by",
        "ship by|ship by date|promised ship by|promised ship date|dispatch by|latest ship date|handling deadline|"
        "shipping deadline|versand bis|spatestes versanddatum|versanddatum bis|enviar antes de|fecha limite de envio|"
        "despachar ate|enviar ate|prazo de envio|expedier avant|date limite d expedition|spedire entro|"
        "verzenden voor|must ship by|promised dispatch",
        Sort.MOMENT,
    ),
    _field(
        "promised_deliver_by",
        "Promised to be delivered by",
        "deliver by|deliver by date|promised deliver by|promised delivery|promised delivery date|delivery date|"
        "promised date|promised by|promised|latest delivery date|delivery promise|delivery due|due date|lieferdatum|"
        "liefertermin|lieferung bis|zustellung bis|zugesagtes lieferdatum|fecha de entrega|entrega prometida|entregar antes de|"
        "data de entrega|entrega ate|prazo de entrega|date de livraison|livraison promise|livrer avant|"
        "data di consegna|consegna entro|leverdatum|bezorgen voor|estimated delivery date|estimated delivery",
        Sort.MOMENT,
    ),
    _CARRIER,
    _TRACKING_NO,
    _field(
        "item_title",
        "Product",
        "item|item title|item name|product|product name|product title|title|lineitem name|line item|line item name|"
        "article|description|artikel|artikelname|produkt|produktname|bezeichnung|producto|nombre del producto|articulo|"
        "produto|nome do produto|produit|nom du produit|prodotto|nome prodotto|articolo|artikelnaam|items",
    ),
    _field(
        "quantity",
        "Pieces",
        "quantity|qty|pieces|count|lineitem quantity|item quantity|units|menge|anzahl|stuck|cantidad|unidades|"
        "quantidade|qtd|quantite|qte|quantita|aantal|qta",
        Sort.COUNT,
    ),
    _field(
        "ship_to_country",
        "To which country",
        "ship to country|country|shipping country|country code|shipping country code|destination country|land|lieferland|"
        "pais|pais de envio|pais de entrega|pays|pays de livraison|paese|nazione|delivery country|ship country",
        Sort.COUNTRY,
    ),
    _field(
        "ship_to_region",
        "To which state",
        "state|province|region|shipping state|shipping province|shipping region|bundesland|provincia|estado|uf|"
        "etat|regione|provincie|ship state|ship to state|ship to region|county",
    ),
    _field(
        "ship_to_postcode",
        "To which postcode",
        "postcode|postal code|zip|zip code|shipping zip|shipping postcode|shipping postal code|plz|postleitzahl|"
        "codigo postal|cp|cep|code postal|cap|postcode bezorging|ship to postcode|ship to zip|delivery postcode|ship zip",
    ),
    _field(
        "status",
        "State of the order",
        "status|order status|state of order|bestellstatus|auftragsstatus|estado del pedido|situacao|status do pedido|"
        "statut|statut de la commande|stato|stato ordine|orderstatus|fulfillment status|fulfilment status",
    ),
    _field(
        "cancelled_at",
        "Cancelled at",
        "cancelled at|canceled at|cancelled|cancellation date|storniert am|cancelado el|cancelado em|annule le|"
        "annullato il|geannuleerd op",
        Sort.MOMENT,
    ),
    _field(
        "handed_over_at",
        "Handed to the carrier at",
        "shipped at|ship date|shipped|shipped date|shipped on|dispatched|dispatched at|dispatch date|fulfilled at|"
        "shipping date|handed over at|versendet am|versanddatum|fecha de envio|enviado el|data de envio|enviado em|"
        "data de postagem|date d expedition|expedie le|data spedizione|spedito il|verzonden op|verzenddatum",
        Sort.MOMENT,
    ),
    _field(
        "delivered_at",
        "Delivered at",
        "delivered at|delivered|delivered on|delivered date|actual delivery date|zugestellt am|geliefert am|entregado el|"
        "entregue em|data da entrega|livre le|consegnato il|bezorgd op|geleverd op",
        Sort.MOMENT,
    ),
)
TRACKING = (
    _TRACKING_NO,
    _CARRIER,
    _NUMBER,
    _field(
        "status",
        "What the carrier says",
        "status|state|event|event code|tracking status|shipment status|scan|status code|sendungsstatus|ereignis|zustand|"
        "estado|evento|situacao|statut|evenement|etat|stato|gebeurtenis|delivery status|scan type|event type|activity",
    ),
    _field(
        "event_at",
        "When",
        "event time|time|date|datetime|date time|timestamp|scanned at|scan time|scan date|event date|at|occurred at|"
        "happened at|status date|status time|zeitpunkt|datum|ereigniszeit|datum uhrzeit|uhrzeit|fecha|fecha y hora|"
        "fecha del evento|hora|data|data hora|data do evento|date heure|date de l evenement|data ora|data evento|"
        "tijdstip|datum tijd|updated at|created at|last update",
        Sort.MOMENT,
    ),
    _field(
        "place",
        "Where",
        "place|location|city|facility|depot|hub|scan location|event location|ort|standort|lugar|ubicacion|ciudad|local|"
        "cidade|localizacao|unidade|lieu|ville|luogo|citta|plaats|locatie",
    ),
    _field(
        "text",
        "In the carrier's words",
        "text|description|message|details|event description|status description|note|remark|comment|beschreibung|"
        "meldung|hinweis|descripcion|mensaje|detalle|descricao|mensagem|detalhes|libelle|descrizione|messaggio|"
        "omschrijving|bericht|status text",
    ),
    _EXPECTED,
)  # fmt: skip
FIELDS: Mapping[Kind, tuple[Field, ...]] = {Kind.ORDERS: ORDERS, Kind.TRACKING: TRACKING}
# One of each group must have a column.
REQUIRED: Mapping[Kind, tuple[tuple[str, ...], ...]] = {
    Kind.ORDERS: (("number", "order_id"), ("placed_at",)),
    Kind.TRACKING: (("tracking_no", "number"), ("status", "expected_by"), ("event_at",)),
}
