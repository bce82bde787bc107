"""The result of a test on the desk: the sentence, what is behind each number, and what is there before there is any."""

from __future__ import annotations

import csv
import json
import re
from datetime import timedelta

import pytest

from analytics import settling, verdicts
from analytics.exposure_rows import NARROWED
from analytics.models import Verdict
from core import clock
from core.models import AuditEntry
from kb.models import Exposure, Revision
from tests.analytics import history
from tests.analytics.experiments import START, called, epoch, experiment, exposed, later, voted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_march():
    with clock.frozen(later(9)):
        yield


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def judged(**declared):
    """a: 20 of 60 resolved, b: 48 of 60; one of b's failures said no, the others wrote. Two looks."""
    made = experiment(**declared)
    for arm, hits in (("a", 20), ("b", 48)):
        for place in range(60):
            visitor = exposed(made, arm)
            if place == 59:
                voted(made, arm, visitor, later(1), is_helpful=False)
            elif place >= hits:
                called(visitor, later(1))
    verdicts.look(made, now=later(3))
    verdicts.look(made, now=later(8))
    return made


def test_the_sentence_stands_on_top_and_numbers_have_their_denominators(signed_in) -> None:
    made = judged()
    response = signed_in("writer").get(f"/desk/experiments/{made.pk}/")
    text = text_of(response)
    assert Verdict.objects.latest("pk").sentence in text
    assert "33.3 % 20 of 60" in text
    assert "80.0 % 48 of 60" in text
    assert "Each text has about the visitors that were drawn" in text
    assert text.count("Too early") >= 1  # the look of the third day is still there, as it was said
    assert "What a test is judged by" not in text  # captions are links, see below
    assert response.content.count(b"How this could mislead you") == 3
    assert b"?what=" not in response.content  # an editor sees no visitors' rows
    assert b'data-chart="looks-b"' in response.content


def test_each_number_opens_on_its_exposures_and_they_on_their_journeys(signed_in) -> None:
    made = judged()
    someone = Exposure.objects.filter(variant__key="b").order_by("-pk")[0]
    history.opened(someone.visitor, START - timedelta(minutes=1))
    history.read(someone.visitor, made.article, START)
    settling.settle()
    client = signed_in("analyst")
    page = client.get(f"/desk/experiments/{made.pk}/").content.decode()
    links = re.findall(r'href="(/desk/exposures/\d+/\?what=(\w+)&amp;look=\d+)">([\d,]+)<', page)
    assert {what for _url, what, _number in links} == {"exposed", "judged", "resolved", "contacts", "denied", "voted"}
    for url, _what, number in links:
        opened = client.get(url.replace("&amp;", "&"))
        assert f"{number} exposure" in text_of(opened), url
    assert re.search(r'href="/desk/journeys/\d+/"', client.get(links[-6][0].replace("&amp;", "&")).content.decode())


def test_rows_that_no_longer_agree_with_what_a_look_said_say_so(signed_in) -> None:
    made = judged()
    look = Verdict.objects.latest("at")
    client = signed_in("analyst")
    address = f"/desk/exposures/{made.variants.get(key='b').pk}/?look={look.pk}"
    for what in NARROWED:
        assert "counted" not in text_of(client.get(f"{address}&what={what}")), what
    late = Exposure.objects.filter(variant__key="b").order_by("pk")[0]
    called(late.visitor, later(1))  # written before the look, heard of after it

    page = text_of(client.get(f"{address}&what=resolved"))

    assert "The look of 10 Mar 2026, 09:00 counted 48; 47 rows fit today." in page
    assert "counted" not in text_of(client.get(f"{address}&what=judged"))


def test_the_texts_of_a_test_that_is_over_are_those_of_its_arms_and_not_what_is_live_now(signed_in) -> None:
    made = judged(state="finished", ended_at=later(8))
    client = signed_in("writer")
    assert f'href="/desk/experiments/{made.pk}/texts/"' in client.get(f"/desk/experiments/{made.pk}/").content.decode()
    made.article.live_revision = Revision.objects.create(
        article=made.article, number=99, title="Published since", body="", html="", text="", created_at=later(8)
    )
    made.article.save()

    for view in ("", "?view=words"):
        page = text_of(client.get(f"/desk/experiments/{made.pk}/texts/{view}"))
        control, other = (made.variants.get(key=key).revision for key in "ab")
        assert control.title in page
        assert f"{other.number} in the history" in page
        assert "another one is live now" in page
        assert "Published since" not in page
        assert "On to the hypothesis" not in page
    posted = client.post(f"/desk/experiments/{made.pk}/texts/", {"action": "remove", "key": "b"}, follow=True)
    assert "is frozen" in text_of(posted)
    assert made.variants.count() == 2


def test_exposures_are_narrowed_by_epoch_and_what_makes_no_sense_is_left_out(signed_in) -> None:
    made = experiment()
    epoch(made, 2, later(1), {"a": 1, "b": 1})
    exposed(made, "b")
    exposed(made, "b", later(1), epoch=2)
    client = signed_in("analyst")
    address = f"/desk/exposures/{made.variants.get(key='b').pk}/"
    assert "2 exposures" in text_of(client.get(f"{address}?what=nonsense&look=x&epoch=-1"))
    assert "1 exposure " in text_of(client.get(f"{address}?epoch=2"))
    assert "Nobody matches" in text_of(client.get(f"{address}?what=contacts"))


def test_look_now_keeps_a_look_once_a_minute(signed_in) -> None:
    made = experiment()
    client = signed_in("reviewer")
    empty = text_of(client.get(f"/desk/experiments/{made.pk}/"))
    assert "Not looked at yet" in empty
    assert "0 visitors have seen a text" in empty
    for _ in range(2):
        response = client.post(f"/desk/experiments/{made.pk}/look/", follow=True)
    assert "less than a minute ago" in text_of(response)
    assert Verdict.objects.get().kind == "asked"
    assert AuditEntry.objects.get(action="experiment.looked_at").detail["code"] == "nobody"
    assert client.get(f"/desk/experiments/{made.pk}/look/").status_code == 405


def test_a_plan_leads_to_its_plan_and_what_never_ran_says_so(signed_in) -> None:
    made = experiment(state="draft", started_at=None)
    client = signed_in("reviewer")
    assert client.get(f"/desk/experiments/{made.pk}/").url == f"/desk/experiments/{made.pk}/texts/"
    assert client.post(f"/desk/experiments/{made.pk}/look/").status_code == 404
    type(made).objects.update(state="stopped")
    assert "It was never started" in text_of(client.get(f"/desk/experiments/{made.pk}/"))
    assert client.get(f"/desk/experiments/{made.pk}/result.csv").status_code == 404
    assert client.get("/desk/experiments/999999/").status_code == 404


def test_a_blocked_test_says_what_to_do(signed_in) -> None:
    made = experiment()
    for arm, number in (("a", 150), ("b", 60)):
        for _ in range(number):
            exposed(made, arm)
    verdicts.look(made, now=later(8))
    text = text_of(signed_in("admin").get(f"/desk/experiments/{made.pk}/"))
    assert "Blocked: arm b has 43 % fewer visitors than drawn" in text
    assert "Arm b: 60 came, 105 were to be drawn" in text


def test_epochs_are_listed_where_there_are_several(signed_in) -> None:
    made = experiment()
    epoch(made, 2, later(1), {"a": 1, "b": 1})
    exposed(made, "b")
    exposed(made, "b", later(1), epoch=2)
    verdicts.look(made, now=later(9))
    text = text_of(signed_in("writer").get(f"/desk/experiments/{made.pk}/"))
    assert "Epoch by epoch" in text
    assert "Epoch 2, Revision" in text


def test_a_test_that_earns_draws_no_interval(signed_in) -> None:
    made = judged(earns=True)
    response = signed_in("writer").get(f"/desk/experiments/{made.pk}/")
    assert b"<polygon" not in response.content
    assert "name no winner" in text_of(response)


def test_the_aggregates_as_csv_and_json(signed_in) -> None:
    made = judged()
    client = signed_in("analyst")
    rows = list(csv.DictReader(client.get(f"/desk/experiments/{made.pk}/result.csv").content.decode().splitlines()))
    assert [(row["arm"], row["successes"], row["of"]) for row in rows] == [("a", "20", "60"), ("b", "48", "60")]
    data = json.loads(client.get(f"/desk/experiments/{made.pk}/result.json").content)
    assert data["verdict"]["code"] == "best"
    assert [look["code"] for look in data["looks"]] == ["best", "too_early"]
    assert data["experiment"]["planned_units"] == 4_000
    text = json.dumps(data)
    assert not any(str(visitor) in text for visitor in Exposure.objects.values_list("visitor", flat=True))


def test_the_page_costs_the_same_with_many_looks(signed_in, django_assert_max_num_queries) -> None:
    made = judged()
    for day in range(9, 50):
        verdicts.look(made, now=later(day))
    client = signed_in("writer")
    with django_assert_max_num_queries(14):
        text = text_of(client.get(f"/desk/experiments/{made.pk}/"))
    assert "13 older looks are in the JSON file" in text
