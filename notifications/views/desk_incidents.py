"""Incidents on the desk: prepared, looked at, confirmed, watched, over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import brand, clock, languages, roles
from core.roles import ADMIN, ANALYST, OPS, desk
from notifications import audience, holding, incident_texts, incidents, tasks
from notifications.audience import Wish
from notifications.mail_facts import About
from notifications.models import (
    EpisodeKind,
    Incident,
    IncidentState,
    IncidentText,
    MessageState,
    Shipment,
    ShipmentState,
    SkipReason,
)

_LISTED = 100
_SAMPLE = 10


class NewForm(forms.Form):
    """What it is called, and by when we write again."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("For colleagues, like: strike at Larkpost.")
    )
    next_update_at = forms.DateTimeField(
        label=gettext_lazy("Next update by"),
        required=False,
        help_text=gettext_lazy("By when you will write again; the text can say so with {{ next_update_by }}."),
        widget=forms.DateTimeInput({"type": "datetime-local"}),
    )


class PromiseForm(forms.Form):
    """By when we write again."""

    next_update_at = forms.DateTimeField(
        label=gettext_lazy("Next update by"),
        required=False,
        help_text=gettext_lazy("Mails that go out from now on name it; empty: nothing is promised."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class AudienceForm(forms.Form):
    """Whom it hits; what is empty does not narrow."""

    carrier = forms.CharField(label=gettext_lazy("Carrier"), required=False, max_length=60)
    country = forms.CharField(label=gettext_lazy("Country it goes to (two letters)"), required=False, max_length=2)
    region = forms.CharField(label=gettext_lazy("Region or postcode begins with"), required=False, max_length=40)
    promised_from = forms.DateField(
        label=gettext_lazy("Promised from"), required=False, widget=forms.DateInput({"type": "date"})
    )
    promised_to = forms.DateField(
        label=gettext_lazy("Promised to"), required=False, widget=forms.DateInput({"type": "date"})
    )
    state = forms.ChoiceField(
        label=gettext_lazy("Parcel"),
        required=False,
        choices=[("", gettext_lazy("Any that is on its way")), *ShipmentState.choices],
    )
    trouble = forms.ChoiceField(label=gettext_lazy("Trouble now"), required=False)
    holdout_percent = forms.IntegerField(
        label=gettext_lazy("Kept without it at random, in percent"),
        initial=0,
        validators=[MinValueValidator(0), MaxValueValidator(50)],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(value, label) for value, label in EpisodeKind.choices if value != EpisodeKind.INCIDENT]
        self.fields["trouble"].choices = [("", _("Any or none")), *kinds]  # type: ignore[attr-defined]

    def wish(self) -> Wish:
        said = {name: value for name, value in self.cleaned_data.items() if name != "holdout_percent"}
        days = {name: said[name].isoformat() if said[name] else "" for name in ("promised_from", "promised_to")}
        return Wish(**{**said, **days})


class TextForm(forms.Form):
    """What it says in one language."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=200, required=False)
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=5000,
        required=False,
        widget=forms.Textarea({"rows": 8}),
        help_text=gettext_lazy("An empty line begins a new paragraph. Greeting, link to the order and foot are there."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk(OPS, ANALYST)
def incidents_page(request: HttpRequest) -> HttpResponse:
    """All of them; by POST a new one."""
    may_change = _may_change(request)
    form = NewForm(request.POST if request.method == "POST" and may_change else None)
    if form.is_bound and form.is_valid():
        made = incidents.prepare(
            name=form.cleaned_data["name"], wish=Wish(), began_at=clock.now(), by=roles.user_of(request),
            next_update_at=form.cleaned_data["next_update_at"],
        )  # fmt: skip
        return redirect("desk:incident", made.pk)
    found = Incident.objects.select_related("made_by")[:_LISTED]
    context = {"section": "incidents", "incidents": found, "form": form, "may_change": may_change}
    return render(request, "desk/incidents.html", context, status=422 if form.errors else 200)


@desk(OPS, ANALYST)
@require_safe
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    """One: what it will do, or how far it is."""
    return _page(request, get_object_or_404(Incident, pk=pk))


@desk(OPS)
@require_POST
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom it hits."""
    found = get_object_or_404(Incident, pk=pk)
    form = AudienceForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form)
    try:
        share = form.cleaned_data["holdout_percent"] / 100
        incidents.choose(found, form.wish(), by=roles.user_of(request), holdout=share)
    except incidents.Frozen as error:
        messages.error(request, str(error))
    return redirect("desk:incident", pk)


@desk(OPS)
@require_POST
def text(request: HttpRequest, pk: int, locale: str) -> HttpResponse:
    """What it says in one language."""
    found = get_object_or_404(Incident, pk=pk)
    if locale not in languages.served():
        raise Http404
    form = TextForm(request.POST, prefix=locale)
    if form.is_valid():
        said = form.cleaned_data
        problems = incident_texts.save(
            found, locale, subject=said["subject"], body=said["body"].replace("\r\n", "\n"), by=roles.user_of(request)
        )
        for problem in problems:
            form.add_error(None, problem)
    if form.errors:
        return _page(request, found, texts={locale: form})
    messages.success(request, _("Saved. Messages that are sent from now on say so."))
    return redirect("desk:incident", pk)


@desk(OPS)
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze the audience and begin; only with the number that the page showed."""
    found = get_object_or_404(Incident, pk=pk)
    shown = request.POST.get("orders", "")
    if not shown.isdecimal():
        raise Http404
    try:
        incidents.confirm(
            found, by=roles.user_of(request), now=clock.now(), expected=int(shown), enqueue=tasks.plan_incident.delay
        )
    except incidents.NotReady as error:
        messages.error(request, str(error))
    return redirect("desk:incident", pk)


@desk(OPS)
@require_POST
def promise(request: HttpRequest, pk: int) -> HttpResponse:
    """Another moment by which we write again."""
    found = get_object_or_404(Incident, pk=pk)
    form = PromiseForm(request.POST)
    if form.is_valid():
        try:
            at = form.cleaned_data["next_update_at"]
            incidents.promise(found, at, by=roles.user_of(request), now=clock.now())
            messages.success(request, _("Saved."))
            return redirect("desk:incident", pk)
        except incidents.NotReady as error:
            form.add_error("next_update_at", str(error))
    return _page(request, found, promise=form)


@desk(OPS)
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw away a draft."""
    try:
        incidents.discard(get_object_or_404(Incident, pk=pk), by=roles.user_of(request))
    except incidents.Frozen as error:
        messages.error(request, str(error))
        return redirect("desk:incident", pk)
    messages.success(request, _("The draft is thrown away. Nobody was written to."))
    return redirect("desk:incidents")


@desk(OPS)
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """It is over."""
    count = incidents.close(get_object_or_404(Incident, pk=pk), by=roles.user_of(request), now=clock.now())
    messages.success(request, _("Over. Messages taken back: %(count)d") % {"count": count})
    return redirect("desk:incident", pk)


def _may_change(request: HttpRequest) -> bool:
    return bool(roles.roles_of(request.user) & {OPS, ADMIN})


def _page(
    request: HttpRequest,
    found: Incident,
    *,
    form: AudienceForm | None = None,
    texts: dict[str, TextForm] | None = None,
    promise: PromiseForm | None = None,
) -> HttpResponse:
    said = {one.locale: one for one in found.texts.all()}
    hit = audience.parcels(Wish.of(found)) if _is_draft(found) else Shipment.objects.filter(episodes__incident=found)
    sample = list(hit.select_related("order__customer")[:_SAMPLE])
    context: dict[str, Any] = {
        "section": "incidents",
        "incident": found,
        "is_draft": _is_draft(found),
        "promise_form": promise or PromiseForm(initial={"next_update_at": found.next_update_at}),
        "may_change": _may_change(request),
        "variables": incident_texts.VARIABLES,
        "texts": [_language(found, locale, said.get(locale), sample, texts or {}) for locale in languages.served()],
        "is_overdue": bool(
            found.next_update_at and found.next_update_at < clock.now() and found.state != IncidentState.CLOSED
        ),
    }
    if _is_draft(found):
        initial = {**found.wish, "holdout_percent": round(found.holdout_share * 100)}
        is_narrow = Wish.of(found).is_narrow
        foreseen = audience.foresee(found, now=clock.now()) if is_narrow else None
        names = dict(settings.LANGUAGES)
        context |= {
            "form": form or AudienceForm(initial=initial),
            "foreseen": foreseen,
            "readers": [(names[locale], number) for locale, number in foreseen.locales] if foreseen else [],
            "sample": sample if is_narrow else [],
            "missing": incident_texts.missing(found),
        }
    else:
        told = incidents.progress(found)
        context |= {
            "progress": told,
            "skipped": [(SkipReason(reason).label, count) for reason, count in told.skipped],
            "states": [(state, MessageState(state).label, count) for state, count in told.messages],
            "scope": holding.rule_scope(found.rule.key) if found.rule else "",
            "is_held": bool(found.rule and holding.rule_scope(found.rule.key) in holding.held()),
        }
    is_part = request.headers.get("HX-Request") == "true" and not _is_draft(found)
    template = "desk/incident_progress.html" if is_part else "desk/incident.html"
    return render(request, template, context, status=422 if form or texts or promise else 200)


def _is_draft(found: Incident) -> bool:
    return bool(found.state == IncidentState.DRAFT)


def _language(
    found: Incident, locale: str, said: IncidentText | None, sample: list[Shipment], forms_: dict[str, TextForm]
) -> dict[str, Any]:
    """One language's form, and how its text reads about the first order of the sample."""
    initial = {"subject": said.subject, "body": said.body} if said else {}
    shown: tuple[str, list[str]] | None = None
    trouble = ""
    if said and sample:
        about = About(sample[0], look=brand.current(), locale=locale, now=clock.now())
        about.incident = found
        try:
            shown = incident_texts.filled(said, about)
        except ValueError as error:
            trouble = str(error)
    form = forms_.get(locale) or TextForm(initial=initial, prefix=locale)
    for field in form.fields.values():
        field.required = locale == settings.LANGUAGE_CODE
    return {
        "locale": locale,
        "name": dict(settings.LANGUAGES)[locale],
        "is_default": locale == settings.LANGUAGE_CODE,
        "is_written": said is not None,
        "form": form,
        "shown": shown,
        "trouble": trouble,
    }
