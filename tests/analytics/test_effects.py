"""The causal ledger on small histories with known answers."""

import random
import uuid
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from analytics import effect_days, effect_rows, periods, settling
from analytics.models import CostSetting, EffectDay, Identity
from analytics.reports import effects, messages, suggestions
from analytics.reports.effects import Code, Kind
from analytics.stats.proportions import Rate
from core import audit, clock
from kb.models import Vote
from tests import worlds
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=5000 + number)


def asked(**given) -> periods.Period:
    period, wrong = periods.read({key.rstrip("_"): str(value) for key, value in given.items()}, now=NOW)
    assert not wrong
    return period


def of_form(**given) -> suggestions.Suggestions:
    return suggestions.build(asked(**given), now=NOW)


def ledger(**given) -> effects.Effects:
    return effects.build(asked(**given), NOW)


def entry(key: str, **given) -> effects.Entry:
    return next(one for one in ledger(**given).entries if one.key == key)


def cost(kind: str, amount: str, since: date = date(2026, 1, 1), *, channel: str = "", currency: str = "EUR") -> None:
    CostSetting.objects.create(
        kind=kind, amount=Decimal(amount), since=since, channel=channel, currency=currency, why="x", set_at=NOW
    )


def tell_of_a_form() -> None:
    """200 visitors without suggestions, 120 of whom contacted us, and 200 with, 60 of whom did."""
    for n in range(400):
        arm, wrote = ("off", n < 120) if n < 200 else ("on", n < 260)
        sent = history.contact(at(n + 5, days=2), visitor=visitor(n), person=f"v{n}") if wrote else None
        history.form(visitor(n), at(n, days=2), arm=arm, sent=sent, opened=[1] if 260 <= n < 300 else [])


def tell_of_a_rule() -> None:
    """Under one rule 160 held out, 130 of whom contacted us, and 160 notified, 10 of whom did."""
    for n in range(160):
        history.message(f"h{n}", at(n, days=3), arm="held_out")
        history.message(f"n{n}", at(n, days=3))
        if n < 130:
            history.contact(at(n, days=5), person=f"h{n}", source="form")
        if n < 10:
            history.contact(at(n, days=5), person=f"n{n}", source="form")


@pytest.fixture(scope="class")
def a_rule(django_db_setup, django_db_blocker):
    with worlds.shared(django_db_blocker), clock.frozen(NOW):
        tell_of_a_rule()
        yield


@pytest.fixture(scope="class")
def a_form_and_a_rule(django_db_setup, django_db_blocker):
    with worlds.shared(django_db_blocker), clock.frozen(NOW):
        tell_of_a_form()
        tell_of_a_rule()
        yield


def test_each_visitor_counts_once_where_first_drawn_with_any_contact_in_the_window():
    history.form(visitor(1), at(days=1))  # nothing came of it
    history.form(visitor(1), at(days=2), arm="off")  # a second opening, whatever its arm
    history.form(visitor(2), at(days=1), arm="not_eligible")
    history.form(visitor(2), at(9, days=1), arm="off")  # the first that was drawn
    history.contact(at(days=2), visitor=visitor(2), why=history.reason("refunds"))
    history.form(visitor(3), at(days=1), arm="not_counted")
    history.form(None, at(days=1), arm="on")
    history.form(visitor(4), at(days=1))  # wrote by mail, and we know who they are
    Identity.objects.create(visitor=visitor(4), person="p4", how="link", at=at(days=20))
    history.contact(at(days=6), person="p4")
    history.form(visitor(5), at(days=1))
    history.contact(at(days=9), visitor=visitor(5))  # after the window
    history.contact(at(days=0), visitor=visitor(5))  # before it
    history.form(visitor(6), at(days=25))  # not over yet

    found = of_form()

    assert (found.treated, found.without) == (Rate(1, 3), Rate(1, 1))
    assert of_form(window=1).treated == Rate(0, 4)
    rows = suggestions.narrowed(asked(), {"arm": "on", "contacted": "yes"}, now=NOW)
    assert [row.visitor for row in rows] == [visitor(4)]


def said_no(who: uuid.UUID, which, when) -> None:
    Vote.objects.create(revision_id=which.live_revision_id, visitor=who, is_helpful=False, at=when)
    history.voted(who, which, when, is_helpful=False)


def test_who_left_after_a_suggestion_is_at_most_helped_unless_they_said_no_or_contacted_us():
    which = history.article("Returns")
    history.form(visitor(1), at(days=1), shown=[which.pk])  # left, and was not heard of again
    history.form(visitor(2), at(days=1))  # saw none
    history.form(visitor(3), at(days=1), shown=[which.pk], sent=history.contact(at(5, days=1), visitor=visitor(3)))
    history.form(visitor(4), at(days=1), shown=[which.pk])
    history.contact(at(days=4), visitor=visitor(4))  # wrote later
    history.form(visitor(5), at(days=1), shown=[which.pk])
    said_no(visitor(5), which, at(9, days=1))
    history.form(visitor(6), at(days=1), shown=[which.pk])
    said_no(visitor(6), which, at(days=0))  # before the form
    history.form(visitor(7), at(days=1), arm="off")

    assert of_form().guards.withdrawn == Rate(2, 5)
    rows = suggestions.narrowed(asked(), {"arm": "on", "withdrawn": "yes"}, now=NOW)
    assert {row.visitor for row in rows} == {visitor(1), visitor(6)}
    assert suggestions.narrowed(asked(), {"arm": "on", "shown": "yes"}, now=NOW).count() == 5


def test_days_are_counted_once_and_what_comes_late_counts_them_anew():
    """However the facts come in, bit by bit or at once, read from rows or from stored days: the same numbers."""
    rng = random.Random(5)
    which = history.article("Returns")
    facts = []
    for n in range(60):
        day, arm = rng.randrange(0, 15), rng.choice(["on", "off"])
        shown = [which.pk] if arm == "on" else []
        facts.append(
            lambda n=n, day=day, arm=arm, shown=shown: history.form(visitor(n), at(n, days=day), arm=arm, shown=shown)
        )
        if rng.random() < 0.3:
            when = at(n, days=day + rng.random() * 9)
            facts.append(lambda n=n, when=when: said_no(visitor(n), which, when))
        if rng.random() < 0.5:
            when = at(n, days=day + rng.random() * 9)
            facts.append(lambda n=n, when=when: history.contact(when, visitor=visitor(n), person=f"p{n}"))
        if rng.random() < 0.5:
            when = at(n, days=day + rng.random() * 9)
            facts.append(
                lambda n=n, when=when, day=day: (
                    Identity.objects.create(visitor=visitor(n), person=f"q{n}", how="link", at=at(days=day)),
                    history.contact(when, person=f"q{n}"),
                )
            )
    rng.shuffle(facts)
    for number, fact in enumerate(facts):
        fact()
        if number % 30 == 0:
            settling.settle()
    settling.settle()
    by_bits = {window: of_form(window=window) for window in (1, 3, 7)}
    stored = EffectDay.objects.count()
    settling.settle(rebuild=True)
    at_once = {window: of_form(window=window) for window in (1, 3, 7)}
    EffectDay.objects.all().delete()
    effect_days.EffectMark.objects.all().delete()
    from_rows = {window: of_form(window=window) for window in (1, 3, 7)}

    assert stored
    assert by_bits[7].treated.hits
    assert 0 < by_bits[7].guards.withdrawn.hits < by_bits[7].guards.withdrawn.of
    assert by_bits == at_once == from_rows


def test_what_is_not_shown_saves_nothing():
    cost("contact", "5")
    cost("message", "0")
    for n in range(100):
        history.message(f"p{n}", at(n, days=3), arm="held_out" if n % 2 else "notify")
        if n < 60:
            history.contact(at(n, days=4), person=f"p{n}", source="form")

    found = entry("rule:trial")

    assert (found.code, found.kind) == (Code.NOT_SHOWN, Kind.RULE)
    assert (found.prevented_at_least, found.to_notify) == (None, None)
    assert found.saved.why == "Not shown to save."
    assert ledger().prevented_at_least is None
    assert "more week" in found.waits


def test_an_empty_shop_is_told_how_to_begin(signed_in):
    text = signed_in().get(reverse("desk:effects")).content.decode()

    assert "nobody has come into it yet" in text
    assert "Suggestions in the contact form" in text  # which have a hold-out from the first day on
    assert "Nothing shown yet" in text


def test_a_cost_is_set_by_analysts_with_a_day_and_a_reason_and_never_changed(signed_in):
    given = {"what": "contact:phone", "amount": "4.50", "currency": "eur", "since": "2026-03-01", "why": "Payroll"}

    assert signed_in("ops").post(reverse("desk:costs"), given).status_code == 403
    wrong = signed_in().post(reverse("desk:costs"), given | {"amount": "-1", "currency": "€"})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (422, {"amount", "currency"})
    assert signed_in().post(reverse("desk:costs"), given).status_code == 302
    assert signed_in().post(reverse("desk:costs"), given | {"amount": "5"}).status_code == 302

    assert list(CostSetting.objects.values_list("channel", "amount", "currency")) == [
        ("phone", 5, "EUR"),
        ("phone", Decimal("4.5"), "EUR"),
    ]
    page = signed_in("ops").get(reverse("desk:costs")).content.decode()
    assert "4.50 EUR" in page
    assert "Save the cost" not in page


@pytest.mark.usefixtures("a_rule")
class TestARule:
    def test_a_changed_hold_out_is_compared_within_each_share(self):
        """Half were held out, then a fifth: each message counts under the share by which it was drawn."""
        rule = history.rule()
        with clock.frozen(at(days=10)):
            audit.record(None, "rule.changed", rule, holdout_share=[0.5, 0.2])
        rule.holdout_share = 0.2
        rule.save()
        for n in range(200):
            history.message(f"x{n}", at(n, days=12), arm="held_out" if n < 40 else "notify")

        found = entry("rule:trial")

        strata = effect_days.known_of(asked(), now=NOW).strata(rule.pk, without="held_out", treated="notify")
        assert [(one.share, one.without.of, one.treated.of) for one in strata] == [(0.2, 40, 160), (0.5, 160, 160)]
        assert found.code is Code.SHOWN
        rule.holdout_share = 0.9
        rule.save()
        assert entry("rule:trial").code is Code.BLOCKED
        of_rule = next(row for row in messages.rows(asked(), now=NOW) if row.key == "trial")
        assert (of_rule.effect.is_blocked, of_rule.effect.prevented) == (True, None)

    def test_people_who_came_before_the_period_are_evidence_and_no_gain_of_it(self):
        found = entry("rule:trial", from_="2026-03-10", to="2026-03-29")

        assert found.code is Code.SHOWN
        assert (found.exposed, found.prevented_at_least) == (0, 0)
        assert entry("rule:trial", from_="2026-02-01", to="2026-03-04").treated == Rate(0, 0)

    def test_money_is_the_lower_bound_times_the_dated_cost_less_what_was_sent(self):
        assert ledger().saved_at_least is None
        assert ledger().why_not_saved == "What a contact costs is not set."

        cost("contact", "5")
        assert entry("rule:trial").saved.why == "What a message costs is not set."

        cost("message", "0.10")
        found = entry("rule:trial")
        by_hand = Decimal(found.interval.low) / 1000 * 160 * 5 - Decimal("0.10") * 160
        assert found.saved.at_least.amount == pytest.approx(by_hand)
        assert ledger().saved_at_least.amount == pytest.approx(by_hand)

        cost("contact", "8", since=date(2026, 3, 5))  # people came on the 5th
        assert entry("rule:trial").saved.at_least.amount > by_hand
        cost("contact", "80", since=date(2026, 3, 6))
        assert entry("rule:trial").saved.at_least.amount < by_hand * 2
        cost("message", "1000")
        assert entry("rule:trial").saved.at_least is None
        assert entry("rule:trial").saved.costs_at_least.currency == "EUR"

    def test_a_cost_of_another_currency_makes_the_older_ones_count_no_more(self):
        cost("contact", "5")
        cost("message", "0.1")
        cost("contact", "6", currency="USD")

        assert entry("rule:trial").saved.why == "What a message costs is not set."


@pytest.mark.usefixtures("a_form_and_a_rule")
class TestAFormAndARule:
    @pytest.mark.parametrize(
        "words",
        [
            {}, {"arm": "on"}, {"arm": "held_out"}, {"contacted": "yes"}, {"contacted": "no"}, {"new": "yes"},
            {"new": "yes", "contacted": "yes", "arm": "off"}, {"sent": "yes"}, {"helped": "yes", "arm": "on"},
            {"arm": "notify", "contacted": "yes"}, {"left": "yes"},
            {"left": "yes", "arm": "on"}, {"left": "yes", "arm": "off"},
            {"rule": "nothing"}, {"sent": "yes", "contacted": "yes"},
        ],
    )  # fmt: skip
    def test_a_list_is_as_long_as_the_counts_of_days_say(self, words):
        for period in (asked(), asked(from_="2026-03-05", to="2026-03-20")):
            for report, given in ((suggestions, words), (messages, {"compared": "yes", **words})):
                told = report.number(period, given, now=NOW)
                assert told in (None, report.narrowed(period, given, now=NOW).count())
        assert suggestions.number(asked(), {"contacted": "yes"}, now=NOW) == 180

    def test_a_second_settling_counts_no_day_again(self):
        settling.settle()
        known = effect_rows.contacts_in_until(now=NOW)

        assert effect_days.refresh(since=10**15, windows=(7,), in_until=known) == 0

    def test_the_ledger_lists_effects_shown_first_and_what_has_no_control_group(self):
        history.rule("quiet", holdout_share=0.1)
        legal = history.rule("legal", holdout_share=0)
        legal.is_legal_notice = True
        legal.save()
        history.rule("bare", holdout_share=0)
        settling.settle()

        found = ledger()

        codes = {one.key: one.code for one in found.entries}
        assert [one.key for one in found.entries][:2] == ["rule:trial", "suggestions"]
        assert codes["rule:trial"] is codes["suggestions"] is Code.SHOWN
        assert codes["rule:quiet"] is Code.TOO_EARLY
        without = {one.name: one.why for one in found.without_control}
        assert {"Bare", "Legal"} <= without.keys()
        assert "nobody may be kept" in without["Legal"]
        first = found.entries[0]
        assert first.exposed == 160
        assert first.prevented_at_least == int(160 * first.interval.low / 1000)
        assert 0 < found.prevented_at_least < sum(one.prevented_at_least or 0 for one in found.entries)
        assert found.false_alarms == pytest.approx(0.1)

    def test_the_page_says_what_is_shown_and_each_number_opens_its_rows(self, signed_in):
        settling.settle()
        client = signed_in()

        page = client.get(reverse("desk:effects"))

        assert page.status_code == 200
        text = page.content.decode()
        assert "Set what a contact costs" in text
        assert "Nothing has a control group yet" not in text
        for found in page.context["effects"].entries:
            for name, number in (
                ("control", found.control.of), ("control_hits", found.control.hits), ("treated", found.treated.of),
                ("treated_hits", found.treated.hits), ("exposed", found.exposed),
            ):  # fmt: skip
                rows = client.get(found.rows[name]).context["page"].paginator.count
                assert rows == number, (found.key, name)
        for name, number in (("sent", 60), ("helped", 40), ("shown", 40), ("withdrawn", 40)):
            rows = client.get(reverse("desk:effect-visits"), {"arm": "on", name: "yes"})
            assert rows.context["page"].paginator.count == number

    def test_the_number_of_queries_does_not_grow_with_what_is_counted(self, signed_in, django_assert_max_num_queries):
        settling.settle()
        client = signed_in()
        for n in range(8):
            history.message(f"q{n}", at(n, days=3), under=history.rule(f"rule-{n}"))

        with django_assert_max_num_queries(36):
            client.get(reverse("desk:effects"))
