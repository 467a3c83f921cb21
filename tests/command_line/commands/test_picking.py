"""``haremq queues delete-message`` and ``move-message``."""

import pytest

from tests.support.typed_commands import Typed


@pytest.fixture
def marks(typed: Typed) -> list[str]:
    """Return the messages 0, 1 and 2 of the queue a, as they are named."""
    for name in ("a", "b"):
        typed("queues", "declare", name)
    for number in range(3):
        typed("publish", "a", str(number))
    return [f"{one['place']}@{one['fingerprint']}" for one in seen(typed, "a")]


def seen(typed: Typed, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = typed("queues", "peek", name, "-o", "json").json
    return found


def test_a_message_is_deleted_and_what_is_gone_is_said(typed: Typed, marks: list[str]) -> None:
    said = typed("queues", "delete-message", "a", marks[1], "-y", "-o", "json")
    assert (said.status, said.json) == (0, [{"place": "0.1", "result": "deleted"}])
    assert [one["payload"] for one in seen(typed, "a")] == ["0", "2"]
    said = typed("queues", "delete-message", "a", marks[0], marks[1], "-y")
    assert (said.status, "1 of 2 messages stay" in said.err) == (65, True)
    assert typed("queues", "delete-message", "a", marks[1], "-y").status == 65


def test_a_message_is_moved(typed: Typed, marks: list[str]) -> None:
    assert typed("queues", "move-message", "a", "b", marks[2], "-y").status == 0
    assert [one["payload"] for one in seen(typed, "b")] == ["2"]
    assert [one["payload"] for one in seen(typed, "a")] == ["0", "1"]


def test_it_is_asked_first(typed: Typed, marks: list[str]) -> None:
    said = typed("queues", "delete-message", "a", marks[0])
    assert said.status != 0
    assert "delete 1 messages of the queue a: they are lost" in said.err
    assert len(seen(typed, "a")) == 3


def test_a_message_that_is_not_named_is_a_wrong_use(typed: Typed) -> None:
    assert typed("queues", "delete-message", "a", "0.1", "-y").status == 64
    assert typed("queues", "delete-message", "a", "-y").status == 64


def test_payloads_are_chosen_by_a_jsonpath(typed: Typed, marks: list[str]) -> None:
    assert marks
    found = typed("queues", "peek", "a", "--jsonpath", "$ >= 1", "-o", "json").json
    assert [one["payload"] for one in found] == ["1", "2"]
    assert typed("queues", "move", "a", "b", "--jsonpath", "$ == 1", "-y").status == 0
    assert [one["payload"] for one in seen(typed, "b")] == ["1"]
