"""Who looks after an article, by when, and the mail that reminds them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail

from core import clock
from core.models import AuditEntry
from kb import publishing, upkeep
from kb.models import Article, ReviewReminder
from kb.publishing import Text

pytestmark = pytest.mark.django_db
NOW = datetime.fromisoformat("2026-03-02T10:00:00+00:00")


@pytest.fixture(autouse=True)
def _mails(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def anna(staff) -> User:
    user = staff("writer")
    user.email = "anna@shop.example.com"
    user.save()
    return user


def due(write, owner: User | None, title: str = "Late", day: date = date(2026, 3, 2)) -> Article:
    article = write(title)
    upkeep.set_owner(article, owner, by=None)
    upkeep.set_date(article, day, by=None)
    return article


def test_a_publication_sets_the_first_date_and_leaves_a_later_one(write, anna, settings, shelf):
    article = publishing.create_article(locale="en", category=shelf(), title="Late", body="x", by=anna)
    assert (article.owner, article.review_by) == (anna, None)
    publishing.publish(article, by=anna)
    article.refresh_from_db()
    assert article.review_by == date(2026, 8, 29), "180 days on"
    upkeep.set_date(article, date(2026, 4, 1), by=anna)
    publishing.save_draft(article, Text("Late", "", "y"), version=1, by=anna)
    publishing.publish(article, by=anna)
    article.refresh_from_db()
    assert article.review_by == date(2026, 4, 1)
    settings.ARTICLE_REVIEW_DAYS = 0
    assert write("Never").review_by is None


def test_reviewed_today_sets_the_next_date(write, anna, browser):
    article = due(write, anna)
    client = browser()
    client.force_login(anna)
    client.post(f"/desk/articles/{article.pk}/reviewed/")
    article.refresh_from_db()
    assert article.review_by == date(2026, 8, 29)
    entry = AuditEntry.objects.get(action="article.reviewed")
    assert (entry.by, entry.detail) == (anna, {"next": "2026-08-29"})


def test_the_day_is_the_shops(write, anna, settings):
    settings.SHOP_TIME_ZONE = "Pacific/Auckland"
    with clock.frozen(datetime.fromisoformat("2026-03-01T12:00:00+00:00")):
        assert upkeep.today() == date(2026, 3, 2)


def test_an_owner_gets_one_mail_about_all_that_is_due(write, anna):
    one = due(write, anna, "Parcel is late")
    due(write, anna, "Vouchers", date(2026, 2, 20))
    due(write, anna, "Not yet", date(2026, 3, 3))
    due(write, None, "Nobody's")
    publishing.archive(due(write, anna, "Archived"), by=None)
    assert upkeep.remind() == 1
    (sent,) = mail.outbox
    assert sent.to == ["anna@shop.example.com"]
    assert sent.subject == "2 articles to review"
    assert "Vouchers (by 20 Feb 2026)" in sent.body
    assert f"/desk/articles/{one.pk}/" in sent.body
    assert f"review=overdue&owner={anna.pk}" in sent.body
    for title in ("Not yet", "Nobody's", "Archived"):
        assert title not in sent.body
    assert "Vouchers" in sent.alternatives[0][0]


def test_a_date_is_reminded_of_once_and_again_after_two_weeks_while_nothing_is_done(write, anna):
    article = due(write, anna)
    assert upkeep.remind() == 1
    assert upkeep.remind() == 0
    with clock.frozen(NOW + timedelta(days=13)):
        assert upkeep.remind() == 0
    with clock.frozen(NOW + timedelta(days=14)):
        assert upkeep.remind() == 1
        assert "reminder 2" in mail.outbox[-1].body
        publishing.review(article)
    with clock.frozen(NOW + timedelta(days=60)):
        assert upkeep.remind() == 0
    # The next date is another one.
    with clock.frozen(NOW + timedelta(days=14 + 180)):
        assert upkeep.remind() == 1
        assert "reminder" not in mail.outbox[-1].body


def test_what_becomes_due_later_comes_in_a_mail_of_its_own(write, anna):
    due(write, anna, "First")
    due(write, anna, "Second", date(2026, 3, 5))
    upkeep.remind()
    with clock.frozen(NOW + timedelta(days=3)):
        assert upkeep.remind() == 1
    assert "First" not in mail.outbox[-1].body
    assert "Second" in mail.outbox[-1].body


def test_a_new_owner_is_told_what_the_old_one_was_told(write, anna, staff):
    article = due(write, anna)
    upkeep.remind()
    ben = staff("reviewer")
    User.objects.filter(pk=ben.pk).update(email="ben@shop.example.com")
    upkeep.set_owner(article, ben, by=None)
    assert upkeep.remind() == 1
    assert mail.outbox[-1].to == ["ben@shop.example.com"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"email": ""}])
def test_who_has_left_or_has_no_address_gets_no_mail(write, anna, change):
    due(write, anna)
    User.objects.filter(pk=anna.pk).update(**change)
    assert upkeep.remind() == 0
    assert not ReviewReminder.objects.exists()


def test_nobody_is_written_to_at_night(write, anna):
    due(write, anna)
    with clock.frozen(datetime.fromisoformat("2026-03-03T03:00:00+00:00")):
        assert upkeep.remind() == 0
    with clock.frozen(datetime.fromisoformat("2026-03-03T07:00:00+00:00")):
        assert upkeep.remind() == 1


class _Refusing:
    def __init__(self, *args, **kwargs) -> None:
        pass

    def send_messages(self, messages):
        raise self.error


class Busy(_Refusing):
    from smtplib import SMTPConnectError

    error = SMTPConnectError(421, "paused")


class Lost(_Refusing):
    from smtplib import SMTPServerDisconnected

    error = SMTPServerDisconnected("no answer")


def test_a_mail_that_was_not_handed_over_is_sent_later_and_one_that_may_be_on_its_way_is_not(write, anna, settings):
    due(write, anna)
    settings.EMAIL_BACKEND = "tests.kb.test_upkeep.Busy"
    assert upkeep.remind() == 0
    assert not ReviewReminder.objects.exists()
    settings.EMAIL_BACKEND = "tests.kb.test_upkeep.Lost"
    assert upkeep.remind() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert upkeep.remind() == 0
    with clock.frozen(NOW + timedelta(days=14)):
        assert upkeep.remind() == 1


def test_the_mail_goes_the_products_way(write, anna, settings):
    from notifications.models import OutboxMail

    settings.EMAIL_BACKEND = "notifications.mail_backend.ProviderBackend"
    settings.MAIL_PROVIDER = "console"
    due(write, anna)
    assert upkeep.remind() == 1
    assert OutboxMail.objects.get().to_address == "anna@shop.example.com"


def test_owner_and_date_are_set_on_the_page_of_an_article(write, anna, browser):
    article = write("Late")
    client = browser()
    client.force_login(anna)
    url = f"/desk/articles/{article.pk}/look-after/"
    client.post(url, {"owner": anna.pk, "review_by": "2026-05-01"})
    article.refresh_from_db()
    assert (article.owner, article.review_by) == (anna, date(2026, 5, 1))
    client.post(url, {"owner": "", "review_by": ""})
    article.refresh_from_db()
    assert (article.owner, article.review_by) == (None, None)
    for bad in ({"owner": "99999"}, {"owner": "x"}, {"owner": anna.pk, "review_by": "soon"}):
        client.post(url, bad)
    article.refresh_from_db()
    assert (article.owner, article.review_by) == (None, None)
    assert AuditEntry.objects.filter(action="article.owner_changed").count() == 2
