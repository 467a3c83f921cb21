"""exchange.declare and exchange.delete (§1.3, §2.1, §3)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Typed
from conformance.peer import Peer, bind

Declare = commands.Exchange.Declare
Delete = commands.Exchange.Delete

PREDECLARED = {
    name: Case((name, kind), "equivalent")
    for name, kind in (
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    )
}


@cases("exchange.predeclared.", PREDECLARED, ref="3-predeclared")
def a_predeclared_exchange_may_be_declared_identically(peer: Peer, given: tuple[str, str]) -> None:
    name, kind = given
    peer.channel().call(Declare, exchange=name, exchange_type=kind, durable=True)


@check("exchange.predeclared.trace", ref="3-predeclared")
def the_trace_exchange_is_an_internal_topic_exchange(peer: Peer) -> None:
    peer.channel().call(
        Declare,
        exchange="amq.rabbitmq.trace",
        exchange_type="topic",
        durable=True,
        internal=True,
    )


@cases(
    "exchange.declare.type-",
    {kind: Case(kind, "declared") for kind in ("direct", "fanout", "topic", "headers")},
    ref="3-types",
)
def an_exchange_of_each_type_may_be_declared_twice_and_deleted(peer: Peer, kind: str) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, kind)
    channel.call(Declare, exchange=name, exchange_type=kind)
    channel.call(Declare, exchange=name, passive=True)
    channel.call(Delete, exchange=name)
    channel.send(Declare, exchange=name, passive=True)
    assert channel.connection.await_close(1).code == 404


UNKNOWN_TYPE = Close(406, "unknown exchange type 'quantum'", "channel")


@check(
    "exchange.declare.type-unknown",
    ref="0-unknown-type",
    expect=UNKNOWN_TYPE,
    rabbitmq_310=Differs(
        "before 3.13 an unknown type closed the connection",
        Close(503, "unknown exchange type 'quantum'", "connection"),
    ),
)
def an_unknown_type_is_refused(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, exchange=peer.name(), exchange_type="quantum")


@check(
    "exchange.declare.passive-missing",
    ref="1.3-exchange",
    expect=Close(404, "no exchange '{name}' in vhost '/'", "channel"),
)
def a_passive_declare_of_a_missing_exchange(peer: Peer) -> None:
    name = peer.name()
    peer.expect_close(peer.channel(), Declare, fill={"name": name}, exchange=name, passive=True)


@check("exchange.declare.passive-ignores-the-rest", ref="1.3-exchange")
def a_passive_declare_looks_at_the_name_alone(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, "direct")
    channel.call(Declare, exchange=name, exchange_type="topic", durable=True, passive=True)


RESERVED = {
    "reserved-prefix": Case(
        "amq.conformance",
        Close(403, "exchange name 'amq.conformance' contains reserved prefix 'amq.*'", "channel"),
    ),
    "reserved-prefix-rabbitmq": Case(
        "amq.rabbitmq.conformance",
        Close(
            403,
            "exchange name 'amq.rabbitmq.conformance' contains reserved prefix 'amq.*'",
            "channel",
        ),
    ),
    "default": Case("", Close(403, "operation not permitted on the default exchange", "channel")),
}


@cases("exchange.declare.", RESERVED, ref="1.3-exchange")
def a_reserved_name_may_not_be_created(peer: Peer, name: str) -> None:
    peer.expect_close(peer.channel(), Declare, exchange=name, exchange_type="direct")


UNEQUAL = (
    "inequivalent arg '{arg}' for exchange '{{name}}' in vhost '/': received {a} but current is {b}"
)


def _unequal(arg: str, a: str, b: str, first: Any, second: Any) -> Case[tuple[Any, Any]]:  # noqa: ANN401
    text = UNEQUAL.format(arg=arg, a=a, b=b)
    return Case((first, second), Close(406, text, "channel"))


INEQUIVALENT = {
    "type": _unequal(
        "type", "'topic'", "'direct'", {"exchange_type": "direct"}, {"exchange_type": "topic"}
    ),
    "durable": _unequal("durable", "'true'", "'false'", {}, {"durable": True}),
    "auto-delete": _unequal("auto_delete", "'true'", "'false'", {}, {"auto_delete": True}),
    "internal": _unequal("internal", "'true'", "'false'", {}, {"internal": True}),
    "alternate-exchange": _unequal(
        "alternate-exchange",
        "'b'",
        "'a'",
        {"arguments": {"alternate-exchange": "a"}},
        {"arguments": {"alternate-exchange": "b"}},
    ),
    "alternate-exchange-new": _unequal(
        "alternate-exchange",
        "the value 'b' of type 'longstr'",
        "none",
        {},
        {"arguments": {"alternate-exchange": "b"}},
    ),
    "alternate-exchange-gone": _unequal(
        "alternate-exchange",
        "none",
        "the value 'a' of type 'longstr'",
        {"arguments": {"alternate-exchange": "a"}},
        {},
    ),
}


@cases("exchange.declare.inequivalent-", INEQUIVALENT, ref="2.1-mismatch-text", ninth=2)
def an_exchange_may_not_be_redeclared_differently(peer: Peer, given: tuple[Any, Any]) -> None:
    first, second = ({"exchange_type": "direct", **fields} for fields in given)
    channel = peer.channel()
    name = peer.name()
    channel.call(Declare, exchange=name, **first)
    peer.expect_close(channel, Declare, fill={"name": name}, exchange=name, **second)


@check("exchange.declare.unknown-arguments-equal", ref="2.1-compared", ninth=13)
def arguments_that_mean_nothing_are_not_compared(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, arguments={"x-of-mine": 1})
    channel.call(Declare, exchange=name, exchange_type="direct", arguments={"x-of-mine": 2})


@check("exchange.declare.nowait", ref="1.3-nowait")
def a_declare_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.name()
    channel.send(Declare, exchange=name, exchange_type="direct", nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    channel.call(Declare, exchange=name, passive=True)


@check(
    "exchange.declare.nowait-error",
    ref="1.3-nowait",
    expect=Close(403, "operation not permitted on the default exchange", "channel"),
)
def a_declare_with_nowait_may_still_fail(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, exchange="", exchange_type="direct", nowait=True)


@check("exchange.declare.cr-lf", ref="1.3-queue", ninth=16)
def line_ends_are_dropped_from_a_name(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.name()
    channel.call(Declare, exchange=f"{name}\r\n", exchange_type="direct")
    channel.call(Declare, exchange=name, passive=True)


NAMES = {
    "255-bytes": Case("", "declared"),
    "utf-8": Case("é漢𝄞", "declared"),
    "spaces": Case(" a b ", "declared"),
    "controls": Case("\x00\x1b\u202e<script>%00../", "declared"),
}


@cases("exchange.declare.name-", NAMES, ref="1.5-names")
def any_utf_8_is_a_name(peer: Peer, hint: str) -> None:
    channel = peer.channel()
    name = peer.name(hint)
    name = peer.owns(name + "n" * (255 - len(name.encode())))
    channel.call(Declare, exchange=name, exchange_type="direct")
    queue = peer.bound_queue(channel, name, "key")
    channel.publish(b"m", exchange=name, routing_key="key")
    event = channel.get_one(queue)
    assert event.method["exchange"] == name


@check("exchange.delete", ref="1.3-exchange")
def deleting_a_missing_exchange_is_ok(peer: Peer) -> None:
    peer.channel().call(Delete, exchange=peer.name())


@check("exchange.delete.nowait", ref="1.3-nowait")
def a_delete_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel)
    channel.send(Delete, exchange=name, nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    channel.send(Declare, exchange=name, passive=True)
    assert channel.connection.await_close(1).code == 404


UNDELETABLE = {
    "system": Case(
        "amq.direct",
        Close(403, "deletion of system exchange 'amq.direct' in vhost '/' not allowed", "channel"),
    ),
    "default": Case("", Close(403, "operation not permitted on the default exchange", "channel")),
}


@cases("exchange.delete.", UNDELETABLE, ref="1.3-exchange")
def a_predeclared_exchange_may_not_be_deleted(peer: Peer, name: str) -> None:
    peer.expect_close(peer.channel(), Delete, exchange=name)


@check(
    "exchange.delete.if-unused",
    ref="1.3-delete-if-unused",
    expect=Close(406, "exchange '{name}' in vhost '/' in use", "channel"),
)
def an_exchange_with_bindings_is_in_use(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel)
    peer.bound_queue(channel, name, "k")
    peer.expect_close(channel, Delete, fill={"name": name}, exchange=name, if_unused=True)


@check("exchange.delete.if-unused-unbound", ref="1.3-delete-if-unused")
def an_exchange_without_bindings_is_unused(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel)
    channel.call(Delete, exchange=name, if_unused=True)


@check("exchange.delete.takes-bindings", ref="1.3-exchange")
def the_bindings_of_a_deleted_exchange_are_gone(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel)
    queue = peer.bound_queue(channel, name, "k")
    channel.call(Delete, exchange=name)
    channel.call(Declare, exchange=name, exchange_type="direct")
    channel.publish(b"m", exchange=name, routing_key="k")
    channel.await_count(queue, 0)


@check("exchange.auto-delete", ref="2.1-auto-delete-exchange", ninth=15)
def an_auto_delete_exchange_goes_with_its_last_binding(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, auto_delete=True)
    queues = [peer.bound_queue(channel, name, "k") for _ in range(2)]
    channel.call(commands.Queue.Delete, queue=queues[0])
    channel.call(Declare, exchange=name, passive=True)
    channel.call(commands.Queue.Unbind, queue=queues[1], exchange=name, routing_key="k")
    channel.send(Declare, exchange=name, passive=True)
    assert channel.connection.await_close(1).code == 404


@check("exchange.auto-delete.never-bound", ref="2.1-auto-delete-exchange", ninth=15)
def an_auto_delete_exchange_stays_before_its_first_binding(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, auto_delete=True)
    queue = peer.queue(channel)
    bind(channel, queue, "amq.direct", peer.name())
    channel.call(commands.Queue.Delete, queue=queue)
    channel.call(Declare, exchange=name, passive=True)


@check(
    "exchange.declare.alternate-exchange-type",
    ref="1.5-alternate-exchange",
    expect=Close(
        406,
        "invalid type '{type}' for arg 'alternate-exchange' in exchange '{name}' in vhost '/'",
        "channel",
    ),
)
def an_alternate_exchange_must_be_a_string(peer: Peer) -> None:
    name = peer.name()
    peer.expect_close(
        peer.channel(),
        Declare,
        fill={"name": name, "type": "signedint"},
        exchange=name,
        exchange_type="direct",
        arguments={"alternate-exchange": Typed("I", 1)},
    )
