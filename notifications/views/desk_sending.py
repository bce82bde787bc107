"""What ops do to what waits: hold it, let it go, take it back."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core import clock, roles
from core.roles import ANALYST, OPS, desk
from notifications import holding, selectors
from notifications.models import Lane, Message, Rule, SendingPause


class PauseForm(forms.Form):
    """What to hold, and why."""

    scope = forms.ChoiceField(label=gettext_lazy("Hold"))
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("For colleagues: what must be settled before it may go on."),
        max_length=200,
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["scope"].choices = [*_names().items()]  # type: ignore[attr-defined]


@desk(OPS, ANALYST)
@require_safe
def sending(request: HttpRequest) -> HttpResponse:
    """What waits, what is held and why, and how the mail providers are."""
    return _page(request)


@desk(OPS)
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Hold all messages, a lane or a rule."""
    form = PauseForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    scope = form.cleaned_data["scope"]
    if holding.pause(scope, reason=form.cleaned_data["reason"], by=roles.user_of(request), at=clock.now()):
        messages.success(request, _("Held. Nothing of it is handed over any more; what was under way ends as it does."))
    else:
        messages.info(request, _("It is held already."))
    return redirect("desk:sending")


@desk(OPS)
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Let go what was held."""
    if holding.resume(request.POST.get("scope", ""), by=roles.user_of(request)):
        messages.success(request, _("It goes on. What is no longer true is not sent."))
    else:
        messages.info(request, _("Nothing of that name is held."))
    return redirect("desk:sending")


@desk(OPS)
@require_POST
def cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take back one message."""
    if holding.cancel(get_object_or_404(Message, pk=pk), by=roles.user_of(request)):
        messages.success(request, _("Taken back. It is not sent."))
    else:
        messages.error(request, _("Too late: it does not wait any more. Its attempts below say what became of it."))
    return redirect("desk:message", pk)


@desk(OPS)
@require_POST
def cancel_rule(request: HttpRequest, key: str) -> HttpResponse:
    """Take back all that waits of a rule."""
    count = holding.cancel_rule(get_object_or_404(Rule, key=key), by=roles.user_of(request))
    messages.success(request, _("Messages taken back: %(count)d") % {"count": count})
    return redirect("desk:sending")


def _page(request: HttpRequest, *, form: PauseForm | None = None) -> HttpResponse:
    names = _names()
    pauses = [(one, names.get(one.scope, one.scope)) for one in SendingPause.objects.select_related("by")]
    context = {
        "section": "messages",
        "pauses": pauses,
        "lanes": [(Lane(lane).label, count) for lane, count in holding.waiting().items()],
        "rules": holding.waiting_by_rule(),
        "providers": selectors.alarms().pauses,
        "form": form or PauseForm(),
        "may_change": bool(roles.roles_of(request.user) & {OPS, roles.ADMIN}),
    }
    return render(request, "desk/sending.html", context, status=422 if form else 200)


def _names() -> dict[str, str]:
    """Everything that can be held, in words."""
    found = {holding.ALL: _("everything")}
    found |= {holding.lane_scope(lane): _("lane: %(name)s") % {"name": Lane(lane).label} for lane in Lane.values}
    rules = Rule.objects.order_by("name").values_list("key", "name")
    return found | {holding.rule_scope(key): _("rule: %(name)s") % {"name": name} for key, name in rules}
