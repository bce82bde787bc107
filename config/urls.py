"""Every address of the site. /healthz is not here: config/health.py answers it before all middleware."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

import analytics.urls
import contacts.urls
import kb.api
import kb.urls
import notifications.urls
from config import api_keys
from config.sign_in import SignIn
from core.api import Everybody

desk = [
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("api-keys/", api_keys.page, name="api-keys"),
    path("api-keys/<int:pk>/revoke/", api_keys.revoke, name="api-key-revoke"),
    *analytics.urls.desk_urlpatterns,
    *kb.urls.desk_urlpatterns,
    *contacts.urls.desk_urlpatterns,
    *notifications.urls.desk_urlpatterns,
]

api = [
    *kb.urls.api_urlpatterns,
    path("schema", SpectacularJSONAPIView.as_view(permission_classes=[Everybody]), name="schema"),
    path("<path:rest>", kb.api.Unknown.as_view()),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", include((desk, "desk"))),
    path("api/v1/", include((api, "api"))),
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
