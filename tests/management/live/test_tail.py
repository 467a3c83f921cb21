"""A tail sends what a tap has, and what it lost."""

import asyncio

from amqp_server.broker.admin import Tailing
from amqp_server.broker.messages.written import written_message
from amqp_server.broker.tapping.tap import Passed, Tap
from management.live.listeners import Listener
from management.live.tail import TailFollower, passed_body
from management.slices import Slices


def test_a_message_in_json() -> None:
    record = written_message("x", "k", {"headers": {"n": 1}, "type": "t"}, b"hello")
    passed = Passed(5, "x", "k", record.header, b"he", 5)
    assert passed_body(passed, 1_000, as_base64=False) == {
        "timestamp": 1_005,
        "exchange": "x",
        "routing_key": "k",
        "properties": {"headers": {"n": 1}, "type": "t"},
        "header_types": {"n": "long"},
        "payload_bytes": 5,
        "payload": "he",
        "payload_encoding": "string",
    }


def test_copies_and_losses_are_sent_until_the_end() -> None:
    async def follow() -> bytes:
        woken, told = asyncio.Event(), list[str]()
        tap = Tap(10, 10, woken.set)
        tailing = Tailing(
            tap, lambda: True, lambda: told.append("begun"), lambda: told.append("ended")
        )
        follower = TailFollower(
            tailing, woken, Slices(lambda: 0), lambda passed: {"is": passed.routing_key}
        )
        listener = Listener(lambda: True)
        follower.begin(listener)
        tap.pass_by([written_message("x", key, {}, b"") for key in "ab"], 1_000)
        tap.end()
        sent = b"".join([octets async for octets in listener.sent()])
        follower.end(listener)
        assert told == ["begun", "ended"]
        return sent

    assert asyncio.run(follow()) == (
        b'event: lag\ndata: {"lost":1}\n\nevent: msg\ndata: {"is":"a"}\n\n'
    )
