from django.urls import path

from contacts.views import desk, form

app_name = "contacts"

urlpatterns = [
    path("", form.form, name="form"),
    path("suggest/", form.suggest, name="suggest"),
    path("suggested/<int:article_id>/", form.suggested, name="suggested"),
    path("answered/", form.answered, name="answered"),
    path("sent/<str:token>/", form.sent, name="sent"),
]

desk_urlpatterns = [
    path("contacts/", desk.contacts, name="contacts"),
    path("contacts/<int:pk>/", desk.contact, name="contact"),
]
