"""/api/v1/: what programs get, with a key and without."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import clock, keys
from core.models import Scope
from kb import api, search
from kb.models import SearchLog, Visibility
from kb.search import indexing
from kb.search.engine import IndexDamaged
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db

SEARCH, SUGGEST = "/api/v1/search", "/api/v1/suggest"
CONTRACT = settings.BASE_DIR / "docs" / "api.yaml"


@pytest.fixture
def help_centre(write):
    write("My parcel is late", "A parcel is late once the promised day has passed.")
    write("When does my refund arrive?", "Refunds take five days.", on="refunds")
    secret = write("How we pay late parcels", "Only we read this.")
    type(secret).objects.filter(pk=secret.pk).update(visibility=Visibility.STAFF)
    write("Mi paquete se retrasa", "Un paquete llega tarde.", locale="es")
    indexing.rebuild()


@pytest.fixture
def key() -> dict[str, str]:
    _key, text = keys.create(name="shop front", scopes=[Scope.SEARCH_READ], by=None)
    return {"authorization": f"Bearer {text}"}


def get(path: str = SEARCH, headers: dict[str, str] | None = None, **asked: Any) -> Any:
    return Client().get(path, asked, headers=headers)


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [result["title"] for result in answer.json()["results"]]


def conforms(answer: Any, shape: str) -> None:
    """The answer is what docs/api.yaml promises, no more and no less."""
    contract = yaml.safe_load(CONTRACT.read_text())
    schemas = json.loads(
        json.dumps(contract["components"]["schemas"])
        .replace("#/components/schemas/", "#/$defs/")
        .replace('"type": "object"', '"type": "object", "additionalProperties": false')
        .replace('"additionalProperties": false, "additionalProperties"', '"additionalProperties"')
    )
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if not field.pop("nullable", False):
                continue
            if "allOf" in field:
                field["anyOf"] = [*field.pop("allOf"), {"type": "null"}]
            else:
                field["type"] = [field["type"], "null"]
    jsonschema.validate(answer.json(), schemas[shape] | {"$defs": schemas})


# --- Without a key ---


def test_everybody_finds_public_articles(help_centre):
    answer = get(q="late pracel")
    assert titles(answer) == ["My parcel is late"]
    body = answer.json()
    assert body["corrected"] == "late parcel"
    assert body["results"][0]["url"] == f"{settings.SITE_URL}/en/a/my-parcel-is-late/"
    assert "<mark>" in body["results"][0]["snippet_html"]
    assert "<" not in body["results"][0]["snippet"]
    assert body["categories"] == [{"key": "delivery", "name": "Delivery", "count": 1}]
    assert "why" not in body["results"][0]
    conforms(answer, "SearchShape")


def test_language_category_pages_and_verbatim(help_centre):
    assert titles(get(q="paquete", lang="es")) == ["Mi paquete se retrasa"]
    assert titles(get(q="parcel refund", category="refunds")) == ["When does my refund arrive?"]
    both = titles(get(q="parcel refund"))
    assert titles(get(q="parcel refund", limit=1)) + titles(get(q="parcel refund", limit=1, offset=1)) == both
    assert titles(get(q="pracel", verbatim=1)) == []


def test_no_other_site_may_read_it_from_a_readers_browser(help_centre):
    answer = get(q="parcel", headers={"origin": "https://elsewhere.example.com"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert not answer.cookies


def test_a_search_is_logged_once_and_belongs_to_no_visitor(help_centre):
    get(q="late parcel", category="delivery")
    get(q="late parcel", offset=1)
    row = SearchLog.objects.get()
    assert (row.kind, row.text, row.visitor, row.total) == ("api", "late parcel", "", 1)
    assert row.categories


def test_suggestions(help_centre):
    answer = get(SUGGEST, q="par")
    assert [each["title"] for each in answer.json()["articles"]] == ["My parcel is late"]
    assert answer.json()["articles"][0]["url"] == f"{settings.SITE_URL}/en/a/my-parcel-is-late/"
    conforms(answer, "SuggestShape")


def test_too_many_requests_of_a_network_are_told_when_to_come_again(help_centre, monkeypatch, key):
    monkeypatch.setattr(api.Search, "a_minute", 2)
    assert [get(q="parcel").status_code for _ in range(3)] == [200, 200, 429]
    answer = get(q="parcel")
    assert answer["Retry-After"] == "60"
    assert "Wait 60 seconds" in answer.json()["detail"]
    conforms(answer, "Problem")
    assert get(q="parcel", headers=key).status_code == 200  # a key has a limit of its own
    assert Client(REMOTE_ADDR="10.0.0.9").get(SEARCH, {"q": "parcel"}).status_code == 200
    assert get(SUGGEST, q="par").status_code == 200
    with clock.frozen(NOW + timedelta(minutes=1)):
        assert get(q="parcel").status_code == 200


# --- With a key ---


def test_a_key_finds_articles_for_staff_and_may_ask_why(help_centre, key):
    answer = get(q="late parcel", explain=1, headers=key)
    assert set(titles(answer)) == {"My parcel is late", "How we pay late parcels"}
    hidden = next(each for each in answer.json()["results"] if each["is_staff_only"])
    assert hidden["title"] == "How we pay late parcels"
    for result in answer.json()["results"]:
        assert result["score"] > 0
        assert set(result["why"]) <= {"late", "parcel"}
    conforms(answer, "SearchShape")


def test_without_a_key_nobody_may_ask_why(help_centre):
    answer = get(q="late parcel", explain=1)
    assert answer.status_code == 403
    assert "search:read" in answer.json()["detail"]
    conforms(answer, "Problem")


@pytest.mark.parametrize("header", ["Bearer pk_wrong", "Bearer", "bearer  ", "Bearer \x00"])
def test_a_wrong_key_is_refused_not_ignored(help_centre, header):
    answer = get(q="parcel", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_revoked_key_is_refused_from_the_next_request_on(help_centre, key):
    assert get(q="parcel", headers=key).status_code == 200
    keys.revoke(keys.find(key["authorization"].partition(" ")[2]).pk)
    assert get(q="parcel", headers=key).status_code == 401


def test_being_signed_in_opens_nothing_here(help_centre, staff):
    client = Client()
    client.force_login(staff("admin"))
    answer = client.get(SEARCH, {"q": "late parcel"})
    assert titles(answer) == ["My parcel is late"]


# --- What goes wrong ---


@pytest.mark.parametrize(
    ("asked", "parameter", "words"),
    [
        ({}, "q", "Say what to search for"),
        ({"q": "  "}, "q", "Say what to search for"),
        ({"q": "x" * 10_000}, "q", "at most 2,000"),
        ({"q": "a\x00b"}, "q", "Null characters"),
        ({"q": "x", "lang": "tlh"}, "lang", "Use one of: en"),
        ({"q": "x", "category": "nope"}, "category", "Use one of: delivery, refunds"),
        ({"q": "x", "limit": "0"}, "limit", "greater than or equal to 1"),
        ({"q": "x", "limit": "ten"}, "limit", "valid integer"),
        ({"q": "x", "offset": "-1"}, "offset", "greater than or equal to 0"),
        ({"q": "x", "offset": "9" * 5000}, "offset", ""),
        ({"q": "x", "verbatim": "perhaps"}, "verbatim", "valid boolean"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(help_centre, asked, parameter, words):
    answer = get(headers={"accept-language": "es"}, **asked)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["problem"]
    conforms(answer, "Problem")


def test_other_addresses_and_methods_answer_as_the_api_does(help_centre):
    assert get("/api/v1/nothing").status_code == 404
    assert get("/api/v1/nothing")["Content-Type"] == "application/problem+json"
    assert Client().post(SEARCH, {"q": "x"}).status_code == 405
    assert Client().options(SEARCH).status_code == 405
    assert Client().get(f"{SEARCH}?q=x&" + "a=1&" * 1500).status_code == 400
    assert get(q="parcel", format="xml").status_code == 200


def test_search_that_cannot_answer_says_so(help_centre, monkeypatch):
    def broken(*_args: object) -> None:
        raise IndexDamaged("gone")

    engine = search.engine()
    monkeypatch.setattr(type(engine), "search", broken)
    monkeypatch.setattr(search, "database", lambda: engine, raising=False)
    answer = get(q="parcel")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    conforms(answer, "Problem")


@pytest.mark.parametrize("path", [SEARCH, SUGGEST])
def test_nothing_that_one_can_send_breaks_it(help_centre, path):
    client = Client(raise_request_exception=True)
    text = st.text(max_size=60) | st.sampled_from(
        ["*", '"', "'; DROP TABLE kb_article; --", "\x00", "🚚", "%ff", "\ud800"]
    )
    names = st.sampled_from(["q", "lang", "category", "limit", "offset", "verbatim", "explain", "format", "x"])

    @hypothesis_settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(names, text | st.integers().map(str), max_size=5))
    def ask(asked: dict[str, str]) -> None:
        sent = {name: value.encode(errors="surrogatepass") for name, value in asked.items()}
        with clock.frozen(NOW):
            answer = client.get(path, sent, REMOTE_ADDR="")
        assert answer.status_code in (200, 400, 403), (asked, answer.content)
        answer.json()

    ask()


# --- The contract ---


def test_docs_api_yaml_is_what_the_code_promises(tmp_path):
    """Red? `manage.py spectacular --file docs/api.yaml` writes it anew; the change is then part of the commit."""
    call_command("spectacular", "--file", str(tmp_path / "api.yaml"), "--validate", "--fail-on-warn")
    assert CONTRACT.read_text() == (tmp_path / "api.yaml").read_text()


def test_the_contract_is_served_to_everybody():
    answer = get("/api/v1/schema")
    assert answer.status_code == 200
    assert {"/api/v1/search", "/api/v1/suggest"} <= set(answer.json()["paths"])
