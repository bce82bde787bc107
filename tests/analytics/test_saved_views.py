"""Views by name of every page of numbers: saved, opened, shared, renamed, deleted; only for who may open the page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analytics.models import SavedView
from core.models import AuditEntry
from tests.analytics import history

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

DAYS = {"from": "2026-03-04", "to": "2026-03-10", "window": "3"}
# What else each page's address says, and something that no view keeps.
PAGES = {
    "home": {"locale": "es", "source": "phone"},
    "article-scorecards": {"q": "parcel", "sort": "-views", "topic": "delivery"},
    "journeys": {"by": "topic", "entry": "search", "outcome": "contacted"},
    "search-health": {"locale": "de"},
    "effects": {"compare": "year"},
    "data-health": {},
}


@pytest.mark.parametrize("page", PAGES)
def test_a_view_of_a_page_is_its_address_by_a_name(page, signed_in):
    client, asked = signed_in(), DAYS | PAGES[page]
    history.reason("delivery")
    html = client.get(reverse(f"desk:{page}"), asked | {"page": "1", "x": "y"}).content.decode()
    form = html[html.index(reverse("desk:saved-view") + '"') :]
    form = form[: form.index("</form>")]
    for name, value in (asked | {"of": page}).items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    saved = client.post(reverse("desk:saved-view"), asked | {"of": page, "name": "Mine", "x": "y"}, follow=True)
    assert saved.resolver_match.url_name == page
    (entry,) = saved.context["views"]
    assert (entry.is_open, entry.is_mine, entry.view.page) == (True, True, page)
    opened = client.get(entry.url)
    assert opened.context["period"].query == {name: value for name, value in asked.items() if name in {*DAYS, *SEGMENT}}
    assert {**DAYS, **PAGES[page]} == dict(pair.split("=") for pair in entry.view.query.split("&"))


SEGMENT = ("locale", "source", "compare")


def test_a_shared_view_is_listed_only_for_who_may_open_its_page(signed_in):
    analyst = signed_in("analyst")
    for page in ("journeys", "search-health", "home"):
        analyst.post(reverse("desk:saved-view"), DAYS | {"of": page, "name": f"Of {page}", "is_shared": "1"})
    seen = {
        role: [(str(entry.of), entry.view.name) for entry in signed_in(role).get(reverse("desk:home")).context["views"]]
        for role in ("ops", "writer")
    }
    assert seen == {
        "ops": [("", "Of home"), ("Journeys", "Of journeys")],
        "writer": [("", "Of home"), ("Search health", "Of search-health")],
    }
    assert [e.view.name for e in signed_in("ops").get(reverse("desk:journeys")).context["views"]] == ["Of journeys"]
    assert signed_in("writer").post(reverse("desk:saved-view"), {"of": "journeys", "name": "x"}).status_code == 403
    assert analyst.post(reverse("desk:saved-view"), {"of": "audit", "name": "x"}).status_code == 404


def test_a_view_is_renamed_and_shared_by_its_owner_and_two_never_have_one_name(signed_in):
    mine, other = signed_in("analyst"), signed_in("ops")
    for name in ("March", "April"):
        mine.post(reverse("desk:saved-view"), DAYS | {"of": "journeys", "name": name})
    mine.post(reverse("desk:saved-view"), DAYS | {"of": "home", "name": "May"})
    march = SavedView.objects.get(name="March")
    url = reverse("desk:saved-view-change", args=[march.pk])

    assert other.post(url, {"name": "Stolen"}).status_code == 404
    refused = mine.post(url, {"name": "April"}, follow=True).content.decode()
    assert "You have a view called “April” of this page already." in refused
    assert "up to 80 letters" in mine.post(url, {"name": " "}, follow=True).content.decode()
    mine.post(url, {"name": "May", "is_shared": "1"})  # the overview's May is another

    march.refresh_from_db()
    assert (march.name, march.is_shared, SavedView.objects.count()) == ("May", True, 3)
    assert AuditEntry.objects.get(action="saved_view.renamed").detail == {"before": "March", "is_shared": True}
    removed = mine.post(reverse("desk:saved-view-remove", args=[march.pk]), follow=True)
    assert removed.resolver_match.url_name == "journeys"
    assert not SavedView.objects.filter(pk=march.pk).exists()


def test_what_is_too_long_to_be_kept_is_refused(signed_in):
    asked = DAYS | {"of": "journeys", "beside": ",".join(["123456789"] * 150), "name": "Long"}
    answer = signed_in().post(reverse("desk:saved-view"), asked, follow=True)
    assert "Too much narrows this page for a view" in answer.content.decode()
    assert not SavedView.objects.exists()
