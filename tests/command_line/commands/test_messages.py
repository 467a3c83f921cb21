"""``haremq publish`` and ``haremq get``."""

from command_line.commands.messages import decoded
from tests.support.typed_commands import Typed


def test_a_message_goes_in_and_out(typed: Typed) -> None:
    typed("queues", "declare", "q")
    words = ("--header", "a=1", "--properties", '{"priority": 3}')
    assert typed("publish", "q", "hello", *words).status == 0
    [row] = typed("get", "q", "-o", "json").json
    assert (row["payload"], row["properties"]["delivery_mode"]) == ("hello", 2)
    assert row["properties"]["headers"] == {"a": 1}
    assert typed("get", "q", "--ack").status == 64
    assert typed("get", "q", "--ack", "--yes").status == 0
    assert typed("get", "q", "-o", "json").json == []


def test_a_message_that_reaches_no_queue_is_an_error(typed: Typed) -> None:
    assert typed("publish", "nowhere", "hello").status == 65
    assert typed("publish", "k", "hello", "-e", "none").status == 65


def test_a_payload_comes_from_a_file(typed: Typed) -> None:
    typed("queues", "declare", "q")
    assert typed("publish", "q").status == 64
    assert typed("publish", "q", "x", "--file", "f", files={"f": "y"}).status == 64
    assert typed("publish", "q", "--file", "-", files={"-": "of a file"}).status == 0
    assert typed("publish", "q", "AP8=", "--base64", "--transient").status == 0
    first, second = typed("get", "q", "-n", "2", "-o", "json").json
    assert (first["payload"], second["payload_encoding"]) == ("of a file", "base64")


def test_base64_of_text_is_shown_as_text() -> None:
    row = {"payload": "aGk=", "payload_encoding": "base64"}
    assert decoded(row) == {"payload": "hi", "payload_encoding": "string"}
    odd: tuple[object, ...] = ("/w==", "no base64", 5)
    for payload in odd:
        other = {"payload": payload, "payload_encoding": "base64"}
        assert decoded(other) == other
