from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contacts import reason_tree
from contacts import reasons as rules
from contacts.models import Coding, Contact, ReasonCode
from tests.contacts.conftest import NOW

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).resolve().parents[2] / "demo" / "reasons.yaml"

TREE = """
- key: order_status
  name: {en: Order status, es: Estado}
  patterns: [delivery time]
  children:
    - key: late
      name: Late
      patterns: [Late, still not here]
- key: other
  name: Something else
"""


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "reasons.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_the_tree_goes_in_and_the_same_file_again_changes_nothing(file):
    first = reason_tree.load_reasons(file(TREE))
    again = reason_tree.load_reasons(file(TREE))
    assert (first.created, first.refused) == (["order_status", "late", "other"], [])
    assert (again.created, again.changed, again.unchanged) == ([], [], ["order_status", "late", "other"])
    late = ReasonCode.objects.get(code="late")
    assert (late.parent.code, late.phrases, rules.topic(late)) == (
        "order_status",
        ["late", "still not here"],
        "order_status",
    )
    assert ReasonCode.objects.get(code="order_status").name == "Order status"


def test_a_changed_file_changes_rows_and_keeps_codings(file):
    reason_tree.load_reasons(file(TREE))
    contact = Contact.objects.create(reference="C-1", source="chat", received_at=NOW)
    late = ReasonCode.objects.get(code="late")
    Coding.objects.create(contact=contact, reason=late, coder="rule", confidence=1, at=NOW)
    moved = "- {key: late, name: Delayed, patterns: [overdue]}\n- {key: other, name: Something else}\n"
    loaded = reason_tree.load_reasons(file(moved))
    assert (loaded.changed, loaded.unchanged, loaded.absent) == (["late"], ["other"], ["order_status"])
    late.refresh_from_db()
    assert (late.parent, late.name, late.phrases) == (None, "Delayed", ["overdue"])
    assert contact.codings.get().reason == late


def test_a_changed_phrase_counts_at_once(file):
    reason_tree.load_reasons(file(TREE))
    assert rules.read("my parcel is overdue").reason is None
    reason_tree.load_reasons(file(TREE.replace("Late, still", "overdue, still")))
    assert rules.read("my parcel is overdue").reason.code == "late"


@pytest.mark.parametrize(
    ("part", "where", "field"),
    [
        ("- just text", "item 3", "item"),
        ("- {name: No key}", "item 3", "key"),
        ("- {key: 'two words', name: Bad}", "item 3", "key"),
        (f"- {{key: {'x' * 51}, name: Long}}", "x" * 51, "key"),
        ("- {key: late, name: Twice}", "late", "key"),
        ("- {key: noname}", "noname", "name"),
        ("- {key: badpat, name: B, patterns: none}", "badpat", "patterns"),
        ("- {key: badpat, name: B, patterns: [12, good]}", "badpat", "patterns"),
        ("- {key: badkids, name: B, children: none}", "badkids", "children"),
        ("- {key: top, name: T, children: [{name: x}]}", "top > item 1", "key"),
    ],
)
def test_a_bad_part_is_named_and_the_rest_goes_in(file, part, where, field):
    loaded = reason_tree.load_reasons(file(TREE + part + "\n"))
    assert [(refusal.where, refusal.field) for refusal in loaded.refused] == [(where, field)]
    assert {"order_status", "late", "other"} <= set(ReasonCode.objects.values_list("code", flat=True))


@pytest.mark.parametrize("content", ["", "key: value", "- [unclosed", b"- key: \xff"])
def test_a_file_that_is_no_tree_says_so_and_changes_nothing(file, content):
    with pytest.raises(reason_tree.BadFile, match=r"reasons\.yaml"):
        reason_tree.load_reasons(file(content))
    assert not ReasonCode.objects.exists()


def test_the_command_ends_with_an_error_where_a_part_was_refused(file, capsys):
    with pytest.raises(CommandError, match="3 new, 0 changed, 0 unchanged; 1 parts of the file refused"):
        call_command("load_reasons", file(TREE + "- {name: No key}\n"))
    assert "reasons.yaml, item 3, key: None is no key" in capsys.readouterr().err


def test_the_demo_tree_loads_whole(capsys):
    call_command("load_reasons", DEMO)
    assert "0 parts of the file refused" in capsys.readouterr().out
    assert rules.read("Where's my order?").reason.code == "where_is_my_order"
    assert {reason.topic for reason in rules.stored()} >= {"order_status", "returns", "refunds"}
