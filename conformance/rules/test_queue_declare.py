"""queue.declare: names, properties, equivalence (§2.1)."""

import re
from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.fields import Typed
from conformance.peer import Peer, bind

Declare = commands.Queue.Declare
QUORUM = {"x-queue-type": "quorum"}


@check("queue.declare.server-named", ref="2.1-server-named")
def an_empty_name_asks_for_a_fresh_one(peer: Peer) -> None:
    channel = peer.channel()
    names = {str(channel.declare("", exclusive=True).queue) for _ in range(3)}
    assert len(names) == 3
    for name in names:
        assert re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name), name


@check(
    "queue.declare.server-named-quorum",
    ref="2.1-server-named",
    expect=Close(
        406, "Cannot declare a server-named queue for type rabbit_quorum_queue", "channel"
    ),
)
def a_quorum_queue_needs_a_name(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, durable=True, arguments=QUORUM)


@check("queue.declare.counts", ref="2.1-counts")
def declare_ok_counts_ready_messages_and_consumers(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(5):
        channel.publish(b"m", routing_key=queue)
    for _ in range(2):
        channel.get(queue, no_ack=False)
    other = peer.channel()
    other.call(commands.Basic.Qos, prefetch_count=1)
    other.consume(queue)
    other.deliveries(1)
    reply = channel.declare(queue)
    assert (reply.queue, reply.message_count, reply.consumer_count) == (queue, 2, 1)


@check(
    "queue.declare.passive-missing",
    ref="2.1-counts",
    expect=Close(404, "no queue '{queue}' in vhost '/'", "channel"),
)
def a_passive_declare_of_a_missing_queue(peer: Peer) -> None:
    queue = peer.name()
    peer.expect_close(peer.channel(), Declare, fill={"queue": queue}, queue=queue, passive=True)


@check("queue.declare.passive-ignores-the-rest", ref="2.1-counts")
def a_passive_declare_looks_at_the_name_alone(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.declare(queue, passive=True, durable=True, arguments={"x-max-length": 1})


@check(
    "queue.declare.reserved-prefix",
    ref="1.5-names",
    expect=Close(403, "queue name 'amq.conformance' contains reserved prefix 'amq.*'", "channel"),
)
def a_reserved_name_may_not_be_created(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, queue="amq.conformance")


@check(
    "queue.declare.reserved-prefix-existing",
    ref="1.5-names",
    expect=Close(403, "queue name '{queue}' contains reserved prefix 'amq.*'", "channel"),
)
def a_server_named_queue_may_be_declared_by_its_name_in_passing_only(peer: Peer) -> None:
    channel = peer.channel()
    queue = str(channel.declare("", exclusive=True).queue)
    channel.declare(queue, passive=True)
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue, exclusive=True)


@check("queue.declare.nowait", ref="1.3-nowait")
def a_declare_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    channel.send(Declare, queue=queue, nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    channel.declare(queue, passive=True)


@check(
    "queue.declare.nowait-error",
    ref="1.3-nowait",
    expect=Close(403, "queue name 'amq.conformance' contains reserved prefix 'amq.*'", "channel"),
)
def a_declare_with_nowait_may_still_fail(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, queue="amq.conformance", nowait=True)


@check("queue.declare.cr-lf", ref="1.3-queue", ninth=16)
def line_ends_are_dropped_from_a_name(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    assert channel.declare(f"{queue}\r\n").queue == queue


NAMES = {
    "255-bytes": Case("", "declared"),
    "utf-8": Case("é漢𝄞", "declared"),
    "spaces": Case(" a b ", "declared"),
    "controls": Case("\x00\x1b\u202e<script>%00../", "declared"),
}


@cases("queue.declare.name-", NAMES, ref="1.5-names")
def any_utf_8_is_a_name(peer: Peer, hint: str) -> None:
    channel = peer.channel()
    name = peer.name(hint)
    name = peer.owns(name + "n" * (255 - len(name.encode())))
    assert channel.declare(name).queue == name
    channel.publish(b"m", routing_key=name)
    event = channel.get_one(name)
    assert event.method["routing_key"] == name


UNEQUAL = (
    "inequivalent arg '{arg}' for queue '{queue}' in vhost '/': received {a} but current is {b}"
)


def _unequal(arg: str, a: str, b: str, first: Any, second: Any) -> Case[tuple[Any, Any]]:  # noqa: ANN401
    text = UNEQUAL.replace("{arg}", arg).replace("{a}", a).replace("{b}", b)
    return Case((first, second), Close(406, text, "channel"))


def _of(name: str, value: object) -> dict[str, object]:
    return {"arguments": {name: value}}


INEQUIVALENT = {
    "durable": _unequal("durable", "'true'", "'false'", {}, {"durable": True}),
    "transient": _unequal("durable", "'false'", "'true'", {"durable": True}, {}),
    "auto-delete": _unequal("auto_delete", "'true'", "'false'", {}, {"auto_delete": True}),
    "durable-before-auto-delete": _unequal(
        "durable", "'true'", "'false'", {}, {"durable": True, "auto_delete": True}
    ),
    "auto-delete-before-arguments": _unequal(
        "auto_delete", "'true'", "'false'", {}, {"auto_delete": True, **_of("x-max-length", 1)}
    ),
    "argument-new": _unequal(
        "x-message-ttl",
        "the value '60000' of type 'signedint'",
        "none",
        {},
        _of("x-message-ttl", 60000),
    ),
    "argument-new-long": _unequal(
        "x-message-ttl",
        "the value '60000' of type 'long'",
        "none",
        {},
        _of("x-message-ttl", Typed("l", 60000)),
    ),
    "argument-gone": _unequal(
        "x-message-ttl",
        "none",
        "the value '60000' of type 'signedint'",
        _of("x-message-ttl", 60000),
        {},
    ),
    "argument-other": _unequal(
        "x-max-length", "'2'", "'1'", _of("x-max-length", 1), _of("x-max-length", 2)
    ),
    "dead-letter-exchange": _unequal(
        "x-dead-letter-exchange",
        "'b'",
        "'a'",
        _of("x-dead-letter-exchange", "a"),
        _of("x-dead-letter-exchange", "b"),
    ),
    "max-priority": _unequal(
        "x-max-priority", "'6'", "'5'", _of("x-max-priority", 5), _of("x-max-priority", 6)
    ),
    "single-active-consumer": _unequal(
        "x-single-active-consumer",
        "the value 'true' of type 'bool'",
        "none",
        {},
        _of("x-single-active-consumer", True),
    ),
    "overflow": _unequal(
        "x-overflow",
        "'drop-head'",
        "'reject-publish'",
        _of("x-overflow", "reject-publish"),
        _of("x-overflow", "drop-head"),
    ),
    "queue-type": _unequal(
        "x-queue-type",
        "'classic'",
        "'quorum'",
        {"durable": True, "arguments": QUORUM},
        {"durable": True, "arguments": {"x-queue-type": "classic"}},
    ),
    "queue-type-gone": _unequal(
        "x-queue-type",
        "none",
        "the value 'quorum' of type 'longstr'",
        {"durable": True, "arguments": QUORUM},
        {"durable": True},
    ),
}


@cases("queue.declare.inequivalent-", INEQUIVALENT, ref="2.1-mismatch-text", ninth=2)
def a_queue_may_not_be_redeclared_differently(peer: Peer, given: tuple[Any, Any]) -> None:
    first, second = given
    channel = peer.channel()
    queue = peer.queue(channel, **first)
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue, **second)


EQUIVALENT: dict[str, Case[tuple[Any, Any]]] = {
    "identical": Case((_of("x-max-length", 5), _of("x-max-length", 5)), "declared"),
    "int-widths": Case(
        (_of("x-max-length", Typed("I", 5)), _of("x-max-length", Typed("l", 5))), "declared"
    ),
    "int-8": Case(
        (_of("x-max-length", Typed("b", 5)), _of("x-max-length", Typed("s", 5))), "declared"
    ),
    "int-unsigned": Case(
        (_of("x-max-length", Typed("i", 5)), _of("x-max-length", Typed("B", 5))), "declared"
    ),
    "unknown-added": Case(({}, _of("x-of-mine", 1)), "declared"),
    "unknown-other": Case((_of("x-of-mine", 1), _of("x-of-mine", "a")), "declared"),
    "classic-explicit": Case(({}, _of("x-queue-type", "classic")), "declared"),
    "classic-implicit": Case((_of("x-queue-type", "classic"), {}), "declared"),
}


@cases("queue.declare.equivalent-", EQUIVALENT, ref="2.1-compared", ninth=13)
def what_differs_only_in_form_is_equivalent(peer: Peer, given: tuple[Any, Any]) -> None:
    first, second = given
    channel = peer.channel()
    channel.declare(peer.queue(channel, **first), **second)


@check("queue.declare.transient-shared", ref="0-transient-shared")
def a_transient_shared_queue_is_allowed(peer: Peer) -> None:
    owner = peer.channel()
    queue = peer.queue(owner, durable=False, exclusive=False)
    peer.channel().consume(queue)


@check("queue.declare.last-used", ref="1.3-queue", ninth=16)
def an_empty_name_stands_for_the_last_queue_declared_on_the_channel(peer: Peer) -> None:
    channel = peer.channel()
    peer.queue(channel)
    last = peer.queue(channel)
    bind(channel, "", "amq.direct", last)
    channel.publish(b"m", exchange="amq.direct", routing_key=last)
    event = channel.get("")
    assert event is not None, "the message is not in the last queue"
    channel.consume("")
    assert channel.declare(last).consumer_count == 1
    channel.call(commands.Queue.Purge, queue="")
    channel.call(commands.Queue.Delete, queue="")
    channel.send(Declare, queue=last, passive=True)
    assert channel.connection.await_close(1).code == 404


NO_LAST: dict[str, Case[tuple[type[base.Frame], dict[str, Any]]]] = {
    key: Case(given, Close(404, "no previously declared queue", "channel"))
    for key, given in {
        "consume": (commands.Basic.Consume, {}),
        "get": (commands.Basic.Get, {}),
        "bind": (commands.Queue.Bind, {"exchange": "amq.direct", "routing_key": "k"}),
        "bind-no-key": (commands.Queue.Bind, {"exchange": "amq.direct"}),
        "purge": (commands.Queue.Purge, {}),
        "delete": (commands.Queue.Delete, {}),
    }.items()
}


@cases("queue.no-last-used.", NO_LAST, ref="1.3-queue", ninth=16)
def without_a_last_queue_an_empty_name_is_an_error(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    peer.expect_close(peer.channel(), kind, **fields)


@check("queue.bind.empty-key-empty-name", ref="1.3-queue", ninth=16)
def an_empty_key_and_name_bind_the_last_queue_by_its_name(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    exchange = peer.exchange(channel)
    bind(channel, "", exchange, "")
    channel.publish(b"m", exchange=exchange, routing_key=queue)
    assert channel.get(queue) is not None


QUORUM_REFUSALS: dict[str, Case[dict[str, Any]]] = {
    "auto-delete": Case(
        {"durable": True, "auto_delete": True},
        Close(406, "invalid property 'auto-delete' for queue '{queue}' in vhost '/'", "channel"),
    ),
    "exclusive": Case(
        {"durable": True, "exclusive": True},
        Close(
            406, "invalid property 'exclusive-owner' for queue '{queue}' in vhost '/'", "channel"
        ),
    ),
    "non-durable": Case(
        {"durable": False},
        Close(406, "invalid property 'non-durable' for queue '{queue}' in vhost '/'", "channel"),
    ),
}


@cases("queue.quorum.declare-", QUORUM_REFUSALS, ref="2.3-properties")
def a_quorum_queue_refuses_a_property(peer: Peer, given: dict[str, Any]) -> None:
    queue = peer.name()
    fill: dict[str, object] = {"queue": queue}
    peer.expect_close(peer.channel(), Declare, fill=fill, queue=queue, arguments=QUORUM, **given)
