"""Which function answers which request of an open connection."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.stream_protocol import metadata, streams, super_streams
from amqp_server.stream_protocol.fields import I32, U16, Fields
from amqp_server.stream_protocol.handshake import authenticate_again
from amqp_server.stream_protocol.keys import VERSION_2, VERSIONS, CommandKey
from amqp_server.stream_protocol.publishers import Publishers
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.subscriptions import Subscriptions

Answered: TypeAlias = "bytes | WaitingSteps[bytes]"
"""What stands behind the code of an answer; as steps where it may take long."""

Handler: TypeAlias = Callable[[Fields, int], Answered]

CHANGES_DEFINITIONS = frozenset(
    {
        CommandKey.CREATE,
        CommandKey.DELETE,
        CommandKey.CREATE_SUPER_STREAM,
        CommandKey.DELETE_SUPER_STREAM,
    }
)
"""Requests whose answer waits until what they changed is on disk."""


def handlers(
    session: StreamSession, publishers: Publishers, subscriptions: Subscriptions
) -> Mapping[int, Handler]:
    """Return the functions of one connection, by key.

    Each gets the fields behind the correlation id, and raises ``RefusedError`` with another code
    than OK, or ``MalformedFrameError``.
    """
    return {
        CommandKey.DECLARE_PUBLISHER: publishers.declare,
        CommandKey.DELETE_PUBLISHER: publishers.delete,
        CommandKey.QUERY_PUBLISHER_SEQUENCE: publishers.sequence,
        CommandKey.SUBSCRIBE: subscriptions.subscribe,
        CommandKey.UNSUBSCRIBE: subscriptions.unsubscribe,
        CommandKey.QUERY_OFFSET: lambda fields, now_ms: streams.query_offset(
            session, fields, now_ms
        ),
        CommandKey.CREATE: lambda fields, now_ms: streams.create(session, fields, now_ms),
        CommandKey.DELETE: lambda fields, now_ms: streams.delete(session, fields, now_ms),
        CommandKey.METADATA: lambda fields, now_ms: metadata.metadata(session, fields, now_ms),
        CommandKey.STREAM_STATS: lambda fields, now_ms: streams.stream_stats(
            session, fields, now_ms
        ),
        CommandKey.RESOLVE_OFFSET_SPEC: lambda fields, now_ms: streams.resolve_offset_spec(
            session, fields, now_ms
        ),
        CommandKey.ROUTE: lambda fields, now_ms: super_streams.route(session, fields, now_ms),
        CommandKey.PARTITIONS: lambda fields, now_ms: super_streams.partitions(
            session, fields, now_ms
        ),
        CommandKey.CREATE_SUPER_STREAM: lambda fields, now_ms: super_streams.create(
            session, fields, now_ms
        ),
        CommandKey.DELETE_SUPER_STREAM: lambda fields, now_ms: super_streams.delete(
            session, fields, now_ms
        ),
        CommandKey.SASL_AUTHENTICATE: lambda fields, _now_ms: authenticate_again(session, fields),
        CommandKey.EXCHANGE_COMMAND_VERSIONS: lambda fields, _now_ms: _versions(session, fields),
    }


def _versions(session: StreamSession, fields: Fields) -> Steps[bytes]:
    """Exchange versions; the client's for Deliver decides how chunks are sent."""
    offered = yield from fields.array_in_steps(
        lambda: (fields.u16(), fields.u16(), fields.u16()), 3 * U16.size
    )
    fields.end()
    for key, _, highest in offered:
        if key == CommandKey.DELIVER and highest >= VERSION_2:
            session.deliver_version = VERSION_2
    entries = [U16.pack(key) + U16.pack(low) + U16.pack(high) for key, low, high in VERSIONS]
    return I32.pack(len(entries)) + b"".join(entries)
