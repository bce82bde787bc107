"""The desk's pages of sources: what they tell, who may see them, what their buttons do; and silences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.test import Client

from core.models import AuditEntry
from kb import tasks
from notifications.intake import silence, sources
from notifications.models import (
    InboundDelivery,
    InboundState,
    ParkedFact,
    SourceHour,
    SourceSecret,
    SourceSilence,
)
from tests.journeys import desk_pages_sources
from tests.notifications.intake import samples_shopify

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _secrets(settings: Any) -> None:
    settings.INTAKE_SECRETS = {"shopify": ["old-secret", "new-secret"], "aftership": ["as-secret"]}


def member(role: str) -> Client:
    user = User.objects.create_user(f"the-{role}", email=f"{role}@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


# --- The pages ---


def test_the_first_day_says_where_to_begin(settings: Any) -> None:
    settings.INTAKE_SECRETS = {}
    page = text_of(member("ops"), "/desk/sources/")
    assert "Nothing is connected yet" in page
    for source in sources.SOURCES.values():
        assert f"/hooks/{source.name}/" in page
        assert f"PREEMPT_{source.name.upper()}_SECRETS" in page


def test_the_page_tells_rate_errors_words_and_secrets_but_never_a_secret() -> None:
    desk_pages_sources.busy_days()
    page = text_of(member("ops"), "/desk/sources/")
    for said in ("3 calls", "InTransit_042", "12 times", "2 not signed with a secret of ours", "Silent"):
        assert said in page
    assert "-secret" not in page
    for secret in ("old-secret", "new-secret"):
        assert sources.fingerprint(secret) in page


def test_an_old_secret_can_go_when_only_the_new_one_signs() -> None:
    ops = member("ops")
    for secret, at in (("old-secret", NOW - 30 * HOUR), ("new-secret", NOW)):
        SourceSecret.objects.create(source="shopify", fingerprint=sources.fingerprint(secret), last_at=at)
    page = text_of(ops, "/desk/sources/")
    assert page.count("can go") == 1
    SourceSecret.objects.filter(fingerprint=sources.fingerprint("new-secret")).delete()
    assert "can go" not in text_of(ops, "/desk/sources/"), "the new one, before the shop uses it"
    SourceSecret.objects.create(source="shopify", fingerprint=sources.fingerprint("new-secret"), last_at=NOW)
    SourceSecret.objects.filter(fingerprint=sources.fingerprint("old-secret")).update(last_at=NOW - HOUR)
    assert "can go" not in text_of(ops, "/desk/sources/")


def test_it_asks_the_same_number_of_questions_however_much_there_is(django_assert_max_num_queries: Any) -> None:
    ops = member("ops")
    desk_pages_sources.busy_days()
    ops.get("/desk/sources/")
    with django_assert_max_num_queries(18):
        ops.get("/desk/sources/")


@pytest.mark.parametrize("role", ["writer", "reviewer", "analyst"])
def test_others_see_no_payload(role: str) -> None:
    pk = desk_pages_sources.busy_days()
    client = member(role)
    for path in ("/desk/sources/", "/desk/sources/quarantine/", f"/desk/sources/calls/{pk}/", "/desk/sources/parked/"):
        assert client.get(path).status_code == 403


def test_a_payload_is_shown_as_text_whatever_is_in_it() -> None:
    ops = member("ops")
    pk = desk_pages_sources.busy_days()
    page = text_of(ops, f"/desk/sources/calls/{pk}/")
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page
    for body in (b"\xff\xfe\x00", b"[" * 100_000, b'{"a": "\\ud800\\u0000"}', b"<script>alert(1)</script>" * 9000):
        InboundDelivery.objects.filter(pk=pk).update(body=body)
        assert "<script>alert" not in text_of(ops, f"/desk/sources/calls/{pk}/")


# --- The buttons ---


def test_replay_one_all_and_put_aside_and_the_audit_log_knows() -> None:
    ops = member("ops")
    pk = desk_pages_sources.busy_days()
    assert ops.post(f"/desk/sources/calls/{pk}/replay/").status_code == 302
    assert InboundDelivery.objects.get(pk=pk).state == InboundState.NEW
    ops.post(f"/desk/sources/calls/{pk + 1}/ignore/")
    assert InboundDelivery.objects.get(pk=pk + 1).state == InboundState.IGNORED
    ops.post(f"/desk/sources/calls/{pk + 1}/ignore/")
    ops.post("/desk/sources/quarantine/replay/", {"source": "shopify"})
    ops.post("/desk/sources/quarantine/replay/", {"source": "shopify"})
    assert not InboundDelivery.objects.filter(state=InboundState.QUARANTINED).exists()
    did = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert did == ["inbound.replayed", "inbound.ignored", "inbound.replayed"]
    ops.post(f"/desk/sources/parked/{ParkedFact.objects.get().pk}/remove/")
    assert not ParkedFact.objects.exists()
    assert AuditEntry.objects.latest("pk").action == "inbound.parked_removed"


def test_what_is_replayed_is_read_once_its_reason_is_gone() -> None:
    from notifications.intake import taking_in

    call = InboundDelivery.objects.create(
        source="shopify",
        headers={"x-shopify-topic": "orders/create"},
        body=samples_shopify.SAMPLES.story[0].body,
        sha256="x",
        state=InboundState.QUARANTINED,
        tries=3,
        error="RuntimeError: a fault of ours",
    )
    member("admin").post(f"/desk/sources/calls/{call.pk}/replay/")
    taking_in.take_in()
    call.refresh_from_db()
    assert (call.state, call.error) == (InboundState.DONE, "")


# --- Silences ---


def a_rhythm(name: str, *, until: datetime, days: int = 10, first: int = 8, last: int = 20) -> None:
    """Each hour from `first` to `last` o'clock, up to `until`."""
    for back in range(days * 24):
        hour = (until - back * HOUR).replace(minute=0)
        if first <= hour.hour <= last:
            SourceHour.objects.create(
                source=name, hour=hour, received=5, first_at=hour, last_at=min(hour + HOUR / 2, until)
            )


def test_a_night_is_no_silence_and_a_day_is() -> None:
    a_rhythm("shopify", until=NOW)
    usual = silence.usual(now=NOW)["shopify"]
    assert usual is not None
    assert timedelta(hours=11) < usual < timedelta(hours=12)
    assert silence.watch(now=NOW + 11 * HOUR) == []
    (begun,) = silence.watch(now=NOW + 13 * HOUR)
    assert (begun.source, begun.since) == ("shopify", NOW)


def test_a_source_that_never_sleeps_is_silent_after_six_hours() -> None:
    spoken = [(NOW + n * HOUR, NOW + n * HOUR + HOUR / 2) for n in range(72)]
    assert silence.longest_usual(spoken, calls=500) == silence.LEAST
    assert silence.longest_usual(spoken[:30], calls=500) is None, "too short a past"
    assert silence.longest_usual(spoken, calls=10) is None, "too few calls"


def test_ops_are_told_once_for_each_silence(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)
    ops = member("ops")
    member("writer")
    a_rhythm("shopify", until=NOW)
    for hours in (13, 14, 30):
        with django_capture_on_commit_callbacks(execute=True):
            silence.watch(now=NOW + hours * HOUR)
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["ops@example.com"], "Nothing has come from Shopify since 05 March 2026, 12:00")
    ]
    assert "/hooks/shopify/" in mail.outbox[0].body
    assert "Nothing has come from Shopify" in text_of(ops, "/desk/sources/")
    assert "Nothing has come from Shopify" in text_of(ops, "/desk/")
    again = NOW + 31 * HOUR
    SourceHour.objects.create(source="shopify", hour=again, received=1, first_at=again, last_at=again)
    assert silence.watch(now=again + HOUR) == []
    assert SourceSilence.objects.get().ended_at == again
    assert "Nothing has come from Shopify" not in text_of(ops, "/desk/")
    with django_capture_on_commit_callbacks(execute=True):
        assert len(silence.watch(now=again + 14 * HOUR)) == 1, "what was noticed does not count as usual"
    assert len(mail.outbox) == 2


def test_a_source_without_a_secret_may_be_silent(settings: Any) -> None:
    a_rhythm("shopify", until=NOW)
    settings.INTAKE_SECRETS = {}
    assert silence.watch(now=NOW + 13 * HOUR) == []
