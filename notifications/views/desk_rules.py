"""The rules on the desk: what sends each mail, what it did of late, and how it is changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from core import clock, roles
from core.roles import ADMIN, OPS, desk
from notifications import mail_kinds, rules
from notifications.models import AmbiguityPolicy, Lane, Rule

_POLICIES = (
    (AmbiguityPolicy.NEVER_TWICE, gettext_lazy("Do not send it again: somebody may miss it, nobody gets it twice")),
    (AmbiguityPolicy.NEVER_LOST, gettext_lazy("Send it again: somebody may get it twice, nobody misses it")),
)
_LANES = (
    (Lane.URGENT, gettext_lazy("Urgent: before all others")),
    (Lane.NORMAL, gettext_lazy("Normal")),
    (Lane.CAMPAIGN, gettext_lazy("Campaign: many at once, after the others")),
)


class RuleForm(forms.Form):
    """What of a rule may be changed."""

    is_active = forms.BooleanField(label=gettext_lazy("On"), required=False)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    template = forms.ChoiceField(label=gettext_lazy("Mail"))
    lane = forms.ChoiceField(label=gettext_lazy("Lane"), choices=_LANES)
    holdout = forms.DecimalField(
        label=gettext_lazy("Share held out, in %"),
        help_text=gettext_lazy("People kept without this mail, drawn at random, to see what it changes. 0: nobody."),
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=4,
        decimal_places=1,
    )
    ambiguity_policy = forms.ChoiceField(
        label=gettext_lazy("Where we can never know whether the provider took it"), choices=_POLICIES
    )
    is_for_any_hour = forms.BooleanField(label=gettext_lazy("Goes out at night too"), required=False)
    is_legal_notice = forms.BooleanField(label=gettext_lazy("Legal notice"), required=False)
    is_legal_sure = forms.BooleanField(
        label=gettext_lazy("I have checked that the law requires this mail"), required=False
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, rule: Rule, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.rule = rule
        self.fields["template"].choices = [  # type: ignore[attr-defined]
            (mail.name, mail.title) for mail in rules.mails_of(rule)
        ]

    @classmethod
    def of(cls, rule: Rule) -> RuleForm:
        """Filled in with the rule as it is."""
        now = rules.settings_of(rule)
        mail = mail_kinds.called(now.template)
        percent = round(Decimal(now.holdout_share) * 100, 1)
        return cls(
            rule,
            initial={
                **vars(now),
                "template": mail.name if mail else "",
                "holdout": percent.quantize(Decimal(1)) if percent == percent.to_integral() else percent,
                "seen": now.mark,
            },
        )

    def clean(self) -> dict[str, object]:
        """A legal notice is not set by a slip of the hand."""
        found = super().clean() or {}
        if found.get("is_legal_notice") and not self.rule.is_legal_notice and not found.get("is_legal_sure"):
            self.add_error("is_legal_sure", _("Tick this too: from a legal notice nobody is held out."))
        return found

    def settings(self, *, may_set_legal: bool) -> rules.Settings:
        """What is wanted; of the legal notice only by who may say so."""
        said, now = self.cleaned_data, rules.settings_of(self.rule)
        mail = mail_kinds.called(now.template)
        return replace(
            now,
            name=said["name"],
            template=now.template if mail and said["template"] == mail.name else said["template"],
            lane=said["lane"],
            holdout_share=float(said["holdout"] / 100),
            ambiguity_policy=said["ambiguity_policy"],
            is_legal_notice=said["is_legal_notice"] if may_set_legal else now.is_legal_notice,
            is_for_any_hour=said["is_for_any_hour"],
            is_active=said["is_active"],
        )


@desk(OPS)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All rules, with what each did in the last days."""
    did = rules.did(now=clock.now())
    groups = [
        (
            rules.CATEGORIES[category],
            [(one, rules.TRIGGERS[one.kind], mail_kinds.called(one.template), did.get(one.pk)) for one in rows],
        )
        for category, rows in rules.listed()
    ]
    context = {"section": "messages", "groups": groups, "days": rules.DAYS, "cap": settings.MESSAGES_PER_DAY}
    return render(request, "desk/rules.html", context)


@desk(OPS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, key: str) -> HttpResponse:
    """One rule: what it does, did, and the form that changes it."""
    found = get_object_or_404(Rule, key=key)
    if request.method != "POST":
        return _page(request, found, RuleForm.of(found))
    form, may_set_legal = RuleForm(found, request.POST), _may_set_legal(request)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    wanted = form.settings(may_set_legal=may_set_legal)
    by = roles.user_of(request)
    try:
        is_changed = rules.edit(found, wanted, seen=form.cleaned_data["seen"], by=by, may_set_legal=may_set_legal)
    except rules.RuleError as error:
        form.add_error(None, str(error))
        return _page(request, found, form, status=409)
    if is_changed:
        messages.success(request, _("Saved. It counts for what happens from now on."))
    else:
        messages.info(request, _("Nothing has changed: it is so already."))
    return redirect("desk:rule", key)


def _page(request: HttpRequest, found: Rule, form: RuleForm, *, status: int = 200) -> HttpResponse:
    mail = mail_kinds.called(found.template)
    context = {
        "section": "messages",
        "rule": found,
        "trigger": rules.TRIGGERS[found.kind],
        "category": rules.CATEGORIES[rules.category_of(found)],
        "mail": mail,
        "instead": [mail_kinds.KINDS[name] for name in mail.instead] if mail else [],
        "did": rules.did(now=clock.now()).get(found.pk),
        "days": rules.DAYS,
        "cap": settings.MESSAGES_PER_DAY,
        "news_hours": rules.hours_of_news(found),
        "may_be_legal": rules.may_be_legal(found),
        "may_set_legal": _may_set_legal(request),
        "form": form,
    }
    return render(request, "desk/rule.html", context, status=status)


def _may_set_legal(request: HttpRequest) -> bool:
    return ADMIN in roles.roles_of(request.user)
