"""basic.consume of a stream: refusals, and where readers begin; get and purge (§2.7)."""

import time
from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.fields import Typed
from conformance.peer import Peer

STREAM = {"x-queue-type": "stream"}
TEXT_OF_310 = "3.10 has other texts, and looks at the prefetch first"
CRASHES = Differs("3.10 reads a time into the text, and crashes", "541")
NO_PREFETCH_OF_310 = Close(
    406, "consumer prefetch count is not set for 'queue '{queue}' in vhost '/''", "channel"
)
OWN = "over AMQP RabbitMQ's streams do not have it"


def _stream(peer: Peer, channel: Channel, count: int = 0, **arguments: Any) -> str:  # noqa: ANN401
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    queue = peer.queue(channel, durable=True, arguments=STREAM | given)
    channel.call(commands.Confirm.Select)
    for number in range(count):
        channel.publish_confirmed(b"%d" % number, routing_key=queue)
    return queue


def _refused(code: int, text: str, scope: str, of_310: Close) -> dict[str, Any]:
    """Return the answers of 3.13 and of 3.10."""
    return {"expect": Close(code, text, scope), "rabbitmq_310": Differs(TEXT_OF_310, of_310)}


@check(
    "stream.consume.no-prefetch",
    ref="2.3-stream-refusals",
    **_refused(
        406,
        "consumer prefetch count is not set for stream queue '{queue}' in vhost '/'",
        "channel",
        NO_PREFETCH_OF_310,
    ),
)
def a_reader_needs_a_prefetch(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    peer.expect_close(channel, commands.Basic.Consume, fill={"queue": queue}, queue=queue)


@check(
    "stream.consume.no-ack",
    ref="2.3-stream-refusals",
    **_refused(
        540,
        "automatic acknowledgement not supported by stream queue '{queue}' in vhost '/'",
        "connection",
        Close(
            540,
            "automatic acknowledgement not supported by stream queues queue '{queue}' in vhost '/'",
            "connection",
        ),
    ),
)
def a_reader_must_ack(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    peer.expect_close(
        channel, commands.Basic.Consume, fill={"queue": queue}, queue=queue, no_ack=True
    )


@check(
    "stream.consume.global-qos",
    ref="2.3-stream-refusals",
    **_refused(
        540,
        "queue '{queue}' in vhost '/' does not support global qos",
        "connection",
        NO_PREFETCH_OF_310,
    ),
)
def a_reader_needs_a_prefetch_of_its_own(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=1, global_=True)
    peer.expect_close(channel, commands.Basic.Consume, fill={"queue": queue}, queue=queue)


@check(
    "stream.get",
    ref="2.3-stream-refusals",
    expect=Close(
        540, "basic.get not supported by stream queues queue '{queue}' in vhost '/'", "connection"
    ),
)
def a_stream_has_no_get(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 1)
    peer.expect_close(channel, commands.Basic.Get, fill={"queue": queue}, queue=queue)


@check(
    "stream.purge",
    ref="2.3-stream-refusals",
    expect=Close(
        540, "queue.purge not supported by stream queues queue '{queue}' in vhost '/'", "connection"
    ),
)
def a_stream_is_not_purged(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 1)
    peer.expect_close(channel, commands.Queue.Purge, fill={"queue": queue}, queue=queue)


def _bad_offset(value: object, term: str, rabbitmq_310: Differs | None = None) -> Case[object]:
    text = (
        "invalid arg 'x-stream-offset' for queue '{queue}' in vhost '/': "
        f"{{invalid_stream_offset_arg,{term}}}"
    )
    return Case(value, Close(406, text, "channel"), rabbitmq_310=rabbitmq_310)


BAD_OFFSETS: dict[str, Case[object]] = {
    "word": _bad_offset("foo", '{longstr,<<"foo">>}', CRASHES),
    "wrong-case": _bad_offset("First", '{longstr,<<"First">>}', CRASHES),
    "number-in-a-text": _bad_offset("5", '{longstr,<<"5">>}'),
    "bool": _bad_offset(True, "{bool,true}", CRASHES),
    "interval-0": _bad_offset("0s", '{longstr,<<"0s">>}'),
}


@cases("stream.consume.offset-", BAD_OFFSETS, ref="2.3-stream-refusals")
def an_offset_that_says_nothing(peer: Peer, value: object) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    given = {"queue": queue, "arguments": {"x-stream-offset": value}}
    if peer.expected == "541":
        channel.send(commands.Basic.Consume, **given)
        assert channel.connection.await_close().code == 541
    else:
        peer.expect_close(channel, commands.Basic.Consume, fill={"queue": queue}, **given)


@check(
    "stream.consume.priority",
    ref="2.3-stream-refusals",
    expect=Close(
        406,
        "invalid arg 'x-priority' for queue '{queue}' in vhost '/' of queue type"
        " rabbit_stream_queue",
        "channel",
    ),
)
def readers_have_no_priorities(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    peer.expect_close(
        channel,
        commands.Basic.Consume,
        fill={"queue": queue},
        queue=queue,
        arguments={"x-priority": 1},
    )


@check("stream.consume.exclusive", ref="2.7-consume")
def exclusive_consume_has_no_effect(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 2)
    for _ in range(2):
        reader = peer.channel()
        reader.call(commands.Basic.Qos, prefetch_count=10)
        reader.consume(queue, exclusive=True, arguments={"x-stream-offset": "first"})
        assert reader.bodies(2) == [b"0", b"1"]


def _offsets(channel: Channel, count: int) -> list[int]:
    return [event.headers["x-stream-offset"].value for event in channel.deliveries(count)]


BEGINNINGS: dict[str, Case[Any]] = {
    "first": Case("first", [0, 1, 2]),
    "last": Case("last", [2]),
    "next": Case("next", []),
    "absent": Case(None, []),
    "0": Case(0, [0, 1, 2]),
    "middle": Case(1, [1, 2]),
    "middle-l": Case(Typed("l", 1), [1, 2]),
    "middle-b": Case(Typed("b", 1), [1, 2]),
    "end": Case(3, []),
    "interval": Case("1h", [0, 1, 2]),
    "interval-of-a-year": Case("1Y", [0, 1, 2]),
    "timestamp-of-1970": Case(Typed("T", 1), [0, 1, 2]),
    "timestamp-of-the-future": Case(Typed("T", 4_000_000_000), []),
    "negative": Case(
        -2,
        [1, 2],
        on_purpose=Differs("counts from the end; RabbitMQ begins at the first", [0, 1, 2]),
    ),
}


@cases("stream.consume.from-", BEGINNINGS, ref="2.7-consume")
def where_a_reader_begins(peer: Peer, given: object) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 3)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=10)
    reader.consume(queue, arguments={} if given is None else {"x-stream-offset": given})
    channel.publish_confirmed(b"after", routing_key=queue)
    wanted = [*peer.expected, 3]
    assert _offsets(reader, len(wanted)) == wanted


@check("stream.consume.from-above-the-end", ref="2.7-consume")
def a_reader_waits_for_the_offset_that_it_asks_for(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 2)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=10)
    reader.consume(queue, arguments={"x-stream-offset": 4})
    for _ in range(4):
        channel.publish_confirmed(b"after", routing_key=queue)
    assert _offsets(reader, 2) == [4, 5]


@check("stream.consume.last-of-an-empty-stream", ref="2.7-consume")
def the_last_of_an_empty_stream_is_the_next(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Basic.Qos, prefetch_count=10)
    channel.consume(queue, arguments={"x-stream-offset": "last"})
    channel.publish(b"m", routing_key=queue)
    assert _offsets(channel, 1) == [0]


@check(
    "stream.consume.filter",
    ref="2.7-filter",
    expect=[b"red", b"blue"],
    on_purpose=Differs(
        "each message is looked at; RabbitMQ looks at chunks, so that others come too",
        [b"red", b"blue"],
    ),
)
def a_reader_gets_what_it_filters_for(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _stream(peer, channel)
    for value in ("red", "green", "", "blue"):
        headers = {"x-stream-filter-value": value} if value else {}
        channel.publish(value.encode(), routing_key=queue, headers=headers)
    channel.sync()
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=10)
    arguments = {"x-stream-offset": "first", "x-stream-filter": ["red", "blue"]}
    reader.consume(queue, arguments=arguments)
    if peer.is_haremq:
        assert reader.bodies(2) == peer.expected
    else:
        found = [reader.deliveries(1)[0].body]
        while found[-1] != b"blue":
            found += reader.bodies(1)
        assert [body for body in found if body in peer.expected] == peer.expected


@check(
    "stream.consume.filter-and-unfiltered",
    ref="2.7-filter",
    expect=[b"red", b""],
    rabbitmq_310=Differs("filters came with 3.13", [b"red", b"green", b""]),
)
def a_reader_may_want_what_has_no_filter_value_too(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _stream(peer, channel)
    for value in ("red", "green", ""):
        headers = {"x-stream-filter-value": value} if value else {}
        channel.publish_confirmed(value.encode(), routing_key=queue, headers=headers)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=10)
    arguments = {
        "x-stream-offset": "first",
        "x-stream-filter": "red",
        "x-stream-match-unfiltered": True,
    }
    reader.consume(queue, arguments=arguments)
    assert reader.bodies(len(peer.expected)) == peer.expected


@check(
    "stream.consume.tracking",
    ref="2.7-tracking",
    expect=[b"2", b"3"],
    on_purpose=Differs(OWN, [b"0", b"1"]),
)
def a_named_reader_goes_on_where_it_was(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 4)
    arguments = {"x-stream-offset": "first", "x-stream-automatic-offset-tracking": True}
    for wanted in ([b"0", b"1"], peer.expected):
        reader = peer.channel()
        reader.call(commands.Basic.Qos, prefetch_count=2)
        reader.consume(queue, "meter", arguments=arguments)
        events = reader.deliveries(2)
        assert [event.body for event in events] == wanted
        reader.ack(events[-1].tag, multiple=True)
        reader.call(commands.Basic.Cancel, consumer_tag="meter")


@check(
    "stream.consume.group",
    ref="2.7-tracking",
    expect="one reads",
    on_purpose=Differs(OWN, "all read"),
)
def one_of_a_group_reads_and_the_next_goes_on(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel, 2)
    arguments = {"x-stream-offset": "first", "x-stream-group": "meters"}
    readers = [peer.channel(), peer.channel()]
    for reader in readers:
        reader.call(commands.Basic.Qos, prefetch_count=1)
        reader.consume(queue, arguments=arguments)
    (event,) = readers[0].deliveries(1)
    if peer.expected == "all read":
        assert readers[1].bodies(1) == [b"0"]
        return
    readers[0].ack(event.tag)
    assert readers[0].bodies(1) == [b"1"]
    time.sleep(0.05)
    readers[1].sync()
    assert not readers[1].arrived()
    readers[0].connection.close()
    assert readers[1].bodies(1) == [b"1"]
