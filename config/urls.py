"""Every address of the site. /healthz is not here: config/health.py answers it before all middleware."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
