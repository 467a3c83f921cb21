"""Retention of a stream, its policies while it is in use, and its definition elsewhere (§2.7)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pamqp import commands

from conformance.check import Differs, check
from conformance.client import Channel
from conformance.http import call
from conformance.peer import Peer
from conformance.streams import declared, first_offset, reading
from conformance.wire import TIMEOUT_S

SEGMENT_BYTES = 2_000
CREATED = (201, 204)
LIVE = "a policy holds from the next segment on; RabbitMQ looks at it once, at declare"


def _publish(channel: Channel, queue: str, count: int = 12) -> None:
    for _ in range(count):
        channel.publish_confirmed(bytes(1_000), routing_key=queue)


def _in_small_segments(peer: Peer, channel: Channel, hint: str = "q", **arguments: Any) -> str:  # noqa: ANN401
    """Declare a stream and fill six segments."""
    queue = declared(peer, channel, hint, stream_max_segment_size_bytes=SEGMENT_BYTES, **arguments)
    _publish(channel, queue)
    return queue


def _await_loss(peer: Peer, channel: Channel, queue: str) -> None:
    """Publish, as retention is looked at when a segment ends, until the first messages are gone.

    RabbitMQ removes a segment some time after that. It ends the connection of a reader from the
    first message with 541 if the only segment that is left is empty: so a last message goes in.
    """
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        time.sleep(0.4)
        _publish(channel, queue, 2)
        time.sleep(0.4)
        channel.publish_confirmed(b"", routing_key=queue)
        if first_offset(peer, queue):
            return
        assert time.monotonic() < deadline_s, "the stream keeps all its messages"


def _keeps_all(peer: Peer, queue: str) -> None:
    time.sleep(0.5)
    assert first_offset(peer, queue) == 0


@contextmanager
def _policy(peer: Peer, queue: str, **definition: Any) -> Iterator[str]:  # noqa: ANN401
    """Set a policy for this queue alone over HTTP, and remove it in the end."""
    path = f"/api/policies/%2F/{queue}"
    body = {
        "pattern": f"^{queue}$",
        "apply-to": "queues",
        "definition": {key.replace("_", "-"): value for key, value in definition.items()},
    }
    status, answer = call(peer, path, "PUT", body)
    assert status in CREATED, (status, answer)
    try:
        yield path
    finally:
        call(peer, path, "DELETE")


@check("stream.retention.size", ref="2.7-retention")
def whole_segments_go_when_a_stream_is_over_its_size(peer: Peer) -> None:
    channel = peer.confirming()
    _await_loss(peer, channel, _in_small_segments(peer, channel, max_length_bytes=4_000))


@check("stream.retention.none", ref="2.7-retention")
def a_stream_without_a_limit_keeps_all(peer: Peer) -> None:
    _keeps_all(peer, _in_small_segments(peer, peer.confirming()))


@check("stream.retention.last-segment", ref="2.7-retention")
def the_newest_segment_stays_however_large_it_is(peer: Peer) -> None:
    channel = peer.confirming()
    queue = declared(peer, channel, max_length_bytes=1_000)
    _publish(channel, queue)
    _keeps_all(peer, queue)


@check("stream.retention.age", ref="2.7-retention")
def whole_segments_go_when_they_are_too_old(peer: Peer) -> None:
    channel = peer.confirming()
    _await_loss(peer, channel, _in_small_segments(peer, channel, max_age="1s"))


@check("stream.retention.age-of-a-day", ref="2.7-retention")
def a_segment_that_is_young_enough_stays(peer: Peer) -> None:
    _keeps_all(peer, _in_small_segments(peer, peer.confirming(), max_age="1D"))


@check("stream.retention.age-or-size", ref="2.7-retention")
def a_segment_goes_when_it_is_too_old_or_too_much(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel, max_age="1D", max_length_bytes=4_000)
    _await_loss(peer, channel, queue)


@check("stream.retention.reader", ref="2.7-retention")
def a_reader_whose_messages_are_gone_goes_on_with_the_first_that_is_kept(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel, max_length_bytes=4_000)
    _await_loss(peer, channel, queue)
    kept = first_offset(peer, queue)
    (event,) = reading(peer, queue, 1, offset=0).deliveries(1)
    assert event.headers["x-stream-offset"].value == kept


@check("stream.retention.policy", ref="2.7-retention", needs="admin")
def a_policy_limits_the_size_of_a_stream(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel, "policy-stream-size", max_length_bytes=10**9)
    _await_loss(peer, channel, queue)


@check("stream.retention.policy-age", ref="2.7-retention", needs="admin")
def a_policy_limits_the_age_of_a_stream(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel, "policy-stream-age", max_age="1D")
    _await_loss(peer, channel, queue)


@check("stream.retention.policy-segment-size", ref="2.7-retention", needs="admin")
def a_policy_says_how_large_segments_are(peer: Peer) -> None:
    channel = peer.confirming()
    arguments = {"max_length_bytes": 4_000, "stream_max_segment_size_bytes": 10**9}
    queue = declared(peer, channel, "policy-stream-segments", **arguments)
    _publish(channel, queue)
    _await_loss(peer, channel, queue)


@check("stream.policy.foreign-key", ref="2.7-policies", needs="admin")
def a_policy_with_a_key_that_streams_do_not_have_is_not_applied(peer: Peer) -> None:
    _keeps_all(peer, _in_small_segments(peer, peer.confirming(), "policy-stream-foreign"))


@check("stream.policy.changed-size", ref="2.7-policies", needs="http")
def a_new_policy_limits_the_size_of_a_stream_in_use(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel)
    reader = reading(peer, queue, 1)
    with _policy(peer, queue, max_length_bytes=4_000):
        _await_loss(peer, channel, queue)
    reader.ack(reader.deliveries(1)[0].tag)
    reader.deliveries(1)


@check("stream.policy.changed-age", ref="2.7-policies", needs="http")
def a_new_policy_limits_the_age_of_a_stream_in_use(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _in_small_segments(peer, channel)
    with _policy(peer, queue, max_age="1s"):
        _await_loss(peer, channel, queue)


@check("stream.policy.removed", ref="2.7-policies", needs="http")
def without_its_policy_a_stream_has_its_arguments_again(peer: Peer) -> None:
    channel = peer.confirming()
    queue = declared(peer, channel, stream_max_segment_size_bytes=SEGMENT_BYTES)
    with _policy(peer, queue, max_length_bytes=4_000):
        pass
    _publish(channel, queue)
    _keeps_all(peer, queue)


@check(
    "stream.policy.changed-segment-size",
    ref="2.7-policies",
    needs="http",
    expect="smaller segments",
    on_purpose=Differs(LIVE, "segments as before"),
)
def a_new_policy_may_change_the_size_of_segments(peer: Peer) -> None:
    channel = peer.confirming()
    queue = declared(peer, channel, max_length_bytes=4_000)
    _publish(channel, queue, 2)
    with _policy(peer, queue, stream_max_segment_size_bytes=SEGMENT_BYTES):
        _publish(channel, queue)
        if peer.expected == "segments as before":
            _keeps_all(peer, queue)
        else:
            _await_loss(peer, channel, queue)


@check("stream.definitions.round-trip", ref="2.7-definitions", needs="http")
def an_export_makes_the_same_stream_again(peer: Peer) -> None:
    channel = peer.confirming()
    arguments = {
        "x-queue-type": "stream",
        "x-max-age": "7D",
        "x-max-length-bytes": 10**10,
        "x-stream-max-segment-size-bytes": 10**6,
        "x-queue-leader-locator": "client-local",
        "x-initial-cluster-size": 1,
    }
    queue = peer.queue(channel, durable=True, arguments=arguments)
    status, exported = call(peer, "/api/definitions/%2F")
    assert status == 200, exported
    (own,) = [each for each in exported["queues"] if each["name"] == queue]
    assert own["arguments"] == arguments, own
    assert (own["durable"], own["auto_delete"]) == (True, False)
    channel.call(commands.Queue.Delete, queue=queue)
    status, answer = call(peer, "/api/definitions/%2F", "POST", {"queues": [own]})
    assert status in CREATED, answer
    channel.declare(queue, durable=True, arguments=arguments)
    _publish(channel, queue, 1)
    assert first_offset(peer, queue) == 0
