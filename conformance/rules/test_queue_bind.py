"""queue.bind, queue.unbind, exchange.bind, exchange.unbind (§1.3, §3)."""

from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.fields import Typed
from conformance.peer import Peer, bind, bind_exchange

Bind = commands.Queue.Bind
Unbind = commands.Queue.Unbind


def _missing(kind: type[base.Frame], what: str, **fields: Any) -> Case[tuple[Any, Any]]:  # noqa: ANN401
    return Case((kind, fields), Close(404, f"no {what} in vhost '/'", "channel"))


MISSING = {
    "queue.bind.queue-missing": _missing(
        Bind,
        "queue 'conformance-no'",
        queue="conformance-no",
        exchange="amq.direct",
        routing_key="k",
    ),
    "queue.bind.exchange-missing": _missing(
        Bind, "exchange 'conformance-no'", exchange="conformance-no", routing_key="k"
    ),
    "exchange.bind.source-missing": _missing(
        commands.Exchange.Bind,
        "exchange 'conformance-no'",
        source="conformance-no",
        destination="amq.direct",
    ),
    "exchange.bind.destination-missing": _missing(
        commands.Exchange.Bind,
        "exchange 'conformance-no'",
        source="amq.direct",
        destination="conformance-no",
    ),
}


@cases("", MISSING, ref="1.3-exchange")
def a_binding_needs_both_its_ends(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    channel = peer.channel()
    if kind is Bind and "queue" not in fields:
        fields = {**fields, "queue": peer.queue(channel)}
    peer.expect_close(channel, kind, **fields)


DEFAULT = Close(403, "operation not permitted on the default exchange", "channel")
ON_DEFAULT: dict[str, Case[tuple[type[base.Frame], dict[str, Any]]]] = {
    key: Case(given, DEFAULT)
    for key, given in {
        "queue.bind.default": (Bind, {"exchange": "", "routing_key": "k"}),
        "queue.unbind.default": (Unbind, {"exchange": "", "routing_key": "k"}),
        "exchange.bind.from-default": (
            commands.Exchange.Bind,
            {"source": "", "destination": "amq.direct"},
        ),
        "exchange.bind.to-default": (
            commands.Exchange.Bind,
            {"source": "amq.direct", "destination": ""},
        ),
        "exchange.unbind.from-default": (
            commands.Exchange.Unbind,
            {"source": "", "destination": "amq.direct"},
        ),
    }.items()
}


@cases("", ON_DEFAULT, ref="3-predeclared")
def the_default_exchange_may_not_be_bound(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    channel = peer.channel()
    if kind in {Bind, Unbind}:
        fields = {**fields, "queue": peer.queue(channel)}
    peer.expect_close(channel, kind, **fields)


@check("queue.bind.twice", ref="3-direct-fanout")
def binding_twice_gives_one_copy_and_one_unbind(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel)
    queue = peer.bound_queue(channel, exchange, "k")
    bind(channel, queue, exchange, "k")
    channel.publish(b"m", exchange=exchange, routing_key="k")
    channel.await_count(queue, 1)
    channel.call(Unbind, queue=queue, exchange=exchange, routing_key="k")
    channel.publish(b"m", exchange=exchange, routing_key="k")
    channel.await_count(queue, 1)


@check("queue.bind.two-keys", ref="3-direct-fanout")
def a_queue_bound_twice_over_gets_one_copy(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, exchange, "a.*")
    bind(channel, queue, exchange, "*.b")
    channel.publish(b"m", exchange=exchange, routing_key="a.b")
    channel.await_count(queue, 1)


@check("queue.bind.identity", ref="3-binding-identity")
def the_same_key_with_other_arguments_is_another_binding(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel)
    queue = peer.bound_queue(channel, exchange, "k", {"n": 1})
    bind(channel, queue, exchange, "k", {"n": 2})
    channel.call(Unbind, queue=queue, exchange=exchange, routing_key="k", arguments={"n": 1})
    channel.publish(b"m", exchange=exchange, routing_key="k")
    channel.await_count(queue, 1)
    channel.call(Unbind, queue=queue, exchange=exchange, routing_key="k", arguments={"n": 2})
    channel.publish(b"m", exchange=exchange, routing_key="k")
    channel.await_count(queue, 1)


@check("queue.unbind.missing", ref="1.3-exchange")
def unbinding_what_is_not_bound_is_ok(peer: Peer) -> None:
    channel = peer.channel()
    queue, exchange = peer.queue(channel), peer.exchange(channel)
    channel.call(Unbind, queue=queue, exchange=exchange, routing_key="k")


@check("queue.unbind.missing-ends", ref="1.3-exchange", expect="unbind-ok")
def unbinding_what_does_not_exist_is_ok(peer: Peer) -> None:
    channel = peer.channel()
    channel.call(Unbind, queue=peer.name(), exchange=peer.name(), routing_key="k")


@check("queue.bind.nowait", ref="1.3-nowait")
def a_bind_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue, exchange = peer.queue(channel), peer.exchange(channel)
    channel.send(Bind, queue=queue, exchange=exchange, routing_key="k", nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    channel.publish(b"m", exchange=exchange, routing_key="k")
    assert channel.get(queue) is not None


@check(
    "queue.bind.nowait-error",
    ref="1.3-nowait",
    expect=Close(404, "no exchange 'conformance-no' in vhost '/'", "channel"),
)
def a_bind_with_nowait_may_still_fail(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    peer.expect_close(
        channel, Bind, queue=queue, exchange="conformance-no", routing_key="k", nowait=True
    )


@check("exchange.unbind.ok", ref="1.3-exchange")
def exchange_unbind_is_answered_with_method_51(peer: Peer) -> None:
    channel = peer.channel()
    source, destination = peer.exchange(channel), peer.exchange(channel)
    bind_exchange(channel, destination, source, "k")
    channel.send(commands.Exchange.Unbind, destination=destination, source=source, routing_key="k")
    frame = channel.connection.read_frame()
    assert frame is not None, "the connection ended"
    assert frame.payload == b"\x00\x28\x00\x33", frame


@check("exchange.bind.nowait", ref="1.3-nowait")
def exchange_bind_and_unbind_with_nowait_are_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    source, destination = peer.exchange(channel), peer.exchange(channel)
    ends = {"destination": destination, "source": source, "routing_key": "k", "nowait": True}
    channel.send(commands.Exchange.Bind, **ends)
    channel.send(commands.Exchange.Unbind, **ends)
    channel.sync()
    assert not channel.connection.pending(1)


@check("exchange.unbind.missing", ref="1.3-exchange")
def unbinding_exchanges_that_are_not_bound_is_ok(peer: Peer) -> None:
    channel = peer.channel()
    source, destination = peer.exchange(channel), peer.exchange(channel)
    channel.call(commands.Exchange.Unbind, destination=destination, source=source, routing_key="k")


X_MATCH = "Invalid x-match field value {term}; expected all, any, all-with-x, or any-with-x"


@check(
    "queue.bind.x-match-invalid",
    ref="3-headers",
    ninth=24,
    expect=Close(406, X_MATCH.replace("{term}", '<<"foo">>'), "channel"),
)
def an_unknown_x_match_is_refused(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    arguments = {"x-match": "foo"}
    peer.expect_close(channel, Bind, queue=queue, exchange="amq.headers", arguments=arguments)


@check(
    "queue.bind.x-match-type",
    ref="3-headers",
    ninth=24,
    expect=Close(
        406, "Invalid x-match field type {type} (value {value}); expected longstr", "channel"
    ),
)
def an_x_match_that_is_no_string_is_refused(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    peer.expect_close(
        channel,
        Bind,
        fill={"type": "signedint", "value": 1},
        queue=queue,
        exchange="amq.headers",
        arguments={"x-match": Typed("I", 1)},
    )


@check("queue.bind.topic-many-hashes", ref="3-topic", expect="bound")
def a_topic_key_of_many_wildcards_ends_in_time(peer: Peer) -> None:
    """4.3 refuses more than two ``#``. 3.13 accepts them, so a match must end in time."""
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, exchange, "#.a.#.a.#.a.#.b")
    channel.publish(b"m", exchange=exchange, routing_key=".".join("a" * 30))
    channel.publish(b"m", exchange=exchange, routing_key=".".join("a" * 30 + "b"))
    channel.await_count(queue, 1)
