"""The dashboard on small histories with known answers; every number opens exactly the rows that it counts."""

from __future__ import annotations

import json
import re
import uuid
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from analytics import definitions, periods, settling
from analytics.models import Journey
from analytics.reports import articles, journeys, messages, overview
from analytics.stats.proportions import Rate
from kb.models import Experiment, Exposure, Revision, Variant
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.counts_on_pages import bare
from tests.analytics.history import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=1000 + number)


def overview_now(**asked):
    period, wrong = periods.read({key.rstrip("_"): str(value) for key, value in asked.items()}, now=NOW)
    assert not wrong
    return overview.build(period, now=NOW)


def articles_now(**asked):
    period = overview_now(**asked).period
    return {row.title: row for row in articles.rows(period, journeys.tally(period))}


@pytest.fixture
def a_month():
    """40 readers of "Where is my parcel": 6 contacted about it, 2 about refunds, 5 said yes, 3 no, 20 were silent, 4
    not linkable; 5 more found nothing to read, and 2 came too late to say."""
    parcel = history.article("Where is my parcel")
    refunds = history.article("Refund times", topic="refunds")
    delivery, refund = history.reason("delivery"), history.reason("refunds")
    late = history.reason("late", parent=delivery)
    for n in range(40):
        history.read(visitor(n), parcel, at(n, days=n % 10), is_returning=n < 36)
    for n in range(6):
        why = late if n < 2 else delivery
        history.contact(at(n + 60, days=n % 10 + 2), visitor=visitor(n), person=f"p{n}", why=why)
    for n in (6, 7):
        history.contact(at(days=n % 10 + 3), visitor=visitor(n), person=f"p{n}", why=refund)
    for n in (0, *range(8, 13)):  # visitor 0 said yes and contacted us all the same
        history.voted(visitor(n), parcel, at(n + 1, days=n % 10), is_helpful=True)
    for n in range(13, 16):
        history.voted(visitor(n), parcel, at(n + 1, days=n % 10), is_helpful=False)
    for n in range(40, 45):
        history.searched(visitor(n), "gift wrap", at(n, days=2))
    for n in (50, 51):
        history.read(visitor(n), refunds, at(n, days=25))
    history.contact(at(days=20), person="nobody")  # uncoded
    for days in (-3, -5):
        history.contact(at(days=days), person="before", why=delivery)
    settling.settle()
    return parcel


def test_every_journey_has_one_outcome_and_they_add_up(a_month):
    shown = overview_now()

    assert {row.outcome: row.journeys for row in shown.outcomes} == {
        "contacted": 6,
        "contacted_other": 2,
        "denied": 3,
        "confirmed": 5,
        "silent": 20,
        "empty": 5,
        "unlinkable": 4,
        "immature": 2,
    }
    assert shown.tally.count() == 47
    assert shown.tally.contradicted == 1


def test_contact_after_read_is_contacted_of_mature_linkable_journeys_that_read_it_last(a_month):
    rows = articles_now()
    parcel, refunds = rows["Where is my parcel"], rows["Refund times"]

    assert parcel.contact_after_read.rate == Rate(6, 36)
    assert parcel.contact_after_read.coverage == Rate(36, 40)
    assert parcel.contact_after_read.why_withheld == ""
    assert (parcel.views, parcel.journeys) == (40, 40)
    assert "No journey is mature" in refunds.contact_after_read.why_withheld


def test_confirmed_is_of_all_who_were_asked_with_the_range_it_must_lie_in(a_month):
    confirmed = overview_now().tally.confirmed

    assert (confirmed.rate.hits, confirmed.rate.of) == (5, 40)
    assert confirmed.response == Rate(9, 40)
    assert confirmed.ceiling == Rate(5 + 20 + 4, 40)


def test_view_based_deflection_counts_everybody_who_left(a_month):
    assert overview_now().tally.view_based == Rate(32, 40)


def test_a_rate_is_withheld_under_thirty_journeys_and_under_thirty_percent_coverage():
    few = journeys.Guarded(Rate(3, 29), Rate(29, 29))
    blind = journeys.Guarded(Rate(3, 29), Rate(29, 100))
    enough = journeys.Guarded(Rate(3, 30), Rate(30, 100))

    assert few.why_withheld == "Withheld: only 29 of the 30 linkable journeys that are needed."
    assert blind.why_withheld == "Withheld: only 29 of 100 journeys are linkable, less than 30 %."
    assert enough.why_withheld == ""


def test_equal_shares_divide_each_journey_among_what_was_read():
    parcels, refunds = history.article("Parcels"), history.article("Refunds")
    for n, reads in enumerate([(parcels,), (parcels, refunds), (refunds, parcels)]):
        for minutes, which in enumerate(reads):
            history.read(visitor(n), which, at(minutes))
    history.contact(at(days=1), visitor=visitor(2), person="p2", why=history.reason("delivery"))
    settling.settle()

    rows = articles_now()

    assert (rows["Parcels"].shared.contacted, rows["Parcels"].shared.journeys) == (0.5, 2.0)
    assert (rows["Refunds"].shared.contacted, rows["Refunds"].shared.journeys) == (0.5, 1.0)
    assert rows["Parcels"].last_reads == 2


def test_a_shorter_window_sees_fewer_contacts_and_more_mature_journeys(a_month):
    day, week, fortnight = (overview_now(window=days).tally for days in (1, 7, 14))

    assert [t.count("contacted") for t in (day, week, fortnight)] == [0, 6, 6]
    assert [t.count(is_mature=False) for t in (day, week, fortnight)] == [0, 2, 2]


def test_contacts_by_reason_against_the_days_before_with_the_uncoded_named(a_month):
    shown = overview_now()

    assert [(row.code, row.depth, row.now, row.before) for row in shown.reasons] == [
        ("delivery", 0, 6, 2),
        ("late", 1, 2, 0),
        ("refunds", 0, 2, 0),
        ("uncoded", 0, 1, 0),
    ]
    assert (shown.all_contacts.now, shown.all_contacts.before) == (9, 2)
    assert sum(sum(day.by_topic.values()) for day in shown.days) == 9


def test_a_day_is_the_shops_day():
    history.contact(at(days=1).replace(hour=23, minute=30), person="p1")
    summer = {"from": "2026-03-30", "to": "2026-04-05"}  # London is an hour ahead from 29 March
    period, _ = periods.read(summer, now=NOW)

    assert period.start.utcoffset().total_seconds() == 3600
    settling.settle()
    assert [day.by_topic for day in overview_now(from_="2026-03-03", to="2026-03-03").days] == [{"uncoded": 1}]


# --- Messages ---


@pytest.fixture
def a_trial():
    """Under one rule 60 held out, 30 of whom contacted us, and 60 notified, 10 of whom did. Some are no evidence."""
    rule = history.rule()
    for n in range(60):
        history.message(f"h{n}", at(n, days=1), arm="held_out")
        history.message(f"n{n}", at(n, days=1), state="bounced" if n == 0 else "")
        if n < 30:
            history.contact(at(n, days=4), person=f"h{n}", source="form")
        if n < 10:
            history.contact(at(n, days=4), person=f"n{n}", source="form")
    history.message("h0", at(days=9), arm="held_out")  # a second one: only the first counts
    history.message("late", at(days=25), arm="held_out")  # not mature
    history.message("", at(days=1), arm="held_out")  # nobody whom we could recognise
    history.contact(at(days=0), person="n50")  # before the message
    history.contact(at(days=9), person="n51")  # after its window
    return rule


def trial(**asked):
    return next(row for row in overview_now(**asked).rules if row.key == "trial")


def test_both_arms_are_compared_as_drawn_by_first_messages_that_are_mature(a_trial):
    row = trial()
    effect = row.effect

    assert (effect.held_out, effect.notified) == (Rate(30, 60), Rate(10, 60))
    assert effect.prevented.per_1000 == pytest.approx(1000 * (30 / 60 - 10 / 60))
    assert (row.eligible, row.sent, row.held_out) == (123, 60, 63)
    assert {state.state: state.count for state in row.states} == {"delivered": 59, "bounced": 1, "held_out": 63}
    assert sum(state.count for state in row.states) == row.eligible


def test_an_effect_with_zero_in_its_interval_is_not_shown_and_says_how_many_more(a_trial, signed_in):
    effect = trial().effect
    page = text_of(signed_in().get(reverse("desk:home")))

    assert 0 in effect.prevented.interval
    assert not effect.prevented.is_shown
    assert effect.to_notify is None
    assert "Not shown to prevent contacts. +333 prevented per 1,000 messages" in page
    assert f"roughly {effect.more_needed:,} more people" in page


def test_a_shown_effect_says_how_many_messages_prevent_one_contact(a_trial, signed_in):
    for n in range(60, 160):
        history.message(f"h{n}", at(n, days=2), arm="held_out")
        history.contact(at(n, days=4), person=f"h{n}")
        history.message(f"n{n}", at(n, days=2))

    effect = trial().effect
    assert effect.prevented.interval.low > 0
    assert effect.to_notify == round(1 / (130 / 160 - 10 / 160))
    assert f"{effect.to_notify} messages prevent one contact" in text_of(signed_in().get(reverse("desk:home")))


def test_a_rule_without_a_hold_out_says_that_its_effect_cannot_be_known(signed_in):
    history.message("p1", at(days=1), under=history.rule("legal", holdout_share=0))

    assert "its effect cannot be known" in text_of(signed_in().get(reverse("desk:home")))


def test_the_comparison_waits_for_a_lagging_source_of_contacts(a_trial):
    history.contact(at(days=2), person="x", source="email")
    history.contact(at(days=7), person="x", source="email")

    assert trial().effect.held_out == Rate(0, 0)
    assert trial(window=3).effect.held_out.of == 60


# --- Every number opens its rows ---


class Links(HTMLParser):
    """The links of a page whose text is a number."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, int]] = []
        self._href, self._text = "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self._href, self._text = dict(attrs).get("href", ""), ""

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == "a" and self._href and (found := re.fullmatch(r"(?:\D* )?([\d,]+)", self._text.strip())):
            self.numbers.append((self._href, int(found[1].replace(",", ""))))
            self._href = ""


def text_of(response) -> str:
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r" ([,.:;)])", r"\1", " ".join(unescape(text).split()))


def rows_of(client, href: str) -> int:
    response = client.get(href)
    assert response.status_code == 200, href
    for name in ("page", "contacts"):
        if name in (response.context or {}):
            return response.context[name].paginator.count
    raise AssertionError(f"{href} lists nothing")


def test_every_number_on_the_dashboard_opens_as_many_rows(a_month, a_trial, signed_in):
    experiment = Experiment.objects.create(article=a_month, name="Shorter", state="running")
    for key, seen in (("control", 3), ("shorter", 2)):
        variant = Variant.objects.create(
            experiment=experiment, key=key, revision=a_month.live_revision, is_control=key == "control"
        )
        for n in range(seen):
            who = uuid.uuid5(uuid.NAMESPACE_URL, f"{key}{n}")
            Exposure.objects.create(experiment=experiment, variant=variant, visitor=who, at=at(days=n))
    settling.settle()
    client = signed_in("analyst")

    for query in ("", "?from=2026-03-04&to=2026-03-12&window=3"):
        page = client.get(reverse("desk:home") + query)
        numbers = Links(page.content.decode()).numbers
        assert len(numbers) > 20, query
        targets = {urlsplit(href).path for href, _ in numbers}
        lists = ("journeys", "repeated-contacts", "contacts", "evidence")
        assert {reverse(f"desk:{name}") for name in lists} <= targets
        for href, number in set(numbers):
            assert rows_of(client, href) == number, href
        assert set(bare(page.content.decode())) <= {"167", "500"}, query  # of 1,000: their counts stand beside them


def test_lists_say_what_they_are_narrowed_to_and_refuse_nonsense(a_month, signed_in):
    client = signed_in()
    address = reverse("desk:journeys")

    page = client.get(address, {"article": a_month.pk, "outcome": "contacted", "linkable": "yes", "by": "topic"})
    assert (
        text_of(page).count("Where is my parcel") == 9
    )  # in six rows, the heading, the choice above, and below the picture
    for nonsense in ({"outcome": "great"}, {"article": "1 OR 1"}, {"linkable": "maybe"}):
        assert rows_of(client, f"{address}?{'&'.join(f'{k}={v}' for k, v in nonsense.items())}") == 0


def test_a_journey_is_told_event_by_event(a_month, signed_in):
    journey = Journey.objects.get(visitor=visitor(0))

    page = text_of(signed_in().get(reverse("desk:journey", args=[journey.pk])))

    for words in ("Read an article Where is my parcel", "Said that it helped", "Contacted us", "person p0 by contact"):
        assert words in page
    assert "After 7 days contacted us about the same topic" in page


# --- Who may see, what a page says when there is nothing, and what it costs ---


@pytest.mark.parametrize(
    ("role", "may_open"),
    [("writer", False), ("reviewer", False), ("ops", True), ("analyst", True), ("admin", True)],
)
def test_everybody_on_the_desk_sees_the_dashboard_and_some_the_rows_behind_it(a_month, signed_in, role, may_open):
    client = signed_in(role)
    journey = Journey.objects.first()
    home = client.get(reverse("desk:home"))

    assert home.status_code == 200
    assert bool(Links(home.content.decode()).numbers) is may_open
    lists = [reverse(f"desk:{name}") for name in ("journeys", "article-views", "evidence")]
    for address in [*lists, reverse("desk:journey", args=[journey.pk])]:
        assert client.get(address).status_code == (200 if may_open else 403)
    assert client.get(reverse("desk:metrics")).status_code == 200


@pytest.mark.parametrize("name", ["home", "journeys", "article-views", "evidence", "metrics"])
def test_nobody_else_sees_anything(client, name):
    address = reverse(f"desk:{name}")

    assert client.get(address)["Location"].startswith(reverse("desk:sign-in"))


def test_an_empty_shop_says_what_is_missing_and_what_to_do(signed_in):
    page = text_of(signed_in().get(reverse("desk:home")))

    assert "No journey has been put together yet." in page
    assert "run “manage.py settle”" in page
    assert "Nothing happened in these days" in page


def test_a_period_that_makes_no_sense_is_named_and_replaced(signed_in):
    page = text_of(signed_in().get(reverse("desk:home"), {"from": "yesterday", "to": "2026-03-29", "window": "99"}))

    assert "“yesterday” is no date" in page
    assert "no window of “99” days" in page
    assert "2 Mar 2026 to 29 Mar 2026 (28 days)" in page


def test_the_number_of_queries_does_not_grow_with_what_is_counted(
    a_month, a_trial, signed_in, django_assert_num_queries, django_assert_max_num_queries
):
    client = signed_in()
    settling.settle()  # messages too are counted by day from now on
    with django_assert_max_num_queries(62) as few:
        client.get(reverse("desk:home"))
    for n in range(15):
        article = history.article(f"Article {n}", topic=f"topic-{n}")
        history.read(visitor(100 + n), article, at(n, days=3))
        history.contact(at(n, days=5), visitor=visitor(100 + n), person=f"q{n}", why=history.reason(f"topic-{n}"))
        experiment = Experiment.objects.create(article=article, name="A test", state="running")
        Variant.objects.create(experiment=experiment, key="a", revision=Revision.objects.get(article=article))
        history.message(f"q{n}", at(n, days=3), under=history.rule(f"rule-{n}"))
    settling.settle()

    with django_assert_num_queries(len(few.captured_queries)):
        response = client.get(reverse("desk:home"))
    assert "17 articles were the last one read" in text_of(response)


def test_nothing_on_the_pages_breaks_the_content_policy(a_month, a_trial, signed_in):
    client = signed_in()
    for address in ("home", "journeys", "article-views", "evidence", "metrics"):
        html = client.get(reverse(f"desk:{address}")).content.decode()
        assert not re.search(r"<[^>]+\s(style|on\w+)=", html), address
        assert "<style" not in html


# --- What the numbers mean ---


def test_every_caveat_on_the_pages_is_a_section_of_the_doc(a_month, a_trial, signed_in):
    client = signed_in()
    doc = client.get(reverse("desk:metrics")).content.decode()
    anchors = set(re.findall(r"/desk/metrics/#([\w-]+)", client.get(reverse("desk:home")).content.decode()))

    assert len(anchors) >= 7
    assert all(f'id="{anchor}"' in doc for anchor in anchors)
    assert all(definition.caveat.startswith("<p>") for definition in definitions.doc().definitions.values())


# --- For machines ---


def test_the_report_as_json_has_each_rate_with_its_denominator(a_month, a_trial, capsys):
    call_command("report", "overview", "--json", "--window", "7")
    data = json.loads(capsys.readouterr().out)

    tables = {table["name"]: table["rows"] for table in data["tables"]}
    main = {row["number"]: row for row in tables["main"]}
    assert (main["contact_after_read"]["hits"], main["contact_after_read"]["of"]) == (6, 36)
    assert main["contact_after_read"]["low"] < 6 / 36 < main["contact_after_read"]["high"]
    assert main["contradicted"]["hits"] == 1
    assert next(row for row in tables["outcomes"] if row["outcome"] == "contacted")["journeys"] == 6
    prevented, saved = tables["prevented"]
    period, _wrong = periods.read({"window": "7"}, now=NOW)
    shown = overview.build(period, now=NOW).effects
    assert (prevented["at_least"], saved["why"]) == (shown.prevented_at_least, shown.why_not_saved)


def test_what_is_withheld_on_the_screen_is_withheld_in_the_tables(db):
    period, _wrong = periods.read({}, now=NOW)
    (row,) = (row for row in overview.tables(period, NOW)[0].rows if row[0] == "contact_after_read")
    assert row[1:] == (None, None, None, None, "No journey is mature yet.")


def test_the_report_as_text_reads_like_the_dashboard(a_month, a_trial, capsys):
    call_command("report", "overview")
    text = capsys.readouterr().out

    assert "Contact after read: 16.7 % (6 of 36, interval 7.9 to 31.9 %, coverage 90.0 %)" in text
    assert re.search(r"contacted +6\n", text)
    assert "held out 30 of 60" in text
    with pytest.raises(CommandError, match="is no date"):
        call_command("report", "overview", "--from", "soon")


def test_the_list_of_the_effect_holds_the_messages_that_were_compared(a_trial):
    period, _ = periods.read({}, now=NOW)
    asked = {"compared": "yes", "rule": "trial", "arm": "held_out", "contacted": "yes"}

    people = {row.person for row in messages.narrowed(period, asked, now=NOW)}
    assert people == {f"h{n}" for n in range(30)}
    assert parse_qs(period.address("/x", **asked).partition("?")[2])["contacted"] == ["yes"]
