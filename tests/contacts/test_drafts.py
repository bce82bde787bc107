"""A draft from a contact's question, without what says who asked."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contacts import cleaning
from contacts.models import ContactDraft
from core.models import AuditEntry
from kb.models import Article, Category
from tests.analytics import history
from tests.analytics.conftest import signed_in  # noqa: F401  the fixture

MESSAGE = """Hello dear team,

I am Ann Marsh. My order FH-106117 (placed by ann.marsh@example.com, call 07700 900 123) is for a party.
Can you gift-wrap it? See https://example.com/o/1?token=abc. I live in SW1A 1AA.

Kind regards,
Ann Marsh
12 Mill Lane
"""


def test_what_says_who_asked_is_masked():
    masked = cleaning.anonymous(MESSAGE, names=("Ann Marsh",), order_number="FH-106117")
    assert masked == (
        "I am [name] [name]. My order [order] (placed by [e-mail], call [number]) is for a party.\n"
        "Can you gift-wrap it? See [link] I live in [postcode]."
    )


@pytest.mark.parametrize(
    "text",
    ["Thanks to you I found it, but it is too small.", "Will it come by 14:30 on 12 May?", "It costs 1,299.00 EUR."],
)
def test_what_says_nothing_of_the_kind_stays(text):
    assert cleaning.anonymous(text) == text


@pytest.mark.django_db
def test_the_draft_holds_the_question_and_the_contact_leads_to_it(signed_in):  # noqa: F811
    Category.objects.create(key="first", topic="other")
    Category.objects.create(key="presents", topic="gift", position=5)
    contact = history.contact(history.at(), why=history.reason("wrap", history.reason("gift")))
    contact.message, contact.name, contact.order_number = MESSAGE, "Ann Marsh", "FH-106117"
    contact.save()
    client = signed_in("admin")
    page = client.get(reverse("desk:contact", args=[contact.pk])).content.decode()
    assert "New draft from this contact" in page
    answer = client.post(reverse("desk:contact-draft", args=[contact.pk]))
    article = Article.objects.get()
    assert answer.headers["Location"] == reverse("desk:article-edit", args=[article.pk])
    assert article.draft.title == "I am [name] [name]."
    assert article.category.key == "presents"
    for secret in ("Ann", "Marsh", "106117", "example.com", "07700", "SW1A", "Mill Lane"):
        assert secret not in article.draft.body
    assert "Can you gift-wrap it?" in article.draft.body
    page = client.get(reverse("desk:contact", args=[contact.pk])).content.decode()
    assert reverse("desk:article-edit", args=[article.pk]) in page
    assert contact.reference in client.get(reverse("desk:article-evidence", args=[article.pk])).content.decode()
    assert AuditEntry.objects.get(action="contact.drafted").label == contact.reference


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("ops", 302), ("admin", 302), ("analyst", 403), ("writer", 403)])
def test_who_sees_contacts_may_begin_a_draft(signed_in, role, status):  # noqa: F811
    Category.objects.create(key="first", topic="other")
    contact = history.contact(history.at())
    assert signed_in(role).post(reverse("desk:contact-draft", args=[contact.pk])).status_code == status
    assert ContactDraft.objects.count() == (status == 302)


@pytest.mark.django_db
def test_without_a_category_nothing_is_made_and_the_reason_said(signed_in):  # noqa: F811
    contact = history.contact(history.at())
    page = signed_in("ops").post(reverse("desk:contact-draft", args=[contact.pk]), follow=True).content.decode()
    assert "There is no category yet" in page
    assert not Article.objects.exists()
