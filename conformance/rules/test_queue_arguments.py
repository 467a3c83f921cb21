"""Queue arguments: their valid values, and the types of queue that accept them (§2.2)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Typed
from conformance.peer import Peer

Declare = commands.Queue.Declare
TEN_YEARS_MS = 315_360_000_000
INVALID = "invalid arg '{argument}' for queue '{queue}' in vhost '/': {term}"


def _invalid(argument: str, value: object, term: str, **fields: Any) -> Case[dict[str, Any]]:  # noqa: ANN401
    text = INVALID.replace("{argument}", argument).replace("{term}", term)
    return Case({"arguments": {argument: value}, **fields}, Close(406, text, "channel"))


NOT_AN_INT = '"expected integer, got longstr"'
BAD_VALUES = {
    "message-ttl-string": _invalid("x-message-ttl", "1000", NOT_AN_INT),
    "message-ttl-float": _invalid("x-message-ttl", 1.5, '"expected integer, got double"'),
    "message-ttl-bool": _invalid("x-message-ttl", True, '"expected integer, got bool"'),
    "message-ttl-negative": _invalid("x-message-ttl", -1, "{value_negative,-1}"),
    "message-ttl-too-large": _invalid(
        "x-message-ttl", TEN_YEARS_MS + 1, f"{{value_too_large,{TEN_YEARS_MS + 1}}}"
    ),
    "expires-string": _invalid("x-expires", "1000", NOT_AN_INT),
    "expires-zero": _invalid("x-expires", 0, "{value_zero,0}"),
    "expires-negative": _invalid("x-expires", -1, "{value_negative,-1}"),
    "expires-too-large": _invalid(
        "x-expires", TEN_YEARS_MS + 1, f"{{value_too_large,{TEN_YEARS_MS + 1}}}"
    ),
    "max-length-string": _invalid("x-max-length", "1", NOT_AN_INT),
    "max-length-negative": _invalid("x-max-length", -1, "{value_negative,-1}"),
    "max-length-bytes-string": _invalid("x-max-length-bytes", "1", NOT_AN_INT),
    "max-length-bytes-negative": _invalid("x-max-length-bytes", -5, "{value_negative,-5}"),
    "overflow-unknown": _invalid("x-overflow", "explode", "invalid_overflow"),
    "overflow-int": _invalid("x-overflow", 1, "{unacceptable_type,signedint}"),
    "dead-letter-exchange-int": Case(
        {"arguments": {"x-dead-letter-exchange": 1}},
        Close(
            406,
            "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue '{queue}' in "
            "vhost '/'",
            "channel",
        ),
    ),
    "dead-letter-routing-key-alone": _invalid(
        "x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"
    ),
    "dead-letter-routing-key-int": _invalid(
        "x-dead-letter-routing-key", 1, "{unacceptable_type,signedint}"
    ),
    "max-priority-string": _invalid("x-max-priority", "5", NOT_AN_INT),
    "max-priority-negative": _invalid("x-max-priority", -1, "{value_negative,-1}"),
    "max-priority-256": _invalid("x-max-priority", 256, "{max_value_exceeded,256}"),
    "single-active-consumer-string": _invalid(
        "x-single-active-consumer", "true", "{unacceptable_type,longstr}"
    ),
    "single-active-consumer-int": _invalid(
        "x-single-active-consumer", 1, "{unacceptable_type,signedint}"
    ),
    "queue-type-unknown": _invalid(
        "x-queue-type", "quantum", "\"unsupported queue type 'quantum'\""
    ),
    "queue-type-int": _invalid("x-queue-type", 1, "{unacceptable_type,signedint}"),
    "queue-mode-unknown": _invalid("x-queue-mode", "eager", "\"unsupported queue mode 'eager'\""),
    "queue-version-string": _invalid("x-queue-version", "2", NOT_AN_INT),
}


@cases("queue.argument.invalid-", BAD_VALUES, ref="2.2-values", ninth=11)
def an_invalid_argument_is_refused(peer: Peer, fields: dict[str, Any]) -> None:
    queue = peer.name()
    peer.expect_close(peer.channel(), Declare, fill={"queue": queue}, queue=queue, **fields)


GOOD: dict[str, dict[str, Any]] = {
    "message-ttl-0": {"x-message-ttl": 0},
    "message-ttl-10-years": {"x-message-ttl": TEN_YEARS_MS},
    "expires-1-day": {"x-expires": 86_400_000},
    "max-length-0": {"x-max-length": 0},
    "max-length-2^62": {"x-max-length": 2**62},
    "max-length-bytes-0": {"x-max-length-bytes": 0},
    "overflow-drop-head": {"x-overflow": "drop-head"},
    "overflow-reject-publish": {"x-overflow": "reject-publish"},
    "overflow-reject-publish-dlx": {"x-overflow": "reject-publish-dlx"},
    "dead-letter-exchange-missing": {"x-dead-letter-exchange": "conformance-nowhere"},
    "dead-letter-exchange-default": {"x-dead-letter-exchange": ""},
    "dead-letter-routing-key": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ""},
    "max-priority-0": {"x-max-priority": 0},
    "max-priority-255": {"x-max-priority": 255},
    "single-active-consumer": {"x-single-active-consumer": True},
    "queue-type-classic": {"x-queue-type": "classic"},
    "queue-mode-lazy": {"x-queue-mode": "lazy"},
    "queue-mode-default": {"x-queue-mode": "default"},
    "queue-version-1": {"x-queue-version": 1},
    "queue-version-2": {"x-queue-version": 2},
    "unknown": {"x-of-mine": {"a": [1, "b", None]}},
    "int-8-bits": {"x-max-length": Typed("b", 5)},
    "int-unsigned-16-bits": {"x-max-length": Typed("u", 5)},
}
GOOD_VALUES = {key: Case(arguments, "declared") for key, arguments in GOOD.items()}


@cases("queue.argument.accepted-", GOOD_VALUES, ref="2.2-values")
def a_valid_argument_is_accepted(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments=arguments)
    channel.declare(queue, arguments=arguments)


OUR_ARGUMENT = Differs(
    "the class of a queue is HareMQ's own; RabbitMQ takes what it does not know, and ignores it",
    "declared",
)


def _invalid_durability(value: object, term: str) -> Case[object]:
    expect = _invalid("x-durability", value, term).expect
    return Case(value, expect, on_purpose=OUR_ARGUMENT)


BAD_DURABILITY = {
    "unknown": _invalid_durability("disk", "\"unsupported durability 'disk'\""),
    "upper-case": _invalid_durability("FSYNC", "\"unsupported durability 'FSYNC'\""),
    "int": _invalid_durability(1, "{unacceptable_type,signedint}"),
}


@cases("queue.argument.invalid-durability-", BAD_DURABILITY, ref="2.2-durability")
def an_unknown_class_is_refused(peer: Peer, value: object) -> None:
    queue, channel = peer.name(), peer.channel()
    arguments = {"x-durability": value}
    if peer.expected == "declared":
        channel.declare(queue, durable=True, arguments=arguments)
        return
    fields = {"queue": queue, "durable": True, "arguments": arguments}
    peer.expect_close(channel, Declare, fill={"queue": queue}, **fields)


GOOD_DURABILITY = {
    f"{kind}-{durability}": Case({"x-queue-type": kind, "x-durability": durability}, "declared")
    for kind in ("classic", "quorum")
    for durability in ("fsync", "os")
}


@cases("queue.argument.accepted-durability-", GOOD_DURABILITY, ref="2.2-durability")
def a_queue_may_have_a_class_of_its_own(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=arguments)
    channel.declare(queue, durable=True, arguments=arguments)
    channel.call(commands.Confirm.Select)
    assert isinstance(channel.publish_confirmed(b"m", routing_key=queue), commands.Basic.Ack)


@check(
    "queue.argument.inequivalent-durability",
    ref="2.2-durability",
    expect=Close(
        406,
        "inequivalent arg 'x-durability' for queue '{queue}' in vhost '/': "
        "received 'os' but current is 'fsync'",
        "channel",
    ),
    on_purpose=OUR_ARGUMENT,
)
def another_class_is_inequivalent(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments={"x-durability": "fsync"})
    arguments = {"x-durability": "os"}
    if peer.expected == "declared":
        channel.declare(queue, durable=True, arguments=arguments)
        return
    fields = {"queue": queue, "durable": True, "arguments": arguments}
    peer.expect_close(channel, Declare, fill={"queue": queue}, **fields)


FOREIGN = (
    "invalid arg '{argument}' for queue '{queue}' in vhost '/' of queue type rabbit_{kind}_queue"
)


def _foreign(argument: str, value: object, kind: str) -> Case[dict[str, Any]]:
    text = FOREIGN.replace("{argument}", argument).replace("{kind}", kind)
    arguments = {"x-queue-type": kind, argument: value}
    return Case(arguments, Close(406, text, "channel"))


UNKNOWN_TO_TYPE = {
    "max-priority-of-quorum": _foreign("x-max-priority", 5, "quorum"),
    "queue-mode-of-quorum": _foreign("x-queue-mode", "lazy", "quorum"),
    "max-age-of-classic": _foreign("x-max-age", "1h", "classic"),
    "max-age-of-quorum": _foreign("x-max-age", "1h", "quorum"),
    "initial-group-size-of-classic": _foreign("x-quorum-initial-group-size", 3, "classic"),
    "max-in-memory-length-of-classic": _foreign("x-max-in-memory-length", 3, "classic"),
    "stream-segment-size-of-classic": _foreign("x-stream-max-segment-size-bytes", 10**6, "classic"),
}


@cases("queue.argument.foreign-", UNKNOWN_TO_TYPE, ref="2.2-of-another-type", ninth=13)
def an_argument_of_another_type_of_queue(peer: Peer, arguments: dict[str, Any]) -> None:
    queue = peer.name()
    fields = {"queue": queue, "durable": True, "arguments": arguments}
    peer.expect_close(peer.channel(), Declare, fill={"queue": queue}, **fields)


QUORUM: dict[str, dict[str, Any]] = {
    "plain": {},
    "delivery-limit": {"x-delivery-limit": 3},
    "delivery-limit-0": {"x-delivery-limit": 0},
    "max-length": {"x-max-length": 3},
    "overflow-reject-publish": {"x-overflow": "reject-publish"},
    "dead-letter": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k"},
    "dead-letter-at-most-once": {
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-most-once",
    },
    "message-ttl": {"x-message-ttl": 60000},
    "expires": {"x-expires": 60000},
    "single-active-consumer": {"x-single-active-consumer": True},
    "initial-group-size": {"x-quorum-initial-group-size": 1},
    "max-in-memory-length": {"x-max-in-memory-length": 10},
}
QUORUM_VALUES = {
    key: Case({"x-queue-type": "quorum", **arguments}, "declared")
    for key, arguments in QUORUM.items()
}


@cases("queue.argument.quorum-", QUORUM_VALUES, ref="2.2-of-another-type")
def a_quorum_queue_knows_its_arguments(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=arguments)
    channel.call(commands.Confirm.Select)
    assert isinstance(channel.publish_confirmed(b"m", routing_key=queue), commands.Basic.Ack)


@check("queue.argument.quorum-dead-letter-at-least-once", ref="2.2-of-another-type")
def what_dies_at_least_once_stays_while_it_has_nowhere_to_go(peer: Peer) -> None:
    channel = peer.channel()
    arguments = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": peer.name(),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-max-length": 1,
    }
    queue = peer.queue(channel, durable=True, arguments=arguments)
    channel.call(commands.Confirm.Select)
    assert isinstance(channel.publish_confirmed(b"m", routing_key=queue), commands.Basic.Ack)
    channel.reject(channel.get_soon_unacked(queue).tag, requeue=False)
    # RabbitMQ accepts a few more messages than the limit.
    answers = [channel.publish_confirmed(b"more", routing_key=queue) for _ in range(4)]
    assert isinstance(answers[-1], commands.Basic.Nack)


@check(
    "queue.argument.delivery-limit-of-classic",
    ref="2.2-of-another-type",
    ninth=13,
    expect="declared",
    on_purpose=Differs(
        "poison messages are as bad in a classic queue: the limit works there too",
        _foreign("x-delivery-limit", 0, "classic").expect,
    ),
)
def a_classic_queue_knows_the_delivery_limit(peer: Peer) -> None:
    queue, channel = peer.name(), peer.channel()
    arguments = {"x-queue-type": "classic", "x-delivery-limit": 1}
    if peer.expected != "declared":
        fields = {"queue": queue, "durable": True, "arguments": arguments}
        peer.expect_close(channel, Declare, fill={"queue": queue}, **fields)
        return
    channel.declare(queue, durable=True, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    for _ in range(2):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
    assert channel.get(queue) is None, "the message was returned more often than the limit"


@check(
    "queue.argument.leader-locator-of-classic",
    ref="2.2-of-another-type",
    expect="declared",
    rabbitmq_310=Differs(
        "a leader locator came to classic queues with 3.11",
        _foreign("x-queue-leader-locator", "", "classic").expect,
    ),
)
def a_classic_queue_knows_the_leader_locator(peer: Peer) -> None:
    queue, channel = peer.name(), peer.channel()
    arguments = {"x-queue-leader-locator": "client-local"}
    if peer.expected == "declared":
        channel.declare(queue, durable=True, arguments=arguments)
    else:
        fields = {"queue": queue, "durable": True, "arguments": arguments}
        peer.expect_close(channel, Declare, fill={"queue": queue}, **fields)
