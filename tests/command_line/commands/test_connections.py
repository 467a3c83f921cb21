"""``haremq connections``, ``channels`` and ``consumers``."""

from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Typed


def test_lists_of_a_node_without_clients(typed: Typed) -> None:
    for noun in ("connections", "channels", "consumers"):
        assert typed(noun, "list", "-o", "json").json == []
        assert typed(noun, "list", "-p", "/", "-o", "json").json == []
        assert typed(noun, "list").out.count("\n") == 1


def test_one_that_is_not_there(typed: Typed) -> None:
    assert typed("connections", "show", "1.2.3.4:5 -> 1.2.3.4:6").status == 65
    assert typed("channels", "show", "1.2.3.4:5 -> 1.2.3.4:6 (1)").status == 65


def test_one_is_closed_or_all_of_a_user(typed: Typed) -> None:
    assert typed("connections", "close").status == 64
    assert typed("connections", "close", "c", "--of", "guest").status == 64
    assert typed("connections", "close", "--of", "guest").status == 64
    assert typed("connections", "close", "--of", "guest", "-y").status == 0


def test_a_reason_that_cannot_be_a_header_is_refused() -> None:
    typed = Typed(way=Scripted(Answer(200, {}, b'{"user": "eve"}')))
    said = typed("connections", "close", "c", "-y", "--reason", "a\r\nx: y")
    assert said.status == 64


def test_a_consumer_is_canceled(typed: Typed) -> None:
    client = typed.api.node.open()
    client.declare()
    client.consume()
    client.receive()
    (row,) = typed("consumers", "list", "-o", "json").json
    channel = row["channel_details"]["name"]
    assert typed("consumers", "cancel", channel, "me").status == 64
    assert typed("consumer", "cancel", channel, "me", "-y").status == 0
    assert typed("consumers", "list", "-o", "json").json == []
    assert typed("consumers", "cancel", channel, "me", "-y").status == 65
    assert typed("consumers", "cancel", "none (1)", "me", "-y").status == 65
