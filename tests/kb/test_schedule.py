"""What is planned happens at its time, once, or stays and says why it could not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import connection

from core import clock
from kb import experiment_drafts, experiments, publishing, reviews, schedule, shop_time, tasks
from kb.models import Article, IndexChange, Plan
from kb.publishing import NotAllowed
from tests.kb.conftest import NOW
from tests.kb.test_publishing import edit

pytestmark = pytest.mark.django_db
LONDON = ZoneInfo("Europe/London")
NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def bea(db) -> User:
    user = User.objects.create_user("bea", "bea@shop.example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    return user


def plan(article: Article, bea: User, *, at: datetime = NINE) -> Plan:
    return schedule.plan_publication(article, by=bea, at=at, now=NOW)


def test_a_text_goes_live_at_its_minute_and_not_before(write, bea):
    article = write("Late", "old")
    edit(article, "planned", by=bea)
    made = plan(article, bea)
    edit(article, "written later", by=bea)
    assert schedule.do_planned(now=NINE - timedelta(seconds=1)) == 0
    with clock.frozen(NINE):
        tasks.do_planned()
    article.refresh_from_db()
    made.refresh_from_db()
    assert article.live_revision.body == "planned"
    assert (made.state, made.ended_at) == ("done", NINE)
    assert schedule.do_planned(now=NINE) == 0


def test_a_missed_hour_is_caught_up_in_order(write, bea):
    first, second = write("One", publish=False), write("Two", publish=False)
    plan(second, bea, at=NINE + timedelta(minutes=5))
    plan(first, bea)
    assert schedule.do_planned(now=NINE + timedelta(hours=3)) == 2
    assert set(Article.objects.values_list("state", flat=True)) == {"published"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_it_once(write, bea):
    article = write("Late", "old")
    edit(article, "planned", by=bea)
    plan(article, bea)
    version, changes = Article.objects.get(pk=article.pk).version, IndexChange.objects.count()
    done = []
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        done.append(schedule.do_planned(now=NINE))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == 1
    assert Article.objects.get(pk=article.pk).version == version + 1
    assert IndexChange.objects.count() == changes + 1


def test_an_article_expires_and_leads_on(write, bea, browser):
    article, other = write("Sale"), write("After the sale")
    schedule.plan_archive(article, by=bea, at=NINE, now=NOW, leads_to=other)
    schedule.do_planned(now=NINE)
    assert browser().get("/en/a/sale/")["Location"] == "/en/a/after-the-sale/"


def test_what_is_refused_at_its_time_stays_and_says_why(
    write, bea, browser, django_capture_on_commit_callbacks, monkeypatch, settings
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)
    article = write("Late", "A")
    edit(article, "B", by=bea)
    client = browser()
    client.force_login(bea)
    made = plan(article, bea)
    test, _key = experiment_drafts.begin(article, version=2, by=bea)
    experiments.start(test, by=bea)
    with django_capture_on_commit_callbacks(execute=True):
        schedule.do_planned(now=NINE)
    made.refresh_from_db()
    assert made.state == "failed"
    assert "A test is running" in made.reason
    assert mail.outbox[0].to == ["bea@shop.example.com"]
    assert "Stop the test first" in mail.outbox[0].body
    page = client.get(f"/desk/articles/{article.pk}/").content.decode()
    assert "was not published on 3 March 2026, 09:00" in page
    assert "A test is running" in page
    assert "Could not be done" in client.get("/desk/articles/reviews/").content.decode()
    again = {"action": "again"}
    assert (
        "Stop the test first"
        in client.post(f"/desk/articles/{article.pk}/plan/{made.pk}/", again, follow=True).content.decode()
    )
    experiments.stop(test, by=bea)
    client.post(f"/desk/articles/{article.pk}/plan/{made.pk}/", again)
    article.refresh_from_db()
    assert article.live_revision.body == "B"


def test_four_eyes_count_at_the_time_too(write, bea, settings):
    article = write("Late", "old")
    edit(article, "new", by=bea)
    made = plan(article, bea)
    settings.FOUR_EYES = True
    schedule.do_planned(now=NINE)
    made.refresh_from_db()
    assert (made.state, Article.objects.get(pk=article.pk).live_revision.body) == ("failed", "old")


def test_who_may_no_longer_publish_publishes_nothing_by_a_plan(write, bea):
    article = write("Late", "old")
    edit(article, "new", by=bea)
    made = plan(article, bea)
    bea.groups.clear()
    schedule.do_planned(now=NINE)
    made.refresh_from_db()
    assert "may not publish any more" in made.reason


def test_a_plan_never_puts_an_older_text_over_a_newer_one(write, bea):
    article = write("Late", "old")
    edit(article, "planned", by=bea)
    made = plan(article, bea)
    edit(article, "urgent", by=bea)
    publishing.publish(article, by=bea, ring=False)
    schedule.do_planned(now=NINE)
    made.refresh_from_db()
    assert "A later text" in made.reason
    assert Article.objects.get(pk=article.pk).live_revision.body == "urgent"


def test_one_broken_plan_keeps_no_other_from_its_time(write, bea, monkeypatch, caplog):
    broken, good = write("One", publish=False), write("Two", publish=False)
    plan(broken, bea)
    plan(good, bea)
    real = publishing.publish

    def publish(article, **more):
        if article.pk == broken.pk:
            raise RuntimeError("boom")
        return real(article, **more)

    monkeypatch.setattr(publishing, "publish", publish)
    schedule.do_planned(now=NINE)
    assert Plan.objects.get(article=broken).state == "failed"
    assert "a plan failed" in caplog.text
    assert Article.objects.get(pk=good.pk).state == "published"


def test_a_cancelled_plan_does_nothing_and_a_second_one_takes_its_place(write, bea):
    article = write("Late", "old")
    edit(article, "one", by=bea)
    first = plan(article, bea)
    second = plan(article, bea, at=NINE + timedelta(hours=1))
    first.refresh_from_db()
    assert first.state == "cancelled"
    schedule.cancel(second, by=bea)
    with pytest.raises(NotAllowed):
        schedule.cancel(second, by=bea)
    assert schedule.do_planned(now=NINE + timedelta(days=1)) == 0


def test_planning_the_reviewed_text_approves_it(write, bea):
    article = write("Late", "old")
    edit(article, "reviewed")
    review = reviews.ask(article, by=bea)
    edit(article, "written later")
    made = schedule.plan_publication(article, by=bea, at=NINE, now=NOW, revision=review.revision)
    review.refresh_from_db()
    assert (review.state, made.revision.body) == ("approved", "reviewed")


def test_a_time_that_is_over_is_refused(write, bea):
    with pytest.raises(NotAllowed, match="over"):
        plan(write("Late", publish=False), bea, at=NOW)


# --- The shop's clocks ---


def _shown(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_most_times_come_once():
    assert shop_time.moments(_shown("2026-07-01T09:00"), LONDON) == [datetime(2026, 7, 1, 8, 0, tzinfo=UTC)]


def test_one_hour_in_spring_never_comes():
    local = _shown("2026-03-29T01:30")
    assert shop_time.moments(local, LONDON) == []
    assert shop_time.after_gap(local, LONDON) == _shown("2026-03-29T02:30")


def test_one_hour_in_autumn_comes_twice():
    local = _shown("2026-10-25T01:30")
    assert shop_time.moments(local, LONDON) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]


def test_the_form_speaks_of_the_shops_time(write, bea, browser):
    article = write("Late", publish=False)
    client = browser()
    client.force_login(bea)
    url = f"/desk/articles/{article.pk}/plan/"
    form = {"kind": "publish", "version": 1}
    assert "Europe/London" in client.get(url).content.decode()
    page = client.post(url, {**form, "publish-at": "2026-03-29T01:30"})
    assert page.status_code == 422
    assert "Did you mean 02:30?" in page.content.decode()
    page = client.post(url, {**form, "publish-at": "2026-10-25T01:30"})
    assert "comes twice" in page.content.decode()
    assert "01:30 BST" in page.content.decode()
    page = client.post(url, {**form, "publish-at": "2026-10-25T01:30", "publish-which": "1"}, follow=True)
    assert "Planned for 25 October 2026, 01:30 (Europe/London)" in page.content.decode()
    assert Plan.objects.get().at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert "is over" in client.post(url, {**form, "publish-at": "2026-03-01T01:30"}).content.decode()
    assert client.post(url, {**form, "publish-at": "soon"}).status_code == 422
    page = client.post(url, {**form, "version": 9, "publish-at": "2026-07-01T09:00"})
    assert "changed meanwhile" in page.content.decode()
