"""The send ledger on the desk: who was written to about what, who was not, and why."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from core import audit, clock
from core.roles import ANALYST, OPS, desk
from notifications import ledger, ledger_outcomes, ledger_words
from notifications.ledger import Asked, Row, Totals
from notifications.ledger_outcomes import MEANINGS, SENT, SENT_OUTCOMES, Outcome
from notifications.models import Lane, Rule, Skip
from notifications.views.desk_orders import may_see_people, midnight

PAGE = 50
COLUMNS = (
    "planned_at", "order", "person", "rule", "lane", "trouble", "episode", "outcome", "reason", "reason_in_words",
    "attempts", "handed_over_at", "provider", "provider_message_id", "message",
)  # fmt: skip
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)
_NOT_A_DAY = "write a day like 2026-03-05, from 1970 to 2999"
# Why a field that makes no sense does not narrow the list.
_WRONG = {
    "find": "a number or an address has at most 254 letters",
    "rule": "there is no such rule",
    "outcome": "there is no such outcome",
    "reason": "there is no such reason",
    "lane": "there is no such lane",
    "since": _NOT_A_DAY,
    "until": _NOT_A_DAY,
}


class LedgerForm(forms.Form):
    """By GET, so that an answer can be kept and passed on; what makes no sense narrows nothing, and that is said."""

    find = forms.CharField(label="Order number or e-mail address", required=False, max_length=254)
    rule = forms.ChoiceField(label="Rule", required=False)
    outcome = forms.ChoiceField(label="Outcome", required=False)
    reason = forms.ChoiceField(label="Reason", required=False)
    lane = forms.ChoiceField(label="Lane", required=False, choices=[("", "All"), *Lane.choices])
    since = forms.DateField(label="Planned from", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Planned to", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, with_people: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[str, Any]]] = {
            "rule": list(Rule.objects.order_by("name").values_list("key", "name")),
            "outcome": [(SENT, "Sent, whatever came of it"), *Outcome.choices],
            "reason": _reason_choices(),
        }
        for name, listed in choices.items():
            self.fields[name].choices = [("", "All"), *listed]  # type: ignore[attr-defined]
        for name in ("since", "until"):
            self.fields[name].validators += [MinValueValidator(_FIRST_DAY), MaxValueValidator(_LAST_DAY)]
        if not with_people:
            self.fields["find"].label = "Order number or person’s key"

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        outcome = said.get("reason", "").partition(".")[0]
        if outcome and said.get("outcome") and said["outcome"] != outcome:
            self.add_error("reason", f"is a reason of “{Outcome(outcome).label}”, and another outcome is chosen")
        since, until = said.get("since"), said.get("until")
        if since and until and since > until:
            self.add_error("since", "is after the last day")
            said.pop("until", None)
        return said

    def asked(self) -> Asked:
        """What of it makes sense."""
        self.is_valid()
        value = self.cleaned_data.get
        outcome, _dot, code = (value("reason") or "").partition(".")
        return Asked(
            outcome=value("outcome") or outcome,
            reason=code,
            rule=value("rule") or "",
            lane=value("lane") or "",
            since=midnight(value("since")),
            until=midnight(value("until"), days=1),
            find=" ".join((value("find") or "").split()),
        )

    def wrong(self) -> list[str]:
        """What does not narrow the list, as it was typed, and why."""
        said = []
        for name, errors in self.errors.items():
            ours = [str(error) for error in errors if str(error).startswith("is ")]
            typed = str(self.data.get(name, ""))[:60]
            said.append(f"{self.fields[name].label}: “{typed}” {ours[0]}" if ours else
                        f"{self.fields[name].label}: “{typed}”: {_WRONG[name]}")  # fmt: skip
        return said


def _reason_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in ledger_outcomes.reasons():
        groups.setdefault(str(one.outcome.label), []).append((one.key, one.text[:1].upper() + one.text[1:]))
    return list(groups.items())


@desk(OPS, ANALYST)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The rows of the filters, newest first, under totals that add up."""
    now, with_people = clock.now(), may_see_people(request)
    form = LedgerForm(request.GET, with_people=with_people)
    asked = form.asked()
    rows, older = ledger.page(asked, now=now, after=request.GET.get("after", ""), size=PAGE, with_people=with_people)
    counts_all = request.GET.get("count") == "all"
    totals = ledger.totals(asked, now=now, with_people=with_people, all_of_them=counts_all)
    held = ledger_words.pauses()
    kept = _kept(request)
    context = {
        "section": "messages",
        "filter_form": form,
        "wrong": form.wrong(),
        "rows": [(row, ledger_words.why(row, held, now=now)) for row in rows],
        "totals": totals,
        "chips": _chips(totals, asked, kept),
        "reasons": _reason_chips(totals, asked, kept),
        "older": older,
        "is_first": not request.GET.get("after"),
        "is_narrowed": asked != Asked(),
        "asks_for_people": "@" in asked.find and not with_people,
        "kept": urlencode(kept),
        "counted": ledger.COUNTED,
        "counts_all": counts_all,
        "sees_people": with_people,
    }
    return render(request, "desk/ledger.html", context, status=400 if form.errors else 200)


@desk(OPS, ANALYST)
@require_safe
def skip(request: HttpRequest, pk: int) -> HttpResponse:
    """A message that was not made: for whom, about what, by which rule, and why."""
    found = get_object_or_404(Skip.objects.select_related("rule", "episode__shipment__order__customer"), pk=pk)
    context = {
        "section": "messages",
        "skip": found,
        "order": found.episode.shipment.order,
        "meaning": MEANINGS[Outcome.SKIPPED],
    }
    return render(request, "desk/ledger_skip.html", context)


@desk(OPS, ANALYST)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """The rows of the filters as CSV, streamed: any number of them. No names and no addresses."""
    now, with_people = clock.now(), may_see_people(request)
    form = LedgerForm(request.GET, with_people=with_people)
    asked = form.asked()
    if form.errors:
        return page(request)
    filters = {name: "an address" if "@" in value else value for name, value in _kept(request).items()}
    audit.record(request.user, "ledger.exported", label="csv", filters=filters)
    rows = ledger.every(asked, now=now, with_people=with_people)
    held = ledger_words.pauses()
    response = StreamingHttpResponse(
        _csv((row, ledger_words.why(row, held, now=now)) for row in rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="ledger-{now:%Y-%m-%d}.csv"'
    return response


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterator[tuple[Row, str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(COLUMNS))  # with the mark by which spreadsheets know UTF-8
    for row, why in rows:
        yield str(writer.writerow([_harmless(str(value)) for value in _values(row, why)]))


def _values(row: Row, why: str) -> tuple[object, ...]:
    thing, message = row.thing, row.message
    order = thing.episode.shipment.order
    lane = message.lane if message else thing.rule.lane if thing.rule else ""
    code = row.skip.reason if row.skip else message.state_reason if message else ""
    start = (
        row.at.isoformat(timespec="seconds"), order.number, message.person if message else order.customer.person,
        thing.rule.key if thing.rule else "", lane, thing.episode.kind, thing.episode.pk, row.outcome.value, code, why,
    )  # fmt: skip
    if message is None:
        return (*start, 0, "", "", "", "")
    sent_at = message.sent_at.isoformat(timespec="seconds") if message.sent_at else ""
    return (*start, message.attempts, sent_at, message.provider, message.provider_msg_id, message.pk)


def _harmless(text: str) -> str:
    """A spreadsheet reads what begins so as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _kept(request: HttpRequest) -> dict[str, str]:
    """The filters of the address."""
    return {name: request.GET[name] for name in LedgerForm.base_fields if request.GET.get(name)}


def _chips(totals: Totals, asked: Asked, kept: dict[str, str]) -> list[dict[str, object]]:
    """All that is eligible, what was sent of it, and each outcome that occurs: links that keep the other filters."""

    def chip(outcome: str, text: str, count: int, meaning: str = "") -> dict[str, object]:
        others = {name: value for name, value in kept.items() if name not in ("outcome", "reason")}
        query = urlencode({**others, **({"outcome": outcome} if outcome else {})})
        return {
            "text": text,
            "count": count,
            "share": share(count, totals.eligible) if outcome else "",
            "meaning": meaning,
            "url": reverse("desk:ledger") + (f"?{query}" if query else ""),
            "is_current": asked.outcome == outcome,
        }

    shown = [one for one in Outcome if totals.outcomes[one] or asked.outcome == one]
    sent = [chip(SENT, "Sent", totals.sent, "of these:")] if any(one in SENT_OUTCOMES for one in shown) else []
    return [
        chip("", "Eligible", totals.eligible),
        *sent,
        *(chip(one, str(one.label), totals.outcomes[one], MEANINGS[one]) for one in shown),
    ]


def _reason_chips(totals: Totals, asked: Asked, kept: dict[str, str]) -> list[dict[str, object]]:
    """The reasons of the outcome that is chosen, those that occur, of all that have this outcome."""
    if asked.outcome not in list(Outcome):
        return []
    outcome = Outcome(asked.outcome)
    of_all = totals.outcomes[outcome]
    found = []
    for one in ledger_outcomes.reasons():
        count = totals.reasons.get((outcome, one.code), 0)
        if one.outcome == outcome and count:
            query = urlencode({**kept, "outcome": outcome.value, "reason": one.key})
            found.append(
                {
                    "text": one.text[:1].upper() + one.text[1:],
                    "count": count,
                    "share": share(count, of_all),
                    "of": of_all,
                    "url": f"{reverse('desk:ledger')}?{query}",
                    "is_current": asked.reason == one.code,
                }
            )
    return found


def share(part: int, whole: int) -> str:
    """A share in words that fit a label: never 0 % or 100 % where it is not."""
    if not whole:
        return "–"
    if part in (0, whole):
        return f"{100 * part // whole} %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"
