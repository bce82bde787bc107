"""The fake is only worth what it refuses: every limit of the real API, each by a request just beyond it."""

from __future__ import annotations

import copy
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core import clock
from notifications.providers import sendgrid as adapter
from tests.fakes import sendgrid

# One client for all: making one loads the system's certificates, which takes longer than a test.
CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)
AUTH = {"Authorization": "Bearer SG.test"}
GOOD: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ana@example.com", "name": "Ana"}], "custom_args": {"mine": "1"}}],
    "from": {"email": "help@shop.example.com"},
    "subject": "Your order",
    "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[sendgrid.Handle]:
    with sendgrid.running(log=tmp_path / "log.jsonl", api_key="SG.test", largest=200_000) as handle:
        yield handle


def send(fake: sendgrid.Handle, payload: Any, **more: Any) -> httpx.Response:
    return CLIENT.post(f"{fake.url}/v3/mail/send", json=payload, **{"headers": AUTH, **more})


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    payload = copy.deepcopy(GOOD)
    change(payload)
    return payload


def people(count: int) -> list[dict[str, Any]]:
    return [{"to": [{"email": f"p{n}@example.com"}]} for n in range(count)]


def test_a_good_request_is_taken_and_stands_in_the_log(fake: sendgrid.Handle) -> None:
    answer = send(fake, GOOD)
    assert (answer.status_code, answer.content) == (202, b"")
    (line,) = fake.log()
    assert line["x_message_id"] == answer.headers["X-Message-Id"]
    assert (line["to"], line["subject"]) == (["ana@example.com"], "Your order")
    assert line["custom_args"] == {"mine": "1"}
    assert line["at"]


def test_each_personalization_gets_its_own_line(fake: sendgrid.Handle) -> None:
    answer = send(fake, changed(lambda p: p.update(personalizations=people(1000))))
    assert answer.status_code == 202
    assert [line["to"] for line in fake.log()] == [[f"p{n}@example.com"] for n in range(1000)]


def to(n: int) -> dict[str, str]:
    return {"email": f"p{n}@example.com"}


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "1,001 personalizations": (lambda p: p.update(personalizations=people(1001)), "personalizations"),
    "1,001 recipients": (
        lambda p: p.update(personalizations=[{"to": [to(n) for n in range(1001)]}]),
        "personalizations",
    ),
    "an address twice": (
        lambda p: p["personalizations"][0].update(cc=[{"email": "ANA@example.com"}]),
        "personalizations.0.cc.0.email",
    ),
    "no personalization": (lambda p: p.update(personalizations=[]), "personalizations"),
    "no recipient": (lambda p: p["personalizations"][0].update(to=[]), "personalizations.0.to"),
    "no address": (
        lambda p: p["personalizations"][0].update(to=[{"name": "Ana"}]),
        "personalizations.0.to.0.email",
    ),
    "a broken address": (
        lambda p: p["personalizations"][0].update(to=[{"email": "ana at example"}]),
        "personalizations.0.to.0.email",
    ),
    "no sender": (lambda p: p.pop("from"), "from.email"),
    "no subject": (lambda p: p.pop("subject"), "subject"),
    "an empty subject": (lambda p: p.update(subject=""), "subject"),
    "no content": (lambda p: p.pop("content"), "content"),
    "an empty part": (lambda p: p["content"][0].update(value=""), "content.0.value"),
    "html before text": (lambda p: p["content"].reverse(), "content"),
    "11 categories": (lambda p: p.update(categories=[str(n) for n in range(11)]), "categories"),
    "custom args of 10,000 bytes": (
        lambda p: p.update(custom_args={"k": "x" * (10_000 - len('{"k": ""}'))}),
        "custom_args",
    ),
    "custom args as a list": (lambda p: p.update(custom_args=["k"]), "custom_args"),
    "a number as custom arg": (lambda p: p.update(custom_args={"attempt": 1}), "custom_args"),
    "a reserved header": (lambda p: p.update(headers={"Reply-To": "x@example.com"}), "headers.Reply-To"),
    "a reserved header of one person": (
        lambda p: p["personalizations"][0].update(headers={"X-SG-ID": "x"}),
        "personalizations.0.headers.X-SG-ID",
    ),
    "a header of two lines": (lambda p: p.update(headers={"X-A": "a\nBcc: x@example.com"}), "headers.X-A"),
    "sending in 73 hours": (
        lambda p: p.update(send_at=int((clock.now() + timedelta(hours=73)).timestamp())),
        "send_at",
    ),
    "an unknown property": (lambda p: p.update(to="ana@example.com"), "(root)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_api_limits_are_enforced(fake: sendgrid.Handle, case: str) -> None:
    change, field = REFUSED[case]
    answer = send(fake, changed(change))
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {field}
    assert fake.log() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(categories=[str(n) for n in range(10)]),
        lambda p: p.update(custom_args={"k": "x" * (9_999 - len('{"k": ""}'))}),
        lambda p: p.update(send_at=int((clock.now() + timedelta(hours=71)).timestamp())),
        lambda p: (p.pop("subject"), p["personalizations"][0].update(subject="Mine")),
    ],
    ids=["10 categories", "9,999 bytes of custom args", "sending in 71 hours", "a personal subject"],
)
def test_what_is_just_within_the_limits_is_taken(fake: sendgrid.Handle, change: Callable[[Any], None]) -> None:
    assert send(fake, changed(change)).status_code == 202


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer SG.other"}, {"Authorization": "Basic SG.test"}])
def test_without_the_right_key_nobody_gets_in(fake: sendgrid.Handle, headers: dict[str, str]) -> None:
    assert send(fake, GOOD, headers=headers).status_code == 401
    assert fake.log() == []


def test_a_request_that_is_too_large_gets_413(fake: sendgrid.Handle) -> None:
    assert send(fake, changed(lambda p: p["content"][0].update(value="x" * 200_000))).status_code == 413
    assert fake.log() == []


def test_what_is_not_json_is_refused(fake: sendgrid.Handle) -> None:
    url = f"{fake.url}/v3/mail/send"
    as_json = {**AUTH, "Content-Type": "application/json"}
    assert CLIENT.post(url, content=b"{", headers=as_json).status_code == 400
    assert CLIENT.post(url, data={"a": "b"}, headers=AUTH).status_code == 415
    assert CLIENT.get(url, headers=AUTH).status_code == 405
    assert send(fake, ["a list"]).status_code == 400
    assert fake.log() == []


def test_in_sandbox_mode_it_says_200_and_takes_nothing(fake: sendgrid.Handle) -> None:
    answer = send(fake, changed(lambda p: p.update(mail_settings={"sandbox_mode": {"enable": True}})))
    assert answer.status_code == 200
    assert fake.log() == []


def test_ordered_answers_are_used_up_one_by_one(fake: sendgrid.Handle) -> None:
    fake.order(answers=[{"times": 2, "status": 500}, {"status": 503}])
    assert [send(fake, GOOD).status_code for _ in range(4)] == [500, 500, 503, 202]
    assert len(fake.log()) == 1


def test_an_order_that_is_not_understood_is_refused(fake: sendgrid.Handle) -> None:
    for order in ({"anwsers": []}, {"answers": [{"then": "explode"}]}, {"events": {"later": 1}}):
        assert CLIENT.post(f"{fake.url}/_control", json=order).status_code == 400


# --- its reports -----------------------------------------------------------


class Shop:
    """A webhook's receiving end: keeps what came and can refuse."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, str, bytes]] = []
        self.refuse_next = 0
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refuse = shop.refuse_next > 0
                if refuse:
                    shop.refuse_next -= 1
                else:
                    signature = self.headers["X-Twilio-Email-Event-Webhook-Signature"]
                    shop.batches.append((signature, self.headers["X-Twilio-Email-Event-Webhook-Timestamp"], body))
                self.send_response(500 if refuse else 204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, body in self.batches for event in json.loads(body)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def shop() -> Iterator[Shop]:
    receiver = Shop()
    yield receiver
    receiver.close()


@pytest.fixture
def reporting(tmp_path: Path, shop: Shop) -> Iterator[sendgrid.Handle]:
    with sendgrid.running(log=tmp_path / "log.jsonl", events_to=shop.url) as handle:
        yield handle


def all_sent(state: dict[str, Any]) -> bool:
    return state["events"]["made"] > 0 and state["events"]["pending"] == 0


def test_it_reports_processed_and_delivered_with_a_signature_that_holds(reporting: sendgrid.Handle, shop: Shop) -> None:
    sent = send(reporting, GOOD)
    reporting.wait_until(all_sent)
    assert [event["event"] for event in shop.events] == ["processed", "delivered"]
    assert {event["mine"] for event in shop.events} == {"1"}
    assert {event["sg_message_id"].split(".")[0] for event in shop.events} == {sent.headers["X-Message-Id"]}
    assert len({event["sg_event_id"] for event in shop.events}) == 2
    for signature, timestamp, body in shop.batches:
        assert adapter.verify(reporting.public_key, signature, timestamp, body)
        assert not adapter.verify(reporting.public_key, signature, timestamp, body + b" ")


def test_a_report_that_the_shop_refuses_comes_again(reporting: sendgrid.Handle, shop: Shop) -> None:
    shop.refuse_next = 2
    send(reporting, GOOD)
    state = reporting.wait_until(all_sent)
    assert state["events"]["failed_posts"] == 2
    assert [event["event"] for event in shop.events] == ["processed", "delivered"]


def test_events_are_doubled_lost_and_turned_round_to_order(reporting: sendgrid.Handle, shop: Shop) -> None:
    reporting.order(events={"double_every": 2})
    send(reporting, GOOD)
    reporting.wait_until(all_sent)
    assert [event["event"] for event in shop.events] == ["processed", "delivered", "delivered"]
    assert len({event["sg_event_id"] for event in shop.events}) == 2

    shop.batches.clear()
    reporting.order(events={"lose_every": 2})
    send(reporting, GOOD)
    reporting.wait_until(all_sent)
    assert [event["event"] for event in shop.events] == ["processed"]

    shop.batches.clear()
    reporting.order(events={"hold": True, "is_reversed": True})
    send(reporting, GOOD)
    reporting.wait_until(lambda state: state["events"]["pending"] == 2)
    assert shop.events == []
    reporting.order(events={"is_reversed": True})
    reporting.wait_until(all_sent)
    assert [event["event"] for event in shop.events] == ["delivered", "processed"]


def test_late_events_come_late_but_come(reporting: sendgrid.Handle, shop: Shop) -> None:
    reporting.order(events={"delay_ms": 300})
    send(reporting, GOOD)
    assert reporting.state()["events"]["pending"] == 2
    reporting.wait_until(all_sent)
    assert len(shop.events) == 2


def test_an_address_can_be_made_to_bounce(reporting: sendgrid.Handle, shop: Shop) -> None:
    reporting.order(outcomes={"ana@example.com": ["processed", "bounce"]})
    send(reporting, GOOD)
    reporting.wait_until(all_sent)
    assert [event["event"] for event in shop.events] == ["processed", "bounce"]


def test_as_a_process_it_prints_its_port_and_keeps_its_log_through_kill_9(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    key = tmp_path / "key.pem"
    command = [sys.executable, "-m", "tests.fakes.sendgrid", "--log", str(log), "--key-file", str(key)]
    public_keys = set()
    for run in (1, 2):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            handle = sendgrid.Handle(url=f"http://127.0.0.1:{int(process.stdout.readline())}", log=log)
            public_keys.add(process.stdout.readline().strip())
            assert send(handle, GOOD).status_code == 202
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        assert len(handle.log()) == run
    assert len(public_keys) == 1
