"""The desk's door. Ten tries a quarter of an hour for one user name, sixty for one network address, then a pause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from config import demo_accounts
from core import ratelimit

_TRIES, _PER = 10, timedelta(minutes=15)
_TRIES_OF_NETWORK = 60  # a whole office may share one address


class _Form(AuthenticationForm):
    """Looks at the password only while there are tries left: an answer after that would tell whether it was right."""

    may_try = True

    def clean(self) -> dict[str, Any]:
        if not self.may_try:
            raise ValidationError(_("Too many tries. Please wait a quarter of an hour and try again."))
        return super().clean()


class SignIn(LoginView):
    """Public. Shows the demo's accounts where this checkout is a demo."""

    form_class = _Form
    template_name = "desk/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("username", "").replace("\0", "").strip().lower()[:150]
        limits = {f"sign-in:{name}": _TRIES}
        if network := ratelimit.network_of(request):
            limits[f"sign-in-from:{network}"] = _TRIES_OF_NETWORK
        form = cast(_Form, self.get_form())
        form.may_try = ratelimit.allow_all(limits, per=_PER)
        if form.is_valid():
            return self.form_valid(form)
        response = self.form_invalid(form)
        if not form.may_try:
            response.status_code = 429
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_accounts=demo_accounts.shown(), **kwargs)
