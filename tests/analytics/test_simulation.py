"""Simulated visitors and customers: they walk the real pages, in story time, the same way for the same seed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from analytics.models import Event, EventKind
from analytics.simulation import late_customers, script, traffic
from analytics.simulation.browser import Browser, Form, PageError
from analytics.simulation.late_customers import Patience
from analytics.simulation.script import Question, Truth
from analytics.simulation.visitors import BOT, Visitor
from contacts.models import Contact
from core import clock, visitors
from kb import search
from notifications import dispatch, episodes
from notifications.models import Arm, Message, MessageState, Rule
from tests.analytics.history import MONDAY
from tests.notifications import shop

DEMO = project.BASE_DIR / "demo"
PEOPLE = [traffic.Person(f"shopper{n}@example.com", f"Shopper {n}") for n in range(5)]
MOMENTS = [MONDAY + timedelta(hours=n) for n in range(12)]
# Long enough after a walk's start for anybody's visit, who may sleep on it for two days.
A_VISIT = timedelta(days=3)


@pytest.fixture(scope="module")
def demo_script() -> script.Script:
    return script.of_demo(DEMO)


@pytest.fixture
def demo_articles(db, settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    with clock.frozen(MONDAY - timedelta(days=7)):
        call_command("load_reasons", DEMO / "reasons.yaml", verbosity=0)
        call_command("import_articles", DEMO / "articles", source="demo", verbosity=0)
    yield
    search.engine().close()


@pytest.fixture
def told(django_capture_on_commit_callbacks):
    """Runs something and tells the rooms that listen what happened, as commits would."""

    def run(what, *args, **more):
        with django_capture_on_commit_callbacks(execute=True):
            return what(*args, **more)

    return run


def rows() -> list[tuple]:
    return sorted(Event.objects.values_list("at", "kind", "article_id", "topic"), key=str)


def undone(what) -> tuple:
    """What `what` gives and which events it leaves; the database is then as it was before."""
    with transaction.atomic():
        got = what(), rows()
        transaction.set_rollback(True)
    return got


def test_a_dozen_visitors_leave_the_same_traces_for_the_same_seed_at_their_own_times(demo_articles, demo_script, told):
    def walk(seed: int) -> Counter[str]:
        world = traffic.world_of(demo_script, Truth(salt="test"))
        return told(traffic.walk, world, MOMENTS, seed=seed, people=PEOPLE)

    done, events = undone(lambda: walk(3))
    again, same_events = undone(lambda: walk(3))
    _, other_events = undone(lambda: walk(4))

    assert done["visitors"] == len(MOMENTS)
    assert [what for what in done if what.startswith("failed")] == []
    kinds = Counter(kind for _at, kind, *_ in events)
    assert kinds[EventKind.READ] >= 3
    assert kinds[EventKind.SEARCH] >= 3
    assert kinds[EventKind.CONTACT] == done["contacts"]
    assert all(MOMENTS[0] < at < MOMENTS[-1] + A_VISIT for at, *_ in events)
    assert (again, same_events) == (done, events)
    assert other_events != events


def test_who_must_not_be_counted_leaves_no_event(demo_articles, demo_script, told):
    world = traffic.world_of(demo_script, Truth(salt="test", contacts_when_stuck=0))

    def somebody(seed: int) -> Visitor:
        return Visitor(world, random.Random(seed), start=MONDAY, email="a@example.com", name="A")

    bots = [bot for bot in map(somebody, range(500)) if bot.is_bot][:4]
    private = [one for one in map(somebody, range(20)) if not one.is_bot][:4]
    for one in private:
        one.browser = Browser(consents=False)
    for one in bots + private:
        told(one.live)

    assert len(bots) == len(private) == 4
    assert world.done["reads"] > 0
    assert world.done["searches"] > 0
    assert {one.browser.visitor_id for one in bots + private} == {""}
    assert not Event.objects.exists()


def test_a_bot_says_that_it_is_one(rf):
    assert visitors._read(rf.get("/", headers={"user-agent": BOT})).why_not == "bot"


def test_a_visitor_is_given_an_id_and_keeps_it(demo_articles):
    browser = Browser()
    browser.open("/en/")
    first = browser.visitor_id
    browser.open("/es/")
    assert first
    assert browser.visitor_id == first


# --- Pages that fail ---


@pytest.mark.django_db
def test_a_failing_page_is_named_with_its_status_and_without_secrets():
    token = "s3cret" * 10
    with pytest.raises(PageError) as raised:
        Browser().open(f"/en/orders/{token}/?also={token}")
    assert str(raised.value) == "/en/orders/…/ answered 404"


@pytest.mark.django_db
def test_a_page_without_the_form_says_which_was_looked_for():
    page = Browser().open("/en/contact/")
    assert page.form_with("email", "message").method == "post"
    with pytest.raises(PageError, match="/en/contact/ has no form with email, shoe_size"):
        page.form_with("email", "shoe_size")


def test_a_form_needs_a_page():
    with pytest.raises(PageError, match="no page is open"):
        Browser().submit(Form(action="/en/contact/", method="post"))


def test_a_visitor_whose_page_fails_is_counted_and_the_others_go_on(demo_articles, demo_script, told):
    world = traffic.world_of(demo_script, Truth(salt="test"))
    world.url_of.update(dict.fromkeys(world.url_of, "/en/a/gone-for-good/"))
    done = told(traffic.walk, world, MOMENTS, seed=3, people=PEOPLE)
    assert done["visitors"] == len(MOMENTS)
    assert 0 < done["failed: /en/a/gone-for-good/ answered 404"] < len(MOMENTS)


# --- The script ---


def _slips(word: str) -> set[str]:
    """Every word that one slip makes of this one: a letter left out, doubled, or swapped with the next."""
    inner = range(1, len(word) - 1)
    left_out = {word[:n] + word[n + 1 :] for n in inner}
    doubled = {word[:n] + word[n] + word[n:] for n in inner}
    swapped = {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in inner}
    return left_out | doubled | swapped


@given(st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12), max_size=6), st.integers())
def test_mistyping_is_one_slip_in_one_longer_word(words, seed):
    text = " ".join(words)
    before, after = text.split(), script.mistype(text, random.Random(seed)).split()
    slipped = [(a, b) for a, b in zip(before, after, strict=True) if a != b]

    assert len(slipped) <= 1
    for old, new in slipped:
        assert len(old) >= 5
        assert new in _slips(old)
    if not any(len(word) >= 5 and word.isalpha() for word in before):
        assert after == before


def test_mistyping_does_slip():
    assert {script.mistype("late parcel", random.Random(n)) == "late parcel" for n in range(50)} == {False}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["en", "es"])), min_size=1, max_size=30))
def test_each_question_is_asked_for_less_than_the_one_before_however_it_is_worded(asked):
    questions = [Question(f"words {n}", locale, "other", answer) for n, (answer, locale) in enumerate(asked)]
    weights = script._popularity(questions)
    shares: dict[tuple, list[float]] = defaultdict(list)
    for question, weight in zip(questions, weights, strict=True):
        shares[question.answer, question.locale].append(weight)

    assert all(len(set(wordings)) == 1 for wordings in shares.values())
    totals = [sum(wordings) for wordings in shares.values()]
    assert totals == pytest.approx([1 / (n + 1) for n in range(len(shares))])


def test_the_demo_script_has_a_weight_for_each_question_and_letters_in_both_languages(demo_script):
    assert len(demo_script.popularity) == len(demo_script.questions) > 50
    assert min(demo_script.popularity) > 0
    for locale in ("en", "es"):
        letter = demo_script.letter_about("order_status", locale, random.Random(1))
        assert (letter.topic, letter.locale) == ("order_status", locale)


@given(st.text(max_size=20), st.sampled_from(["", "a", "b"]))
def test_only_variant_b_is_better_and_no_answer_is_perfect(article, variant):
    truth = Truth(salt="x", lift=0.1)
    plain = truth.quality(article)
    assert 0.40 <= plain <= 0.92
    assert truth.quality(article, variant=variant) == (min(0.98, plain + 0.1) if variant == "b" else plain)


# --- When they come ---


def test_visitors_come_within_their_days_in_order_and_more_by_day_than_by_night():
    moments = traffic.arrivals(MONDAY.replace(hour=0), 14, 40, random.Random(5))
    assert moments == sorted(moments) == traffic.arrivals(MONDAY.replace(hour=0), 14, 40, random.Random(5))
    assert all(0 <= (moment - MONDAY.replace(hour=0)).days < 14 for moment in moments)
    assert 0.8 * 14 * 40 < len(moments) < 1.2 * 14 * 40
    assert sum(moment.hour in range(18, 22) for moment in moments) > 5 * sum(
        moment.hour in range(1, 5) for moment in moments
    )


# --- Customers whose parcel is late ---


@pytest.fixture
def late(db, settings):
    """Three late parcels: one customer held out, one told, one whose mail has not gone out."""
    settings.MAIL_PROVIDER = "console"
    with clock.frozen(shop.NOW):
        shop.rules(holdout_share=0.0)
        customers = ((1.0, "Hilda", False), (0.0, "Tom", True), (0.0, "Nell", False))
        for number, (share, name, goes_out) in enumerate(customers, 100_001):
            Rule.objects.update(holdout_share=share)
            shop.parcel(f"FH-{number}", name=name)
            episodes.sweep(now=shop.NOW)
            if goes_out:
                dispatch.drain(dispatch.LANES)
    found = Message.objects.select_related("customer", "episode__shipment__order").order_by("pk")
    by_name = {message.customer.first_name: (message.arm, message.state) for message in found}
    assert by_name["Hilda"] == (Arm.HELD_OUT, MessageState.HELD_OUT)
    assert by_name["Tom"] == (Arm.NOTIFY, MessageState.ACCEPTED)
    assert by_name["Nell"][0] == Arm.NOTIFY
    assert by_name["Nell"][1] not in (MessageState.ACCEPTED, MessageState.DELIVERED)
    return found


def live(messages, demo_script, patience: Patience, *, days: float = 10, seed: int = 1) -> Counter[str]:
    with clock.frozen(shop.NOW + timedelta(days=days)):
        return late_customers.live(messages, demo_script, patience=patience, seed=seed)


def test_who_was_not_told_contacts_us_and_who_was_told_need_not(late, demo_script, told):
    done = told(live, late, demo_script, Patience(contacts_told=0, contacts_untold=1, opens_link=1))

    assert done == {"wrote to us about a late parcel": 2, "opened the order page": 1}
    letters = Contact.objects.all()
    assert {letter.email for letter in letters} == {"hilda@example.com", "nell@example.com"}
    orders = {message.customer.email: message.episode.shipment.order.number for message in late}
    for letter in letters:
        assert letter.order_number == orders[letter.email]
        assert shop.NOW < letter.received_at < shop.NOW + timedelta(days=4)


def test_the_rates_are_those_of_each_arm(late, demo_script, told):
    done = told(live, late, demo_script, Patience(contacts_told=1, contacts_untold=0, opens_link=0))
    assert done == {"wrote to us about a late parcel": 1}
    assert Contact.objects.get().email == "tom@example.com"


def test_nobody_writes_before_it_is_time(late, demo_script, told):
    done = told(live, late, demo_script, Patience(contacts_told=1, contacts_untold=1, opens_link=0), days=0.01)
    assert not done
    assert not Contact.objects.exists()
