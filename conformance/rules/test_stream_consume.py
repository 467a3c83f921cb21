"""basic.consume of a stream: refusals, filters, groups; get and purge (§2.7)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.peer import Peer
from conformance.streams import declared, filled, nothing_more, reading

TEXT_OF_310 = "3.10 has other texts, and looks at the prefetch first"
NO_PREFETCH_OF_310 = Close(
    406, "consumer prefetch count is not set for 'queue '{queue}' in vhost '/''", "channel"
)
OWN = "over AMQP RabbitMQ's streams do not have it"


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
    queue = declared(peer, channel)
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
    queue = declared(peer, channel)
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
    queue = declared(peer, channel)
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
    queue = filled(peer, channel, 1)
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
    queue = filled(peer, channel, 1)
    peer.expect_close(channel, commands.Queue.Purge, fill={"queue": queue}, queue=queue)


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
    queue = declared(peer, channel)
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
    queue = filled(peer, channel, 2)
    for _ in range(2):
        reader = peer.channel()
        reader.call(commands.Basic.Qos, prefetch_count=10)
        reader.consume(queue, exclusive=True, arguments={"x-stream-offset": "first"})
        assert reader.bodies(2) == [b"0", b"1"]
    assert reading(peer, queue).bodies(1) == [b"0"]


REFUSES_FILTER = "says what is wrong with a filter; RabbitMQ then gives all messages"


def _bad_filter(name: str, value: object, kind: str) -> Case[dict[str, object]]:
    text = f"invalid arg '{name}' for queue '{{queue}}' in vhost '/': {{unacceptable_type,{kind}}}"
    given = {"x-stream-filter": "a"} | {name: value}
    return Case(given, Close(406, text, "channel"), on_purpose=Differs(REFUSES_FILTER, "all"))


BAD_FILTERS: dict[str, Case[dict[str, object]]] = {
    "number": _bad_filter("x-stream-filter", 5, "signedint"),
    "table": _bad_filter("x-stream-filter", {"a": 1}, "table"),
    "unfiltered-text": _bad_filter("x-stream-match-unfiltered", "true", "longstr"),
    "unfiltered-number": _bad_filter("x-stream-match-unfiltered", 1, "signedint"),
}


@cases("stream.consume.filter-wrong-", BAD_FILTERS, ref="2.7-filter")
def a_filter_of_another_type_is_refused(peer: Peer, given: dict[str, object]) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=1)
    asked = {"queue": queue, "arguments": given | {"x-stream-offset": "first"}}
    if peer.expected == "all":
        reader.send(commands.Basic.Consume, **asked)
        reader.expect(commands.Basic.ConsumeOk)
    else:
        peer.expect_close(reader, commands.Basic.Consume, fill={"queue": queue}, **asked)


EMPTY_FILTERS: dict[str, Case[object]] = {"list": Case([], [b"0"]), "numbers": Case([5], [b"0"])}


@cases("stream.consume.filter-of-an-empty-", EMPTY_FILTERS, ref="2.7-filter")
def a_filter_without_a_value_is_none(peer: Peer, given: object) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=1)
    reader.consume(queue, arguments={"x-stream-filter": given, "x-stream-offset": "first"})
    assert reader.bodies(1) == peer.expected


@check("stream.consume.unfiltered-alone", ref="2.7-filter")
def match_unfiltered_without_a_filter_has_no_effect(peer: Peer) -> None:
    channel = peer.confirming()
    queue = declared(peer, channel)
    for value in ("red", ""):
        headers = {"x-stream-filter-value": value} if value else {}
        channel.publish_confirmed(value.encode(), routing_key=queue, headers=headers)
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=10)
    reader.consume(queue, arguments={"x-stream-match-unfiltered": True, "x-stream-offset": "first"})
    assert reader.bodies(2) == [b"red", b""]


@check("stream.consume.global-qos-later", ref="2.3-stream-refusals")
def a_prefetch_of_the_channel_may_come_after_the_consume(peer: Peer) -> None:
    reader = reading(peer, filled(peer, peer.channel(), 3), prefetch_count=1)
    (event,) = reader.deliveries(1)
    reader.call(commands.Basic.Qos, prefetch_count=1, global_=True)
    reader.ack(event.tag)
    (event,) = reader.deliveries(1)
    assert event.body == b"1"


@check("stream.consume.no-local", ref="2.7-consume")
def no_local_has_no_effect(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    channel.consume(queue, no_local=True, arguments={"x-stream-offset": "first"})
    assert channel.bodies(1) == [b"0"]


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
    queue = declared(peer, channel)
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
    queue = declared(peer, channel)
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
    queue = filled(peer, channel, 4)
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
    queue = filled(peer, channel, 2)
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
    nothing_more(readers[1])
    readers[0].connection.close()
    assert readers[1].bodies(1) == [b"1"]
