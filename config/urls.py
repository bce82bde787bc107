"""Every address of the site. /healthz is not here: config/health.py answers it before all middleware."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

import analytics.urls
import config.accounts.urls
import contacts.urls
import kb.api
import kb.urls
import notifications.urls
from config import api_keys, audit_log, brand, brand_files, privacy, widget
from core.api import Everybody

desk = [
    *config.accounts.urls.desk_urlpatterns,
    path("privacy/", privacy.page, name="privacy"),
    path("privacy/export/", privacy.export, name="privacy-export"),
    path("privacy/erase/", privacy.erase, name="privacy-erase"),
    path("privacy/<int:pk>/", privacy.receipt, name="privacy-receipt"),
    path("audit/", audit_log.page, name="audit"),
    path("audit/entries.<slug:kind>", audit_log.export, name="audit-export"),
    path("api-keys/", api_keys.page, name="api-keys"),
    path("api-keys/<int:pk>/revoke/", api_keys.revoke, name="api-key-revoke"),
    path("brand/", brand.page, name="brand"),
    path("brand/reset/", brand.reset, name="brand-reset"),
    path("brand/check/", brand.check, name="brand-check"),
    path("brand/preview/<slug:screen>/", brand.preview, name="brand-preview"),
    path("brand/preview.css", brand.preview_css, name="brand-preview-css"),
    path("widget/", widget.page, name="widget"),
    *analytics.urls.desk_urlpatterns,
    *kb.urls.desk_urlpatterns,
    *contacts.urls.desk_urlpatterns,
    *notifications.urls.desk_urlpatterns,
]

api = [
    *kb.urls.api_urlpatterns,
    *notifications.urls.api_urlpatterns,
    *analytics.urls.api_urlpatterns,
    path("schema", SpectacularJSONAPIView.as_view(permission_classes=[Everybody]), name="schema"),
    path("<path:rest>", kb.api.Unknown.as_view()),
]

public_brand = [
    re_path(r"^brand/(?P<version>\d{1,18}-[0-9a-f]{8})\.css$", brand_files.sheet),
    re_path(r"^brand/(?P<version>\d{1,18}-[0-9a-f]{8})\.svg$", brand_files.letter),
    re_path(r"^brand/(?P<version>\d{1,18}-[0-9a-f]{8})\.png$", brand_files.letter_picture),
    re_path(r"^brand/(?P<kind>logo|icon|touch)/(?P<digest>[0-9a-f]{64})\.(?P<ending>webp|png)$", brand_files.image),
]

urlpatterns: list[URLPattern | URLResolver] = [
    # First, since each address before them is tried for every page that a customer reads.
    *i18n_patterns(
        path("", include("kb.urls")),
        path("contact/", include("contacts.urls")),
        path("orders/", include("notifications.urls")),
    ),
    path("desk/", include((desk, "desk"))),
    path("desk/", include(config.accounts.urls.allauth_urlpatterns)),
    path("api/v1/", include((api, "api"))),
    *public_brand,
    path("widget.js", widget.script, name="widget"),
    path("embed/", widget.way_in, name="widget-way-in"),  # what lies behind it: core/embedding.py
    path("", include(notifications.urls.public_urlpatterns)),
    *kb.urls.root_urlpatterns,
]

handler400 = "kb.views.refused.bad_request"
handler404 = "kb.views.links.page_not_found"
