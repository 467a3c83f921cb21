"""``rabbitmq-queues peek``. The answers are those of RabbitMQ 3.10.8."""

import base64
import json

import pytest

from tests.support.typed_commands import Tool, Typed

PEEKED = """\
<(lqqqqqqqqqqqqqqqqqqqqqqqqqwqqqqqqqqk>
<(x> \x1b[1mkeys\x1b[0m                    <(x> \x1b[1mvalues\x1b[0m <(x>
<(tqqqqqqqqqqqqqqqqqqqqqqqqqnqqqqqqqqu>
<(x> delivery_mode           <(x> 2      <(x>
<(tqqqqqqqqqqqqqqqqqqqqqqqqqnqqqqqqqqu>
<(x> routing_keys            <(x> qq     <(x>
<(tqqqqqqqqqqqqqqqqqqqqqqqqqnqqqqqqqqu>
<(x> exchange                <(x>        <(x>
<(tqqqqqqqqqqqqqqqqqqqqqqqqqnqqqqqqqqu>
<(x> payload (max 64 bytes)  <(x> one    <(x>
<(tqqqqqqqqqqqqqqqqqqqqqqqqqnqqqqqqqqu>
<(x> header.x-delivery-count <(x> 0      <(x>
<(mqqqqqqqqqqqqqqqqqqqqqqqqqvqqqqqqqqj>
"""


@pytest.fixture(autouse=True)
def queues(typed: Typed) -> None:
    for kind in ("quorum", "classic", "stream"):
        typed("queues", "declare", f"{kind[0]}q", "--type", kind)
    typed("publish", "qq", "one")


def test_a_message_is_shown_where_it_is(tool: Tool, typed: Typed) -> None:
    shown = PEEKED.replace("<(", "\x1b(0").replace(">\n", "\x1b(B\n").replace("> ", "\x1b(B ")
    said = tool("rabbitmq-queues peek qq 1")
    banner, _, table = said.out.partition("\n")
    assert banner.startswith("Peeking at quorum queue qq at position 1 on node ")
    assert table == shown
    assert tool("rabbitmq-queues peek qq 1 -q").out == shown
    assert typed("queues", "show", "qq", "-o", "json").json["messages_ready"] == 1


def test_json_has_what_the_message_has(tool: Tool, typed: Typed) -> None:
    properties = {"app_id": "a", "priority": 3, "headers": {"n": 1, "CC": ["also"]}}
    typed("publish", "qq", "x" * 100, "--properties", json.dumps(properties), "--transient")
    assert tool("rabbitmq-queues peek qq 2 --formatter json").json == {
        "message": {
            "app_id": "a",
            "priority": 3,
            "delivery_mode": 1,
            "routing_keys": ["qq", "also"],
            "exchange": "",
            "payload (max 64 bytes)": "x" * 64,
            "header.n": 1,
            "header.CC": ["also"],
            "header.x-delivery-count": 0,
        },
        "result": "ok",
    }


def test_octets_are_shown_as_numbers(tool: Tool, typed: Typed) -> None:
    typed("publish", "qq", base64.b64encode(b"\xff\x00\xfe").decode(), "--base64")
    assert "<<255,0,254>>" in tool("rabbitmq-queues peek qq 2").out


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("qq 2", 69, "Target queue does not have a message at that position"),
        (f"qq {'9' * 30}", 69, "Target queue does not have a message at that position"),
        ("nope 1", 69, "Target queue was not found in virtual host '/'"),
        ("cq 1", 69, "Cannot peek into a classic queue"),
        ("sq 1", 69, "Cannot peek into a stream queue"),
        ("qq 0", 64, '"position value must be a positive integer"'),
        ("qq -1", 64, '"position value must be a positive integer"'),
        ("qq abc", 64, '"position value must be a positive integer"'),
        ("qq", 64, "not enough arguments."),
    ],
)
def test_what_cannot_be_peeked_at(tool: Tool, words: str, status: int, text: str) -> None:
    said = tool(f"rabbitmq-queues peek {words}")
    start = "Error:\n" if status == 69 else "Error (argument validation): "
    assert (said.status, said.err.startswith(f"{start}{text}\n")) == (status, True)
