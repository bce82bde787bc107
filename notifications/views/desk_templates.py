"""The desk's pages about what mails say: the list, one text with its preview, publishing, earlier versions."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core import clock, csp, languages, roles
from core.roles import OPS, desk
from kb import differences
from kb.views import asking
from notifications import mail_checks, mail_kinds, mail_previews, mail_versions
from notifications.mail_kinds import Kind
from notifications.mail_versions import Text
from notifications.models import MailVersion, Rule
from notifications.views.desk import MAIL_POLICY
from notifications.views.desk_orders import may_see_people


class TextForm(forms.Form):
    """A mail's three parts, none of them empty; what else is wrong with them is told once they are saved."""

    use_required_attribute = False

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=2000)
    text = forms.CharField(
        label=gettext_lazy("Plain text"), strip=False, max_length=100_000,
        help_text=gettext_lazy("For watches, screen readers and mail programs that show no HTML. Never empty."),
        widget=forms.Textarea(attrs={"rows": 16, "class": "mail-source", "spellcheck": "true"}),
    )  # fmt: skip
    mjml = forms.CharField(
        label=gettext_lazy("MJML"), strip=False, max_length=200_000,
        help_text=gettext_lazy("Compiled once as it is published, its inline styles put into the elements."),
        widget=forms.Textarea(attrs={"rows": 26, "class": "mail-source", "spellcheck": "false", "wrap": "off"}),
    )  # fmt: skip
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def written(self) -> Text:
        """Browsers send lines with CR LF."""
        subject, text, mjml = (
            str(self.cleaned_data[name]).replace("\r\n", "\n") for name in ("subject", "text", "mjml")
        )
        return Text(subject.strip(), text, mjml)


@desk(OPS)
@require_safe
def templates(request: HttpRequest) -> HttpResponse:
    """Every mail, with how it stands in each language and which rules send it."""
    rules: dict[str, list[Rule]] = {}
    for rule in Rule.objects.order_by("name"):
        kind = mail_kinds.called(rule.template)
        for name in (kind.name, *kind.instead) if kind else ():
            rules.setdefault(name, []).append(rule)
    rows = [
        {"kind": kind, "standings": mail_versions.standings(kind.name), "rules": rules.get(kind.name, [])}
        for kind in mail_kinds.KINDS.values()
    ]
    return render(request, "desk/mail_templates.html", {"section": "messages", "tab": "templates", "rows": rows})


@desk(OPS)
def template(request: HttpRequest, name: str, locale: str) -> HttpResponse:
    """One text: what is written, what is wrong with it, how it looks with an order. POST keeps it as a draft."""
    kind = _kind(name, locale)
    if request.method != "POST":
        return _page(request, kind, locale)
    form = TextForm(request.POST)
    if not form.is_valid():
        return _page(request, kind, locale, form=form)
    try:
        mail_versions.save_draft(
            name, locale, form.written(), seen=form.cleaned_data["seen"], by=roles.user_of(request), now=clock.now()
        )
    except mail_versions.Overtaken as overtaken:
        again = TextForm({**form.cleaned_data, "seen": overtaken.theirs.digest})
        return _page(request, kind, locale, form=again, theirs=overtaken.theirs)
    messages.success(request, _("Saved as a draft. Customers get the published text until you publish this one."))
    return redirect(_address("mail-template", name, locale, order=request.GET.get("order", "")))


@desk(OPS)
@require_POST
def publish(request: HttpRequest, name: str, locale: str) -> HttpResponse:
    """The draft becomes a version, and is sent from now on."""
    kind = _kind(name, locale)
    note = " ".join(request.POST.get("note", "").split())[:200]
    try:
        version = mail_versions.publish(name, locale, by=roles.user_of(request), note=note, now=clock.now())
    except mail_versions.Unpublishable:
        messages.error(request, _("Not published: the text has errors. They are listed below."))
    except ValueError:
        messages.error(request, _("There is no draft to publish: somebody has published it, or thrown it away."))
    else:
        messages.success(
            request, _("Version %(number)d is what customers get from now on.") % {"number": version.number}
        )
    return redirect(_address("mail-template", kind.name, locale))


@desk(OPS)
@require_POST
def discard(request: HttpRequest, name: str, locale: str) -> HttpResponse:
    """Throw the draft away."""
    _kind(name, locale)
    if mail_versions.discard_draft(name, locale, by=roles.user_of(request)):
        messages.success(request, _("The draft is gone. What customers get has not changed."))
    return redirect(_address("mail-template", name, locale))


@desk(OPS)
@require_safe
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """One frozen version beside the one in use."""
    found = get_object_or_404(MailVersion.objects.select_related("made_by"), pk=pk)
    kind = _kind(found.template, found.locale)
    live = mail_versions.history(found.template, found.locale)[0]
    parts = [
        (label, getattr(found, part), differences.lines(getattr(found, part), getattr(live, part)))
        for part, label in (("subject", _("Subject")), ("text", _("Plain text")), ("mjml", _("MJML")))
    ]
    context = {
        "section": "messages", "kind": kind, "version": found, "live": live, "parts": parts,
        "sent": found.messages.filter(sent_at__isnull=False).count(),
        "back": _address("mail-template", found.template, found.locale),
    }  # fmt: skip
    return render(request, "desk/mail_template_version.html", context)


@desk(OPS)
@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """An earlier text is what customers get again."""
    found = get_object_or_404(MailVersion, pk=pk)
    try:
        again = mail_versions.restore(found, by=roles.user_of(request), now=clock.now())
    except mail_versions.Unpublishable as refused:
        messages.error(request, _("Not restored: %(why)s") % {"why": refused})
    else:
        said = _("Version %(number)d says what version %(old)d said, and is what customers get from now on.")
        messages.success(request, said % {"number": again.number, "old": found.number})
    return redirect(_address("mail-template", found.template, found.locale))


@desk(OPS)
@require_safe
def preview(request: HttpRequest, name: str, locale: str) -> HttpResponse:
    """The mail's HTML as a mailbox would show it, shut in; `scheme` is light or dark, `order` an order's id."""
    kind = _kind(name, locale)
    shown = mail_previews.of(kind, locale, _text(name, locale), order=_order(request), now=clock.now())
    html = mail_previews.in_scheme(shown.html, dark=request.GET.get("scheme") == "dark") if shown.html else ""
    response = HttpResponse(html or f"<!doctype html><title>-</title><p>{_('Nothing to show.')}</p>")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _page(
    request: HttpRequest, kind: Kind, locale: str, *, form: TextForm | None = None, theirs: Text | None = None
) -> HttpResponse:
    live = mail_versions.in_use(kind.name, locale)
    draft = mail_versions.draft_of(kind.name, locale)
    text = _text(kind.name, locale)
    find = request.GET.get("find", "").strip()[:60]
    order = _order(request)
    if find:
        order = mail_previews.find_order(find, now=clock.now(), with_people=may_see_people(request)) or order
    shown = mail_previews.of(kind, locale, text, order=order, now=clock.now())
    query = urlencode({"order": shown.order.pk}) if shown.order else ""
    address = _address("mail-template-preview", kind.name, locale)
    initial = {"subject": text.subject, "text": text.text, "mjml": text.mjml, "seen": text.digest}
    response = render(
        request,
        "desk/mail_template.html",
        {
            "section": "messages", "tab": "templates", "kind": kind, "locale": locale,
            "language": dict(settings.LANGUAGES)[locale],
            "languages": settings.LANGUAGES, "form": form or TextForm(initial=initial), "theirs": theirs,
            "live": live, "is_fallback": live.locale != locale, "draft": draft,
            "findings": mail_checks.check(text.subject, text.text, text.mjml, template=kind.name, locale=locale),
            "shown": shown, "find": find, "found_nothing": find and (shown.order is None or order is None),
            "frames": [(scheme, f"{address}?{query}&scheme={scheme}") for scheme in ("light", "dark")],
            "history": mail_versions.history(kind.name, locale)[:50],
            "variables": list(mail_kinds.VARIABLES.items()),
            "needs": [mail_kinds.VARIABLES[need].says for need in kind.needs],
        },
        status=409 if theirs else 200,
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = csp.policy(frame_src="'self'")
    return response


def _text(name: str, locale: str) -> Text:
    """What the page is about: the draft, else the text in use."""
    return mail_versions.text_of(mail_versions.draft_of(name, locale) or mail_versions.whole(name, locale))


def _kind(name: str, locale: str) -> Kind:
    if name not in mail_kinds.KINDS or locale not in languages.served():
        raise Http404
    return mail_kinds.KINDS[name]


def _order(request: HttpRequest) -> int | None:
    """The id of the order that the preview is of, where one is named."""
    return asking.number(request.GET.get("order"), digits=18) or None


def _address(view: str, name: str, locale: str, **query: str) -> str:
    kept = {key: value for key, value in query.items() if value}
    return reverse(f"desk:{view}", args=[name, locale]) + (f"?{urlencode(kept)}" if kept else "")
