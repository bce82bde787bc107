"""Where a carrier shows a parcel itself. Pure but for the shop's own entries in the settings."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

# By the carrier's name in small letters, without spaces. The number takes the place of {}.
_PAGES = {
    "ups": "https://www.ups.com/track?tracknum={}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    "dhlexpress": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    "deutschepost": "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode={}",
    "royalmail": "https://www.royalmail.com/track-your-item#/tracking-results/{}",
    "evri": "https://www.evri.com/track/parcel/{}",
    "correos": "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={}",
    "correios": "https://rastreamento.correios.com.br/app/index.php?objetos={}",
    "australiapost": "https://auspost.com.au/mypost/track/#/details/{}",
}


def tracking_page(carrier: str, tracking_no: str) -> str:
    """The address of the carrier's page about this parcel; empty where we know none."""
    page = settings.TRACKING_PAGES.get(carrier.strip().lower()) or _PAGES.get("".join(carrier.lower().split()), "")
    return page.replace("{}", quote(tracking_no, safe="")) if page and tracking_no else ""
