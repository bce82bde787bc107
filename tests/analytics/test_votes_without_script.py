"""A vote without JavaScript shows the page again: that is no second view, and no evidence that we would know them."""

import re

import pytest
from django.test import Client

from analytics import settling
from analytics.models import Event, Journey
from core import clock
from tests.analytics import history
from tests.analytics.history import at

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.django_db
def test_the_page_shown_again_after_a_vote_is_not_read_again(django_capture_on_commit_callbacks, settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    article = history.article("Where is my parcel")
    reader = Client(headers={"User-Agent": BROWSER})
    with clock.frozen(at()), django_capture_on_commit_callbacks(execute=True):
        page = reader.get(f"/en/a/{article.slug}/").content.decode()
        token = re.search(r'name="token" value="([^"]+)"', page)[1]
        voted = reader.post("/en/vote/", {"token": token, "helpful": "yes"}, follow=True)

    assert voted.status_code == 200
    assert sorted(Event.objects.values_list("kind", flat=True)) == ["read", "vote"]
    with clock.frozen(at(days=8)):
        settling.settle()
    journey = Journey.objects.get()
    assert (journey.outcomes["7"], journey.is_linkable) == ("confirmed", False)
