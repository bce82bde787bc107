"""People: who works on the desk, with which roles; invitations, changes of roles, and the end of an account."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.accounts import forms, invitations, limits, oidc_roles, password_links, second_factor, sessions, staff
from core import clock, roles
from core.models import DeskSession, Invitation
from core.roles import ADMIN, desk

_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@desk(ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """Everybody, and who is invited; by POST a new invitation."""
    form = forms.InviteForm(request.POST if request.method == "POST" else None)
    made, is_sent = None, False
    if request.method == "POST" and form.is_valid():
        made = invitations.invite(
            email=form.cleaned_data["email"], wanted=form.cleaned_data["roles"], by=roles.user_of(request)
        )
        is_sent = invitations.send(made)
        form = forms.InviteForm()
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    said = {
        "section": "people",
        "page": Paginator(_everybody(words), _A_PAGE).get_page(request.GET.get("page")),
        "q": words,
        "invitations": Invitation.objects.filter(used_at=None, withdrawn_at=None, expires_at__gt=clock.now()),
        "form": form,
        "made": made,
        "is_sent": is_sent,
        "link": invitations.link(made) if made else "",
        "mail_is_sent": invitations.mail_is_sent(),
    }
    return render(request, "desk/account/people.html", said, status=400 if form.is_bound and form.errors else 200)


def _everybody(words: str) -> QuerySet[User]:
    """Staff with `has_second_factor` and `seen_at`: three questions to the database however many they are."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=second_factor.FACTORS)
    seen = DeskSession.objects.filter(user=OuterRef("pk")).order_by("-seen_at").values("seen_at")[:1]
    people = User.objects.filter(is_staff=True).annotate(has_second_factor=Exists(factors), seen_at=Subquery(seen))
    if words:
        people = people.filter(
            Q(username__icontains=words) | Q(first_name__icontains=words) | Q(email__icontains=words)
        )
    return people.prefetch_related("groups").order_by("-is_active", "username")


@require_safe
@desk(ADMIN)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    return _person_page(request, _staff(pk))


def _person_page(
    request: HttpRequest, who: User, *, form: Any = None, status: int = 200, link: str = ""
) -> HttpResponse:
    has = set(who.groups.values_list("name", flat=True))
    said = {
        "section": "people",
        "person": who,
        "form": form or forms.RolesForm(initial={"roles": [role for role in roles.ALL if role in has]}),
        "has_roles": bool(has & set(roles.ALL)),
        "has_second_factor": second_factor.has_one(who),
        "sessions": sessions.open_sessions(who),
        "seen": DeskSession.objects.filter(user=who).order_by("-seen_at").first(),
        "is_oneself": who.pk == request.user.pk,
        "must_have_one": settings.REQUIRE_SECOND_FACTOR,
        "password_link": link,
        "open_link": password_links.open_link(who),
        "mail_is_sent": invitations.mail_is_sent(),
        "oidc_name": settings.OIDC_NAME,
        "oidc_roles": _by_the_provider(who),
    }
    return render(request, "desk/account/person.html", said, status=status)


def _by_the_provider(who: User) -> list[str]:
    """The roles of which single sign-on decides for this person, in the order of the boxes."""
    governed = oidc_roles.governed()
    if not governed or not settings.OIDC_ISSUER or not SocialAccount.objects.filter(user=who).exists():
        return []
    return [role for role in roles.ALL if role in governed]


@require_POST
@desk(ADMIN)
def change_roles(request: HttpRequest, pk: int) -> HttpResponse:
    who = _staff(pk)
    form = forms.RolesForm(request.POST)
    if not form.is_valid():
        return _person_page(request, who, form=form, status=400)
    try:
        changed = staff.set_roles(who, form.cleaned_data["roles"], by=roles.user_of(request))
    except staff.Refused as error:
        form.add_error("roles", str(error))
        return _person_page(request, who, form=form, status=409)
    messages.success(request, _("The roles are changed.") if changed else _("The roles are as they were."))
    return redirect("desk:person", pk)


@require_POST
@desk(ADMIN)
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off, or (on=1) on again."""
    who, admin = _staff(pk), roles.user_of(request)
    try:
        if request.POST.get("on") == "1":
            staff.switch_on(who, by=admin)
            messages.success(request, _("The account is on again."))
        else:
            staff.switch_off(who, by=admin)
            messages.success(request, _("The account is off, and its sessions have ended."))
    except staff.Refused as error:
        messages.error(request, str(error))
    return redirect("desk:person", pk)


@require_POST
@desk(ADMIN)
def reset_second_factor(request: HttpRequest, pk: int) -> HttpResponse:
    who = _staff(pk)
    if who.pk == request.user.pk:
        messages.error(request, _("Change your own second factor under Your account."))
        return redirect("desk:person", pk)
    staff.reset_second_factor(who, by=roles.user_of(request))
    messages.success(request, _("The second factor is removed: the password alone lets them in, to set up a new one."))
    return redirect("desk:person", pk)


@require_POST
@desk(ADMIN)
def make_password_link(request: HttpRequest, pk: int) -> HttpResponse:
    """The link stands on this answer, and nowhere else."""
    who = _staff(pk)
    try:
        link = password_links.make(who, by=roles.user_of(request))
    except staff.Refused as error:
        messages.error(request, str(error))
        return redirect("desk:person", pk)
    return _person_page(request, who, link=link)


@require_POST
@desk(ADMIN)
def end_password_link(request: HttpRequest, pk: int) -> HttpResponse:
    if password_links.withdraw(_staff(pk), by=roles.user_of(request)):
        messages.success(request, _("The link leads nowhere now. The password is as it was."))
    else:
        messages.info(request, _("There is no such link any more."))
    return redirect("desk:person", pk)


@require_POST
@desk(ADMIN)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    if invitations.withdraw(get_object_or_404(Invitation, pk=pk), by=roles.user_of(request)):
        messages.success(request, _("The invitation is withdrawn: its link leads nowhere now."))
    else:
        messages.info(request, _("That invitation was over already."))
    return redirect("desk:people")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Public: who holds an invitation's link makes their own account."""
    if not limits.may_join(request):
        return render(request, "429.html", status=429)
    try:
        invitation = invitations.read(token)
        if request.user.is_authenticated:
            raise invitations.Closed(
                _("You are signed in as {name}. Sign out first: this link makes a new account.").format(
                    name=request.user.get_username()
                )
            )
        form = forms.JoinForm(request.POST if request.method == "POST" else None, instance=User(email=invitation.email))
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                invitations.accept(
                    invitation,
                    username=form.cleaned_data["username"],
                    first_name=form.cleaned_data["first_name"],
                    password=form.cleaned_data["password"],
                )
            messages.success(request, _("Your account is made. Sign in with it."))
            return redirect("desk:sign-in")
    except invitations.Closed as error:
        return render(request, "desk/account/join_closed.html", {"why": str(error)}, status=410)
    status = 400 if form.is_bound else 200
    said = {"form": form, "invitation": invitation, "does": [(role, roles.DOES[role]) for role in invitation.roles]}
    return render(request, "desk/account/join.html", said, status=status)


def _staff(pk: int) -> User:
    return get_object_or_404(User, pk=pk, is_staff=True)
