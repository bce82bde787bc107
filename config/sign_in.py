"""The desk's door. Ten tries a quarter of an hour for one network address and for one user name, then a pause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from config import demo_accounts
from core import ratelimit

_TRIES, _PER = 10, timedelta(minutes=15)


class SignIn(LoginView):
    """Public. Shows the demo's accounts where this checkout is a demo."""

    template_name = "desk/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        name = request.POST.get("username", "").strip().lower()[:150]
        keys = [f"sign-in:{ratelimit.network_of(request)}", f"sign-in:{name}"]
        # No short-circuit: every key counts every try.
        tries = [ratelimit.allow(key, limit=_TRIES, per=_PER) for key in keys]
        if not all(tries):
            form.add_error(None, _("Too many tries. Please wait a quarter of an hour and try again."))
            response = self.render_to_response(self.get_context_data(form=form))
            response.status_code = 429
            return response
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_accounts=demo_accounts.shown(), **kwargs)
