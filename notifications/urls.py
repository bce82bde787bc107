"""Addresses of this room. config/urls.py mounts the three lists: under the locale, at the root, and on the desk."""

from django.urls import path

from notifications.views import desk, orders, preferences, webhooks

app_name = "orders"

urlpatterns = [
    path("", orders.lookup, name="lookup"),
    path("<str:token>/", orders.page, name="order"),
]

public_urlpatterns = [
    path("webhooks/sendgrid", webhooks.sendgrid_report, name="webhook-sendgrid"),
    path("u/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
]

desk_urlpatterns = [
    path("messages/", desk.messages, name="messages"),
    path("messages/<uuid:pk>/", desk.message, name="message"),
    path("outbox/", desk.outbox, name="outbox"),
    path("outbox/<uuid:pk>/", desk.outbox, name="outbox-mail"),
    path("outbox/<uuid:pk>/html", desk.outbox_html, name="outbox-mail-html"),
]
