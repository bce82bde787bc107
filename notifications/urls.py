"""Addresses of this room. config/urls.py mounts the three lists: under the locale, at the root, and on the desk."""

from django.urls import path

from notifications import api
from notifications.views import (
    desk,
    desk_imports,
    desk_incidents,
    desk_ledger,
    desk_order,
    desk_orders,
    desk_rules,
    desk_sender,
    desk_sending,
    desk_sources,
    desk_templates,
    lookup,
    orders,
    predictions,
    preferences,
    webhooks,
)

app_name = "orders"

urlpatterns = [
    path("", lookup.lookup, name="lookup"),
    path("box/", lookup.box, name="box"),
    path("preferences/<str:token>/", preferences.choices, name="preferences"),
    path("<str:token>/", orders.page, name="order"),
    path("<str:token>/again/", orders.again, name="again"),
    path("<str:token>/choices/", orders.choose, name="choose"),
    path("<str:token>/stop/", orders.stop, name="stop"),
    path("<str:token>/forget/", orders.forget, name="forget"),
]

public_urlpatterns = [
    path("webhooks/sendgrid", webhooks.sendgrid_report, name="webhook-sendgrid"),
    path("u/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
]

api_urlpatterns = [
    path("orders", api.Orders.as_view(), name="orders"),
    path("orders/<str:source>/<path:order_id>", api.OneOrder.as_view(), name="order"),
    path("shipments", api.Shipments.as_view(), name="shipments"),
    path("tracking-events", api.TrackingEvents.as_view(), name="tracking-events"),
]

desk_urlpatterns = [
    path("messages/", desk.messages, name="messages"),
    path("messages/<uuid:pk>/", desk.message, name="message"),
    path("messages/<uuid:pk>/cancel/", desk_sending.cancel, name="message-cancel"),
    path("ledger/", desk_ledger.page, name="ledger"),
    path("ledger/export.csv", desk_ledger.export, name="ledger-export"),
    path("ledger/not-made/<int:pk>/", desk_ledger.skip, name="ledger-skip"),
    path("sending/", desk_sending.sending, name="sending"),
    path("sending/pause/", desk_sending.pause, name="sending-pause"),
    path("sending/resume/", desk_sending.resume, name="sending-resume"),
    path("sending/cancel/<slug:key>/", desk_sending.cancel_rule, name="sending-cancel"),
    path("rules/", desk_rules.listed, name="rules"),
    path("rules/<slug:key>/", desk_rules.rule, name="rule"),
    path("incidents/", desk_incidents.incidents_page, name="incidents"),
    path("incidents/<int:pk>/", desk_incidents.incident, name="incident"),
    path("incidents/<int:pk>/audience/", desk_incidents.choose, name="incident-audience"),
    path("incidents/<int:pk>/text/<slug:locale>/", desk_incidents.text, name="incident-text"),
    path("incidents/<int:pk>/confirm/", desk_incidents.confirm, name="incident-confirm"),
    path("incidents/<int:pk>/promise/", desk_incidents.promise, name="incident-promise"),
    path("incidents/<int:pk>/discard/", desk_incidents.discard, name="incident-discard"),
    path("incidents/<int:pk>/close/", desk_incidents.close, name="incident-close"),
    path("sender/", desk_sender.sender, name="sender"),
    path("sender/check/", desk_sender.check, name="sender-check"),
    path("templates/", desk_templates.templates, name="mail-templates"),
    path("templates/versions/<int:pk>/", desk_templates.version, name="mail-template-version"),
    path("templates/versions/<int:pk>/restore/", desk_templates.restore, name="mail-template-restore"),
    path("templates/<slug:name>/<slug:locale>/", desk_templates.template, name="mail-template"),
    path("templates/<slug:name>/<slug:locale>/publish/", desk_templates.publish, name="mail-template-publish"),
    path("templates/<slug:name>/<slug:locale>/discard/", desk_templates.discard, name="mail-template-discard"),
    path("templates/<slug:name>/<slug:locale>/preview/", desk_templates.preview, name="mail-template-preview"),
    path("orders/", desk_orders.orders, name="orders"),
    path("orders/import/", desk_imports.upload, name="order-import"),
    path("orders/import/<int:pk>/", desk_imports.run, name="order-import-run"),
    path("orders/import/<int:pk>/start/", desk_imports.start, name="order-import-start"),
    path("orders/import/<int:pk>/rejects.csv", desk_imports.left_out, name="order-import-rejects"),
    path("sources/", desk_sources.sources, name="sources"),
    path("sources/quarantine/", desk_sources.quarantine, name="source-quarantine"),
    path("sources/quarantine/replay/", desk_sources.replay_all, name="source-replay-all"),
    path("sources/calls/<int:pk>/", desk_sources.call, name="source-call"),
    path("sources/calls/<int:pk>/replay/", desk_sources.replay, name="source-replay"),
    path("sources/calls/<int:pk>/ignore/", desk_sources.ignore, name="source-ignore"),
    path("sources/parked/", desk_sources.parked, name="source-parked"),
    path("sources/parked/<int:pk>/remove/", desk_sources.parked_remove, name="source-parked-remove"),
    path("orders/owed/", desk_orders.owed, name="obligations"),
    path("orders/<int:pk>/", desk_order.order, name="order"),
    path("orders/<int:pk>/next-update/", desk_order.next_update, name="order-next-update"),
    path("orders/<int:pk>/note/", desk_order.note, name="order-note"),
    path("orders/<int:pk>/stop-links/", desk_order.stop_links, name="order-stop-links"),
    path("predictions/", predictions.predictions, name="predictions"),
    path("outbox/", desk.outbox, name="outbox"),
    path("outbox/<uuid:pk>/", desk.outbox, name="outbox-mail"),
    path("outbox/<uuid:pk>/html", desk.outbox_html, name="outbox-mail-html"),
]
