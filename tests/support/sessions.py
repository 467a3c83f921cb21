"""Whole sessions of a client as lists of frames, for tests that break them."""

from pamqp import commands

from tests.support.frames import (
    HEARTBEAT,
    METHOD,
    PROTOCOL_HEADER,
    ack_frame,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)

HANDSHAKE = [
    PROTOCOL_HEADER,
    method_frame(
        0,
        commands.Connection.StartOk,
        client_properties={
            "product": "test",
            "capabilities": {"consumer_cancel_notify": True, "connection.blocked": True},
        },
        mechanism="PLAIN",
        response=b"\0guest\0guest",
        locale="en_US",
    ),
    method_frame(0, commands.Connection.TuneOk, channel_max=9, frame_max=4096, heartbeat=7),
    method_frame(0, commands.Connection.Open, virtual_host="/"),
]


def publish(
    body: bytes, key: str = "jobs", exchange: str = "", bits: int = 0, **properties: object
) -> list[bytes]:
    """Return the frames of one publish on channel 1."""
    content = content_frames(1, body, property_list(**properties), piece_bytes=40)
    return [frame(METHOD, 1, publish_payload(exchange, key, bits)), content]


DECLARES = [
    method_frame(1, commands.Channel.Open),
    method_frame(1, commands.Exchange.Declare, exchange="dead", exchange_type="fanout"),
    method_frame(1, commands.Exchange.Declare, exchange="by-headers", exchange_type="headers"),
    method_frame(
        1,
        commands.Queue.Declare,
        queue="jobs",
        arguments={
            "x-dead-letter-exchange": "dead",
            "x-max-length": 50,
            "x-message-ttl": 60_000,
            "x-max-priority": 3,
        },
    ),
    method_frame(1, commands.Queue.Declare, queue="grave", exclusive=True),
    method_frame(
        1, commands.Queue.Declare, queue="q", durable=True, arguments={"x-queue-type": "quorum"}
    ),
    method_frame(1, commands.Queue.Bind, queue="grave", exchange="dead"),
    method_frame(1, commands.Queue.Bind, queue="jobs", exchange="amq.topic", routing_key="#.a.*"),
    method_frame(
        1,
        commands.Queue.Bind,
        queue="jobs",
        exchange="by-headers",
        arguments={"x-match": "any", "n": 1, "s": "x"},
    ),
    method_frame(
        1, commands.Exchange.Bind, destination="amq.topic", source="by-headers", routing_key="a"
    ),
    method_frame(
        1,
        commands.Basic.Consume,
        queue="amq.rabbitmq.reply-to",
        consumer_tag="r",
        no_ack=True,
    ),
]

PUBLISHES = [
    *publish(b"plain"),
    *publish(b"x" * 90),
    *publish(b"", key="b.a.c", exchange="amq.topic", bits=1),
    *publish(b"h", exchange="by-headers", headers={"n": 1, "x-death": [{"count": 5}]}),
    *publish(b"copies", headers={"CC": ["q", "grave"], "BCC": ["jobs"]}),
    *publish(b"props", delivery_mode=2, priority=2, expiration="5000", user_id="guest"),
    *publish(b"ask", reply_to="amq.rabbitmq.reply-to", correlation_id="1", timestamp=2**63),
    *publish(b"lost", key="nowhere", bits=1),
]

SETTLEMENTS = [
    method_frame(1, commands.Basic.Qos, prefetch_count=6),
    method_frame(1, commands.Basic.Consume, queue="jobs", consumer_tag="c"),
    method_frame(
        1, commands.Basic.Consume, queue="q", consumer_tag="p", arguments={"x-priority": 5}
    ),
    method_frame(1, commands.Basic.Get, queue="grave"),
    ack_frame(1, 1),
    ack_frame(1, 2),
    ack_frame(1, 3, multiple=True),
    method_frame(1, commands.Basic.Nack, delivery_tag=4, requeue=True),
    method_frame(1, commands.Basic.Reject, delivery_tag=5, requeue=False),
    method_frame(1, commands.Basic.Recover, requeue=True),
    method_frame(1, commands.Basic.Cancel, consumer_tag="c"),
]

MODES = [
    method_frame(2, commands.Channel.Open),
    method_frame(2, commands.Tx.Select),
    method_frame(2, commands.Basic.Get, queue="jobs"),
    ack_frame(2, 1),
    frame(METHOD, 2, publish_payload()) + content_frames(2, b"in tx"),
    method_frame(2, commands.Tx.Rollback),
    ack_frame(2, 0, multiple=True),
    method_frame(2, commands.Tx.Commit),
    frame(HEARTBEAT, 0, b""),
    method_frame(3, commands.Channel.Open),
    method_frame(3, commands.Confirm.Select),
    frame(METHOD, 3, publish_payload()) + content_frames(3, b"confirmed"),
    frame(METHOD, 3, publish_payload("none")) + content_frames(3, b"refused"),
]

ENDINGS = [
    method_frame(1, commands.Queue.Unbind, queue="grave", exchange="dead"),
    method_frame(1, commands.Queue.Purge, queue="jobs"),
    method_frame(1, commands.Exchange.Delete, exchange="by-headers"),
    method_frame(1, commands.Queue.Delete, queue="q"),
    method_frame(2, commands.Channel.Close),
    method_frame(0, commands.Connection.Close, reply_code=200, reply_text="bye"),
]

WHOLE = [*DECLARES, *PUBLISHES, *SETTLEMENTS, *PUBLISHES, *MODES, *ENDINGS]
