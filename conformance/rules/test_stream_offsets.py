"""x-stream-offset: every form of it, where readers begin, and what is refused (§2.7)."""

import time
from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Decimal, Typed
from conformance.peer import Peer
from conformance.streams import declared, filled, offsets, reading

CRASHES = Differs("3.10 reads a time into the text, and crashes", "541")
OF_ANOTHER_TYPE = Differs("3.10 takes a value of any type for an offset, and crashes", "541")


def _bad_offset(value: object, term: str, rabbitmq_310: Differs | None = None) -> Case[object]:
    text = (
        "invalid arg 'x-stream-offset' for queue '{queue}' in vhost '/': "
        f"{{invalid_stream_offset_arg,{term}}}"
    )
    return Case(value, Close(406, text, "channel"), rabbitmq_310=rabbitmq_310)


def _bad_text(text: str, rabbitmq_310: Differs | None = None) -> Case[object]:
    return _bad_offset(text, f'{{longstr,<<"{text}">>}}', rabbitmq_310)


BAD_OFFSETS: dict[str, Case[object]] = {
    "word": _bad_text("foo", CRASHES),
    "wrong-case": _bad_text("First", CRASHES),
    "last-in-capitals": _bad_text("LAST", CRASHES),
    "empty": _bad_offset("", "{longstr,<<>>}", CRASHES),
    "number-in-a-text": _bad_text("5"),
    "interval-0": _bad_text("0s"),
    "interval-negative": _bad_text("-5m", CRASHES),
    "interval-with-a-plus": _bad_text("+5m", CRASHES),
    "interval-with-a-space": _bad_text("5 m"),
    "interval-behind-a-space": _bad_text(" 5m", CRASHES),
    "interval-of-a-week": _bad_text("1w"),
    "interval-of-days-in-lower-case": _bad_text("1d"),
    "interval-of-hours-in-capitals": _bad_text("1H"),
    "interval-of-a-half": _bad_text("1.5h"),
    "interval-of-two-units": _bad_text("1h1m"),
    "interval-without-a-number": _bad_text("h", CRASHES),
    "interval-of-another-digit": _bad_offset("½h", '{longstr,<<"½h"/utf8>>}', CRASHES),
    "bool": _bad_offset(True, "{bool,true}", OF_ANOTHER_TYPE),
    "double": _bad_offset(1.5, "{double,1.5}", OF_ANOTHER_TYPE),
    "float": _bad_offset(Typed("f", 1.0), "{float,1.0}", OF_ANOTHER_TYPE),
    "decimal": _bad_offset(Typed("D", Decimal(1, 15)), "{decimal,{1,15}}", OF_ANOTHER_TYPE),
    "array": _bad_offset([1], "{array,[{signedint,1}]}", OF_ANOTHER_TYPE),
    "table": _bad_offset({"a": 1}, '{table,[{<<"a">>,signedint,1}]}', OF_ANOTHER_TYPE),
    "void": _bad_offset(Typed("V", None), "{void,undefined}", OF_ANOTHER_TYPE),
    "interval-of-octets": _bad_offset(b"5m", '{binary,<<"5m">>}', OF_ANOTHER_TYPE),
}


@cases("stream.consume.offset-", BAD_OFFSETS, ref="2.3-stream-refusals")
def an_offset_that_says_nothing(peer: Peer, value: object) -> None:
    channel = peer.channel()
    queue = declared(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    given = {"queue": queue, "arguments": {"x-stream-offset": value}}
    if peer.expected == "541":
        channel.send(commands.Basic.Consume, **given)
        assert channel.connection.await_close().code == 541
    else:
        peer.expect_close(channel, commands.Basic.Consume, fill={"queue": queue}, **given)


ALL = [0, 1, 2]
FROM_THE_END = "counts from the end; RabbitMQ begins at the first"

BEGINNINGS: dict[str, Case[Any]] = {
    "first": Case("first", ALL),
    "first-in-octets": Case(b"first", ALL),
    "last": Case("last", [2]),
    "next": Case("next", []),
    "absent": Case(None, []),
    "0": Case(0, ALL),
    "middle": Case(1, [1, 2]),
    "middle-l": Case(Typed("l", 1), [1, 2]),
    "middle-b": Case(Typed("b", 1), [1, 2]),
    "middle-ubyte": Case(Typed("B", 1), [1, 2]),
    "middle-s": Case(Typed("s", 1), [1, 2]),
    "middle-u": Case(Typed("u", 1), [1, 2]),
    "middle-i": Case(Typed("i", 1), [1, 2]),
    "end": Case(3, []),
    "interval": Case("1h", ALL),
    "interval-of-seconds": Case("3600s", ALL),
    "interval-of-minutes": Case("60m", ALL),
    "interval-of-days": Case("1D", ALL),
    "interval-of-a-month": Case("1M", ALL),
    "interval-of-a-year": Case("1Y", ALL),
    "interval-before-1970": Case("100Y", ALL),
    "interval-beyond-all-time": Case("99999999999999999999Y", ALL),
    "timestamp-of-1970": Case(Typed("T", 1), ALL),
    "timestamp-0": Case(Typed("T", 0), ALL),
    "timestamp-of-the-future": Case(Typed("T", 4_000_000_000), []),
    "timestamp-beyond-all-time": Case(Typed("T", 2**64 - 1), []),
    "negative": Case(-2, [1, 2], on_purpose=Differs(FROM_THE_END, ALL)),
    "negative-beyond-the-first": Case(Typed("l", -(2**63)), ALL),
}


@cases("stream.consume.from-", BEGINNINGS, ref="2.7-consume")
def where_a_reader_begins(peer: Peer, given: object) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 3)
    reader = reading(peer, queue, offset=given)
    channel.publish_confirmed(b"after", routing_key=queue)
    wanted = [*peer.expected, 3]
    assert offsets(reader, len(wanted)) == wanted


@check("stream.consume.from-above-the-end", ref="2.7-consume")
def a_reader_waits_for_the_offset_that_it_asks_for(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    reader = reading(peer, queue, offset=4)
    for _ in range(4):
        channel.publish_confirmed(b"after", routing_key=queue)
    assert offsets(reader, 2) == [4, 5]


@check("stream.consume.last-of-an-empty-stream", ref="2.7-consume")
def the_last_of_an_empty_stream_is_the_next(peer: Peer) -> None:
    channel = peer.channel()
    queue = declared(peer, channel)
    reader = reading(peer, queue, offset="last")
    channel.publish(b"m", routing_key=queue)
    assert offsets(reader, 1) == [0]


@check("stream.consume.from-a-later-timestamp", ref="2.7-consume")
def a_time_between_two_messages_begins_with_the_second(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    # A time is in whole seconds, so the second message is of another second.
    begun = int(time.time()) + 1
    while time.time() < begun + 0.01:
        time.sleep(0.05)
    channel.publish_confirmed(b"later", routing_key=queue)
    assert offsets(reading(peer, queue, offset=Typed("T", begun)), 1) == [1]


@check("stream.consume.two-of-a-channel", ref="2.7-consume")
def readers_of_one_channel_have_their_own_places(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    reader = reading(peer, queue, tag="all")
    reader.consume(queue, "end", arguments={"x-stream-offset": 1})
    places: dict[str, list[int]] = {"all": [], "end": []}
    for event in reader.deliveries(3):
        places[str(event.method["consumer_tag"])].append(event.headers["x-stream-offset"].value)
    assert places == {"all": [0, 1], "end": [1]}
