"""The desk's pages of incidents, for the walk over all of them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.urls import reverse

from core import clock
from notifications import incident_texts, incidents
from notifications.audience import Wish


def in_preparation(admin: User) -> str:
    """One with an audience and a text, for nobody yet."""
    made = incidents.prepare(name="Strike at Larkpost", wish=Wish(trouble="no_scan"), began_at=clock.now(), by=admin)
    incident_texts.save(made, "en", subject="A strike", body="Order {{ order_number }} waits.", by=admin)
    return reverse("desk:incident", args=[made.pk])


def under_way(admin: User) -> str:
    """One that goes to every order that is on its way."""
    made = incidents.prepare(name="Flood", wish=Wish(promised_from="2000-01-01"), began_at=clock.now(), by=admin)
    incident_texts.save(made, "en", subject="A flood", body="Order {{ order_number }} waits.", by=admin)
    try:
        incidents.confirm(made, by=admin, now=clock.now(), enqueue=lambda _pk: None)
    except incidents.NotReady:  # a shop in which nothing is on its way
        return reverse("desk:incidents")
    incidents.plan(made.pk, now=clock.now())
    return reverse("desk:incident", args=[made.pk])


DESK_PAGES = [in_preparation, under_way]
