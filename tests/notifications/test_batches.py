"""Many mails in one request: each arrives with its own words, and one that is refused takes nobody with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import clock
from notifications import dispatch, providers, sending
from notifications.models import Message, SendAttempt
from notifications.providers import sendgrid_batch
from notifications.providers.base import DeliveryError, Fate
from notifications.providers.sendgrid import SendGrid
from tests.fakes import sendgrid as fakes
from tests.notifications.mailing import KEY, TIMES, drain, ready, taken
from tests.notifications.shop import NOW
from tests.notifications.test_sendgrid_provider import a_mail


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[fakes.Handle]:
    with fakes.running(log=tmp_path / "log.jsonl", api_key=KEY) as handle:
        handle.order(keep_content=True)
        yield handle


@pytest.fixture
def provider(fake: fakes.Handle, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SendGrid]:
    settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY, settings.SENDGRID_URL = "sendgrid", KEY, fake.url
    ours = SendGrid(api_key=KEY, base_url=fake.url, times=TIMES)
    monkeypatch.setattr(providers, "_provider", lambda *arguments: ours)
    with clock.frozen(NOW):
        yield ours
    ours.close()


def personal(number: int, **changes: Any) -> Any:
    words: dict[str, Any] = {
        "to_address": f"name{number}@example.com",
        "subject": f"Order {number} is late",
        "text": f"Hello {number},\nyour order {number} is late.\n",
        "html": f"<p>Hello <b>{number}</b>, <a href='/o/{number}'>your order</a> is late &amp; we know.</p>",
        "headers": {"List-Unsubscribe": f"<https://shop.example.com/u/{number}>"},
    }
    return a_mail(**{**words, **changes})


def test_each_gets_its_own_words_headers_and_ids_in_one_request(fake: fakes.Handle, provider: SendGrid) -> None:
    mails = [personal(number) for number in range(100)]
    [group] = provider.together(mails)
    assert provider.deliver_many(group).provider_msg_id
    assert fake.state()["requests"] == 1
    by_id = {line["custom_args"]["preempt_message_id"]: line for line in fake.log()}
    assert len(by_id) == len(fake.log()) == 100
    for mail in mails:
        line = by_id[mail.message_id]
        assert line["content"] == {"text/plain": mail.text, "text/html": mail.html}
        assert (line["to"], line["subject"]) == ([mail.to_address], mail.subject)
        assert line["headers"] == mail.headers


def test_mails_of_different_shape_category_or_size_go_in_requests_of_their_own(provider: SendGrid) -> None:
    alike = [personal(1), personal(2)]
    other_text = personal(3, html="<p>Hello</p>")
    other_category = personal(4, categories=("another",))
    with_mark = personal(5, text="-preempt-1-")
    large = [personal(number, text=str(number) * 9_500) for number in (6, 7)]
    groups = provider.together([*alike, other_text, other_category, with_mark, *large])
    assert sorted(len(group) for group in groups) == [1, 1, 1, 1, 1, 2]
    assert alike in groups


def test_more_than_a_request_takes_are_several(provider: SendGrid) -> None:
    groups = provider.together([personal(number) for number in range(sendgrid_batch.MOST + 1)])
    assert [len(group) for group in groups] == [1000, 1]


def test_a_request_stays_under_what_sendgrid_takes_whatever_the_script(provider: SendGrid) -> None:
    long = "ضاع الطرد " * 450  # 8,000 bytes, 25 kB as JSON
    groups = provider.together([personal(number, text=f"{number} {long}\n") for number in range(1000)])
    assert sum(len(group) for group in groups) == 1000
    assert len(groups) == 2
    assert all(len(json.dumps(sendgrid_batch.payload(group))) < 30_000_000 for group in groups)


@pytest.mark.django_db
def test_a_campaign_asks_for_no_more_than_the_provider_takes_at_once(
    provider: SendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(sending, "claim", lambda lane, *, limit, **_: asked.append(limit) or [])
    monkeypatch.setattr(dispatch, "TOGETHER", 5000)
    dispatch.drain(["campaign"])
    assert asked == [dispatch.BATCH, provider.capabilities.most_together]


def test_one_refused_recipient_refuses_the_request_and_no_address_is_told(
    fake: fakes.Handle, provider: SendGrid
) -> None:
    fake.order(refuse_addresses=["name2@example.com"])
    with pytest.raises(DeliveryError) as caught:
        provider.deliver_many([personal(1), personal(2), personal(3)])
    assert caught.value.fate is Fate.REJECTED
    assert "@example.com" not in str(caught.value)
    assert fake.log() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_a_campaign_goes_out_together_and_other_lanes_one_by_one(fake: fakes.Handle) -> None:
    messages = ready(6)
    Message.objects.filter(pk__in=[one.pk for one in messages[:4]]).update(lane="campaign")
    assert drain() == {"accepted": 6}
    assert fake.state()["requests"] == 3
    assert sorted(taken(fake.log())) == sorted(str(one.pk) for one in messages)
    for line in fake.log():
        number = line["to"][0].removeprefix("name").removesuffix("@example.com")
        assert f"FH-{number}" in line["content"]["text/plain"], "each has the own order's words"
        assert "-preempt-" not in line["content"]["text/html"]


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_too_large_is_halved_and_a_lost_answer_leaves_all_unknown(fake: fakes.Handle) -> None:
    ready(4)
    Message.objects.update(lane="campaign")
    fake.order(answers=[{"times": 1, "status": 413}, {"times": 1, "accept": True, "status": 500}])
    assert drain() == {"accepted": 2, "lost": 2}
    assert len(fake.log()) == 4
    assert sorted(SendAttempt.objects.values_list("outcome", flat=True)) == ["accepted"] * 2 + ["unknown"] * 2


@pytest.mark.django_db
def test_a_campaign_is_two_requests_at_once_and_never_more_in_one_than_agreed(
    fake: fakes.Handle, provider: SendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "TOGETHER", 3)
    ready(13)
    Message.objects.update(lane="campaign")
    sizes: list[int] = []
    whole = SendGrid.deliver_many
    monkeypatch.setattr(SendGrid, "deliver_many", lambda self, mails: sizes.append(len(mails)) or whole(self, mails))
    assert drain() == {"accepted": 13}
    assert sorted(sizes, reverse=True) == [3, 3, 3, 3, 1]
    assert len({tuple(line["to"]) for line in fake.log()}) == len(fake.log()) == 13
