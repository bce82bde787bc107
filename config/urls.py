"""Every address of the site. /healthz is not here: config/health.py answers it before all middleware."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

import analytics.urls
import contacts.urls
import kb.urls
import notifications.urls
from config.sign_in import SignIn

desk = [
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    *analytics.urls.desk_urlpatterns,
    *kb.urls.desk_urlpatterns,
    *contacts.urls.desk_urlpatterns,
    *notifications.urls.desk_urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", include((desk, "desk"))),
    path("", include(notifications.urls.public_urlpatterns)),
    *i18n_patterns(
        # Under the page's language: set_language finds the page's address in the language that is active, and without
        # a prefix that would be the browser's, in which a page of another language has none.
        path("i18n/", include("django.conf.urls.i18n")),
        path("contact/", include("contacts.urls")),
        path("orders/", include("notifications.urls")),
        path("", include("kb.urls")),
    ),
]

handler404 = "kb.views.links.page_not_found"
