"""A new password: by e-mail, where mails reach people (the answer is the same whether or not there is an account), and
by the link of an administrator.
"""

from __future__ import annotations

from typing import Any

from allauth.account import views as account_views
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from config.accounts import forms, invitations, limits, password_links, sessions
from core import audit


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Public: who holds the link that an administrator made sets the password of that account."""
    if not limits.may_open_password_link(request):
        return render(request, "429.html", status=429)
    try:
        link = password_links.read(token)
        if request.user.is_authenticated:
            raise password_links.Closed(
                _("You are signed in as {name}. Sign out first, then open the link again.").format(
                    name=request.user.get_username()
                )
            )
        form = forms.NewPasswordForm(request.POST if request.method == "POST" else None, user=link.user)
        if request.method == "POST" and form.is_valid():
            password_links.use(link, password=form.cleaned_data["password1"])
            messages.success(request, _("Your password is set, and you are signed out everywhere. Sign in with it."))
            return redirect("desk:sign-in")
    except password_links.Closed as error:
        return render(request, "desk/account/join_closed.html", {"why": str(error)}, status=410)
    said = {"form": form, "user": link.user}
    return render(request, "desk/account/password_link.html", said, status=400 if form.is_bound else 200)


class _WhereMailIsSent:
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not invitations.mail_is_sent():
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class Forgotten(_WhereMailIsSent, account_views.PasswordResetView):
    template_name = "desk/account/forgotten.html"
    form_class = forms.ForgottenForm

    def form_valid(self, form: Any) -> HttpResponse:
        if not limits.may_ask_for_password(form.cleaned_data["email"], self.request):
            return render(self.request, "429.html", status=429)
        response: HttpResponse = super().form_valid(form)
        return response


class Sent(_WhereMailIsSent, account_views.PasswordResetDoneView):
    template_name = "desk/account/forgotten_sent.html"


class NewPassword(_WhereMailIsSent, account_views.PasswordResetFromKeyView):
    """By the link of the mail; once. All sessions end, and a second factor is asked for as ever."""

    template_name = "desk/account/new_password.html"
    form_class = forms.NewPasswordForm
    reset_user: User

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            sessions.end_all(self.reset_user)
            audit.record(self.reset_user, "account.password_reset", self.reset_user)
        return response


class Done(_WhereMailIsSent, account_views.PasswordResetFromKeyDoneView):
    template_name = "desk/account/new_password_done.html"
