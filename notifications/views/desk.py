"""What ops see: every message and why it is where it is, and the console provider's outbox."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from core import brand, csp
from core.roles import ADMIN, ANALYST, OPS, desk, roles_of
from notifications import ledger_words, selectors
from notifications.models import Arm, Message, MessageState, OutboxMail, Rule
from notifications.views.desk_orders import may_see_people

PAGE = 50
# The mail's own page: its inline styles may work, and nothing else of it. It is framed by our desk only.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; "
    "form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


class MessageFilter(forms.Form):
    """All by GET; an unknown choice filters nothing."""

    find = forms.CharField(label=_("Order number or person"), required=False, max_length=60)
    arm = forms.ChoiceField(label=_("Arm"), required=False)
    rule = forms.ChoiceField(label=_("Rule"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["arm"].choices = [("", _("All")), *Arm.choices]  # type: ignore[attr-defined]
        rules = Rule.objects.order_by("name").values_list("key", "name")
        self.fields["rule"].choices = [("", _("All")), *rules]  # type: ignore[attr-defined]
        self.fields["state"].choices = [("", _("All")), *MessageState.choices]  # type: ignore[attr-defined]


@desk(OPS, ANALYST)
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """The list, its filters, and totals by state that add up."""
    form = MessageFilter(request.GET)
    form.is_valid()
    wanted = {name: form.cleaned_data.get(name, "") for name in form.fields}
    state = wanted.pop("state")
    found = selectors.messages(**wanted)
    page = Paginator(found.filter(state=state) if state else found, PAGE).get_page(request.GET.get("page"))
    with_name = may_see_people(request)
    page.object_list = [_row(message, with_name=with_name) for message in page]  # type: ignore[misc]
    return render(
        request,
        "desk/messages.html",
        {
            "section": "messages",
            "messages": page,
            "filter_form": form,
            "totals": _totals(selectors.totals(found), wanted, state),
            "alarms": selectors.alarms(),
        },
    )


@desk(OPS, ANALYST)
@require_safe
def message(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One message: what it was about, each attempt, each report of the provider."""
    found = get_object_or_404(selectors.messages(), pk=pk)
    return render(
        request,
        "desk/message.html",
        {
            "section": "messages",
            "message": found,
            "state_text": found.get_state_display(),
            "reason_text": selectors.reason_of(found),
            "order": found.episode.shipment.order,
            "history": ledger_words.history(found),
            "attempts": found.send_attempts.all(),
            "reports": found.delivery_events.all(),
            "mails": OutboxMail.objects.filter(message_id=found.pk),
            "may_cancel": found.state == MessageState.READY and bool(roles_of(request.user) & {OPS, ADMIN}),
        },
    )


@desk(OPS, ANALYST)
@require_safe
def outbox(request: HttpRequest, pk: uuid.UUID | None = None) -> HttpResponse:
    """What the console provider took, newest first, with one mail open."""
    page = Paginator(OutboxMail.objects.all(), PAGE).get_page(request.GET.get("page"))
    rows = list(page)
    chosen = get_object_or_404(OutboxMail, pk=pk) if pk else next(iter(rows), None)
    page.object_list = [_mail_row(row, page.number) for row in rows]  # type: ignore[misc]
    mail = chosen and _open_mail(chosen)
    response = render(request, "desk/outbox.html", {"section": "outbox", "mails": page, "mail": mail})
    response.headers["Content-Security-Policy"] = f"{csp.POLICY}; frame-src 'self'"  # the mail beside its text
    return response


@desk(OPS, ANALYST)
@require_safe
def outbox_html(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A mail's HTML as a mailbox would show it, shut in."""
    mail = get_object_or_404(OutboxMail, pk=pk)
    response = HttpResponse(mail.html)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _row(message: Message, *, with_name: bool) -> dict[str, object]:
    """A message as a row of templates/desk/messages.html."""
    return {
        "url": reverse("desk:message", args=[message.pk]),
        "order_number": message.episode.shipment.order.number,
        "person": (with_name and message.customer.first_name) or message.person[:8],
        "rule_name": message.rule.name,
        "state": message.state,
        "state_text": message.get_state_display(),
        "reason_text": selectors.reason_of(message),
        "created_at": message.eligible_at,
    }


def _mail_row(mail: OutboxMail, page: int) -> dict[str, object]:
    """A mail as a row of templates/desk/outbox.html."""
    return {
        "pk": mail.pk,
        "subject": mail.subject,
        "to": mail.to_address,
        "sent_at": mail.sent_at,
        "url": f"{reverse('desk:outbox-mail', args=[mail.pk])}?{urlencode({'page': page})}",
    }


def _open_mail(mail: OutboxMail) -> dict[str, object]:
    """A mail as the reading pane of templates/desk/outbox.html."""
    is_message = Message.objects.filter(pk=mail.message_id).exists()
    return {
        "pk": mail.pk,
        "subject": mail.subject,
        "to": mail.to_address,
        "sender": f"{brand.current().mail_sender} <{settings.MAIL_FROM}>",
        "sent_at": mail.sent_at,
        "text": mail.text,
        "html_url": reverse("desk:outbox-mail-html", args=[mail.pk]) if mail.html else "",
        "message_url": reverse("desk:message", args=[mail.message_id]) if is_message else "",
    }


def _totals(counts: dict[str, int], wanted: dict[str, str], current: str) -> list[dict[str, object]]:
    """The row of totals: all, then each state, each a link that keeps the other filters."""

    def total(state: str, text: object, count: int) -> dict[str, object]:
        query = urlencode({name: value for name, value in {**wanted, "state": state}.items() if value})
        url = reverse("desk:messages") + (f"?{query}" if query else "")
        return {"text": text, "count": count, "url": url, "is_current": state == current}

    return [
        total("", _("All"), sum(counts.values())),
        *(total(state, MessageState(state).label, count) for state, count in counts.items()),
    ]
