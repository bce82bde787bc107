from django.urls import path

from contacts.views import desk, form, of_person, suggestions

app_name = "contacts"

urlpatterns = [
    path("", form.form, name="form"),
    path("suggest/", form.suggest, name="suggest"),
    path("files/", form.files, name="files"),
    path("suggested/<int:article_id>/", form.suggested, name="suggested"),
    path("answered/", form.answered, name="answered"),
    path("sent/<str:token>/", form.sent, name="sent"),
]

desk_urlpatterns = [
    path("contacts/", desk.contacts, name="contacts"),
    path("contacts/of/", of_person.contacts_of, name="contacts-of"),
    path("contacts/suggestions/", suggestions.page, name="contact-suggestions"),
    path("contacts/<int:pk>/", desk.contact, name="contact"),
    path("contacts/<int:pk>/draft/", desk.draft, name="contact-draft"),
    path("contacts/<int:pk>/files/<uuid:attachment_id>/", desk.attachment, name="contact-attachment"),
]
