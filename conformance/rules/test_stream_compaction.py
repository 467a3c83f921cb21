"""Streams that keep the last message of each key: HareMQ's own (§2.7)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.peer import Peer

Declare = commands.Queue.Declare
STREAM = {"x-queue-type": "stream"}
KEY = "x-stream-compact-key"
AGE = "x-stream-compact-tombstone-age"
REF = "2.7-compaction"
OURS = Differs(
    "compaction is HareMQ's own; RabbitMQ takes what it does not know, and ignores it", "declared"
)


def _refused(arguments: dict[str, Any], name: str, what: str) -> Case[dict[str, Any]]:
    text = f"invalid arg '{name}' for queue '{{queue}}' in vhost '/'{what}"
    return Case(arguments, Close(406, text, "channel"), on_purpose=OURS)


REFUSED = {
    "empty": _refused({**STREAM, KEY: ""}, KEY, ": {empty_name}"),
    "number": _refused({**STREAM, KEY: 1}, KEY, ": {unacceptable_type,signedint}"),
    "age-alone": _refused({**STREAM, AGE: "1D"}, AGE, ": tombstone_age_but_no_compact_key_defined"),
    "age-word": _refused({**STREAM, KEY: "k", AGE: "soon"}, AGE, ": invalid_max_age"),
    "classic": _refused({KEY: "k"}, KEY, " of queue type rabbit_classic_queue"),
    "quorum": _refused(
        {"x-queue-type": "quorum", KEY: "k"}, KEY, " of queue type rabbit_quorum_queue"
    ),
}


@cases("stream.compaction.refused-", REFUSED, ref=REF)
def a_wrong_compaction_is_refused(peer: Peer, arguments: dict[str, Any]) -> None:
    queue, channel = peer.name(), peer.channel()
    if peer.expected == "declared":
        channel.declare(queue, durable=True, arguments=arguments)
        return
    given = {"queue": queue, "durable": True, "arguments": arguments}
    peer.expect_close(channel, Declare, fill={"queue": queue}, **given)


ACCEPTED = {
    "header": Case({**STREAM, KEY: "device", AGE: "1h"}, "declared"),
    "routing-key": Case({**STREAM, KEY: "routing-key"}, "declared"),
}


@cases("stream.compaction.accepted-", ACCEPTED, ref=REF)
def a_stream_may_be_compacted(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=arguments)
    channel.declare(queue, durable=True, arguments=arguments)


@check(
    "stream.compaction.last-of-each-key",
    ref=REF,
    expect="the last of each key",
    on_purpose=Differs("compaction is HareMQ's own", "all"),
)
def a_stream_keeps_the_last_message_of_each_key(peer: Peer) -> None:
    channel = peer.confirming()
    arguments = {**STREAM, KEY: "routing-key", "x-stream-max-segment-size-bytes": 4_000}
    queue = peer.queue(channel, durable=True, arguments=arguments)
    for number in range(100):
        channel.publish_confirmed(b"%d" % number, routing_key=queue)
    if peer.expected == "all":
        return
    while (channel.declare(queue, passive=True).message_count or 0) > 90:
        pass
    reader = peer.channel()
    reader.call(commands.Basic.Qos, prefetch_count=200)
    reader.consume(queue, arguments={"x-stream-offset": "first"})
    bodies: list[bytes] = []
    while not bodies or bodies[-1] != b"99":
        bodies += reader.bodies(1)
    assert bodies == [b"%d" % number for number in range(100 - len(bodies), 100)]
