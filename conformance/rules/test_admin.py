"""Permissions, limits and policies, with definitions.json loaded (§1.1, §2.1, §4.1, §4.2)."""

from typing import Any, TypeVar

from pamqp import base, commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.events import ClosedByPeerError
from conformance.peer import Peer

T = TypeVar("T")
Declare = commands.Queue.Declare
ACCESS_REFUSED = 403
ACCESS = "{right} access to {what} in vhost '/' refused for user 'limited'"


NO_RIGHT = "3.10 does not say which permission is missing"


def _refused(right: str, what: str) -> Close:
    return Close(403, ACCESS.replace("{right}", right).replace("{what}", what), "channel")


def _refused_case(given: T, right: str, what: str) -> Case[T]:
    old = _refused(right, what)
    old = old._replace(text=old.text.removeprefix(f"{right} "))
    return Case(given, _refused(right, what), rabbitmq_310=Differs(NO_RIGHT, old))


def _names(peer: Peer, fields: dict[str, Any]) -> dict[str, Any]:
    """Replace each name that starts with a dot by a fresh name with that ending."""
    return {
        key: peer.name(value[1:]) if isinstance(value, str) and value.startswith(".") else value
        for key, value in fields.items()
    }


REFUSED: dict[str, tuple[type[base.Frame], dict[str, Any], str, str]] = {
    "queue.declare": (Declare, {"queue": ".x"}, "configure", "queue '{queue}'"),
    "queue.delete": (commands.Queue.Delete, {"queue": ".x"}, "configure", "queue '{queue}'"),
    "exchange.declare": (
        commands.Exchange.Declare,
        {"exchange": ".x", "exchange_type": "fanout"},
        "configure",
        "exchange '{exchange}'",
    ),
    "exchange.delete": (
        commands.Exchange.Delete,
        {"exchange": ".x"},
        "configure",
        "exchange '{exchange}'",
    ),
    "queue.bind-queue": (
        commands.Queue.Bind,
        {"queue": ".x", "exchange": "amq.fanout", "routing_key": "k"},
        "write",
        "queue '{queue}'",
    ),
    "queue.bind-exchange": (
        commands.Queue.Bind,
        {"queue": ".may-write", "exchange": "amq.fanout", "routing_key": "k"},
        "read",
        "exchange 'amq.fanout'",
    ),
    "exchange.bind-destination": (
        commands.Exchange.Bind,
        {"destination": "amq.fanout", "source": "amq.topic"},
        "write",
        "exchange 'amq.fanout'",
    ),
    "exchange.bind-source": (
        commands.Exchange.Bind,
        {"destination": "amq.topic", "source": "amq.fanout"},
        "read",
        "exchange 'amq.fanout'",
    ),
    "basic.get": (commands.Basic.Get, {"queue": ".x"}, "read", "queue '{queue}'"),
    "basic.consume": (commands.Basic.Consume, {"queue": ".x"}, "read", "queue '{queue}'"),
    "queue.purge": (commands.Queue.Purge, {"queue": ".x"}, "read", "queue '{queue}'"),
    "dead-letter-source": (
        Declare,
        {
            "queue": ".may-configure",
            "arguments": {"x-dead-letter-exchange": "amq.fanout"},
        },
        "read",
        "queue '{queue}'",
    ),
    "dead-letter-exchange": (
        Declare,
        {
            "queue": ".may-configure.may-read",
            "arguments": {"x-dead-letter-exchange": "amq.fanout"},
        },
        "write",
        "exchange 'amq.fanout'",
    ),
    "alternate-source": (
        commands.Exchange.Declare,
        {
            "exchange": ".may-configure",
            "exchange_type": "fanout",
            "arguments": {"alternate-exchange": "amq.topic"},
        },
        "read",
        "exchange '{exchange}'",
    ),
    "alternate-exchange": (
        commands.Exchange.Declare,
        {
            "exchange": ".may-configure.may-read",
            "exchange_type": "fanout",
            "arguments": {"alternate-exchange": "amq.fanout"},
        },
        "write",
        "exchange 'amq.fanout'",
    ),
}


@cases(
    "permission.refused-",
    {
        key: _refused_case((kind, given), right, what)
        for key, (kind, given, right, what) in REFUSED.items()
    },
    ref="4.2-permissions",
    ninth=26,
    needs="admin",
)
def an_operation_needs_its_permission(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given[0], _names(peer, given[1])
    fill = {key: value for key, value in fields.items() if isinstance(value, str)}
    peer.expect_close(peer.channel_as("limited"), kind, fill=dict(fill), **fields)


PUBLISH: dict[str, Case[tuple[str, str]]] = {
    "exchange": _refused_case(("amq.fanout", "k"), "write", "exchange 'amq.fanout'"),
    "default-exchange": _refused_case(("", "k"), "write", "exchange 'amq.default'"),
    "topic": _refused_case(
        ("amq.topic", "no.way"), "write", "topic 'no.way' in exchange 'amq.topic'"
    ),
}


@cases("permission.refused-publish-", PUBLISH, ref="4.2-permissions", ninth=26, needs="admin")
def publishing_needs_write_permission(peer: Peer, given: tuple[str, str]) -> None:
    channel = peer.channel_as("limited")
    channel.publish(b"m", exchange=given[0], routing_key=given[1])
    peer.expect_close(channel)


@check("permission.granted", ref="4.2-permissions", ninth=26, needs="admin")
def what_is_permitted_is_done(peer: Peer) -> None:
    channel = peer.channel_as("limited")
    queue = peer.queue(channel, "may-configure.may-write.may-read")
    channel.call(commands.Queue.Bind, queue=queue, exchange="amq.topic", routing_key="ok.1")
    channel.publish(b"m", exchange="amq.topic", routing_key="ok.1")
    assert channel.get(queue) is not None


@check("permission.impersonator", ref="1.5-user-id", ninth=22, needs="admin")
def an_impersonator_may_send_any_user_id(peer: Peer) -> None:
    channel = peer.channel_as("impersonator")
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue, user_id="someone else")
    event = channel.get_one(queue)
    assert event.properties["user_id"] == "someone else"


def _open(peer: Peer, vhost: str) -> None:
    connection = peer.stranger()
    connection.send_header_and_start_ok()
    connection.expect(0, commands.Connection.Tune)
    connection.send_method(0, commands.Connection.TuneOk, channel_max=2047, frame_max=131072)
    connection.send_method(0, commands.Connection.Open, virtual_host=vhost)
    peer.expect_closed(connection, 0)


VHOSTS = {
    "forbidden": Case(
        "conformance-forbidden",
        Close(
            530,
            "access to vhost 'conformance-forbidden' refused for user 'guest'",
            "connection",
            (10, 40),
        ),
    ),
    "full": Case(
        "conformance-full",
        Close(
            530,
            "access to vhost 'conformance-full' refused for user 'guest': connection limit (0) is "
            "reached",
            "connection",
            (10, 40),
        ),
    ),
}


@cases("connection.open.vhost-", VHOSTS, ref="1.1-open-refused", needs="admin")
def a_vhost_may_be_refused(peer: Peer, vhost: str) -> None:
    _open(peer, vhost)


@check(
    "queue.declare.vhost-limit",
    ref="2.1-limits",
    needs="admin",
    expect=Close(
        406,
        "cannot declare queue '{queue}': queue limit in vhost 'conformance-limited' (1) is reached",
        "channel",
    ),
)
def a_vhost_takes_no_more_queues_than_its_limit(peer: Peer) -> None:
    channel = peer.channel(vhost="conformance-limited")
    channel.declare("", exclusive=True)
    queue = peer.name()
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue)


def _kept(channel: Channel, queue: str, count: int = 4) -> list[bytes]:
    for index in range(count):
        channel.publish(b"%d" % index, routing_key=queue)
    channel.settle(queue)
    return [event.body for event in channel.drain(queue)]


POLICIES: dict[str, Case[tuple[str, dict[str, Any]]]] = {
    "unanchored": Case(("policy-max", {}), [b"2", b"3"]),
    "anchored": Case(("policy-anchored", {}), [b"0", b"1", b"2", b"3"]),
    "one-winner": Case(("policy-two", {}), [b"0", b"1", b"2", b"3"]),
    "lower-argument": Case(("policy-max", {"x-max-length": 1}), [b"3"]),
    "lower-policy": Case(("policy-max", {"x-max-length": 3}), [b"2", b"3"]),
    "operator": Case(("policy-operator", {}), [b"2", b"3"]),
    "operator-over-argument": Case(("policy-operator", {"x-max-length": 3}), [b"2", b"3"]),
    "overflow": Case(("policy-overflow", {}), [b"0"]),
    "overflow-argument": Case(("policy-overflow", {"x-overflow": "drop-head"}), [b"3"]),
}


@cases("policy.", POLICIES, ref="4.1-policy", ninth=25, needs="admin")
def a_policy_limits_the_queues_it_matches(peer: Peer, given: tuple[str, dict[str, Any]]) -> None:
    hint, arguments = given
    channel = peer.channel()
    kept = _kept(channel, peer.queue(channel, hint, arguments=arguments))
    assert kept == peer.expected, kept


@check("policy.message-ttl", ref="2.2-precedence", ninth=25, needs="admin")
def the_lower_ttl_of_policy_and_argument_holds(peer: Peer) -> None:
    channel = peer.channel()
    target = peer.queue(channel)
    arguments = {
        "x-message-ttl": 60_000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": target,
    }
    channel.publish(b"m", routing_key=peer.queue(channel, "policy-ttl", arguments=arguments))
    assert channel.get_soon(target).body == b"m"


@check("policy.dead-letter", ref="4.1-policy", ninth=25, needs="admin")
def a_policy_may_dead_letter(peer: Peer) -> None:
    channel = peer.channel()
    target = peer.owns("conformance.policy.dead")
    channel.declare(target)
    source = peer.queue(channel, "policy-dead-letter")
    channel.publish(b"m", routing_key=source)
    channel.reject(channel.get_soon_unacked(source).tag, requeue=False)
    assert channel.get_soon(target).body == b"m"


@check("policy.alternate-exchange", ref="4.1-policy", ninth=25, needs="admin")
def a_policy_may_name_an_alternate_exchange(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.name("policy-alternate")
    channel.call(commands.Exchange.Declare, exchange=exchange, exchange_type="direct")
    queue = peer.bound_queue(channel, "amq.fanout")
    channel.publish(b"m", exchange=exchange, routing_key="nowhere")
    assert channel.get(queue) is not None


@cases(
    "definitions.",
    {
        "tags-in-a-text": Case(("guest", "guest"), "logged in"),
        "tags-in-a-list": Case(("impersonator", "impersonator"), "logged in"),
        "salted-hash": Case(("limited", "limited"), "logged in"),
    },
    ref="4.3-definitions",
    ninth=29,
    needs="admin",
)
def a_user_of_an_imported_file_may_log_in(peer: Peer, given: tuple[str, str]) -> None:
    user, password = given
    assert user == password, "the users of definitions.json are called as their passwords"
    peer.channel_as(user).sync()


@check("definitions.salted-hash-wrong", ref="4.3-definitions", ninth=29, needs="admin")
def a_wrong_password_does_not_match_the_hash(peer: Peer) -> None:
    connection = peer.stranger()
    connection.send_header_and_start_ok(response=b"\0limited\0Limited")
    assert connection.await_close().code == 403


PATTERNED: dict[str, Case[str]] = {
    "end": Case("end", True),
    "end-not-within": Case("end.x", False),
    "posix-class": Case("graphic.graph", True),
    "posix-class-not": Case("a b.graph", False),
    "option-inside": Case("caseLESS", True),
    "option-inside-not-before": Case("CASEless", False),
    "atomic-group": Case("aaab.atomic", False),
    "branch-reset": Case("yy.reset", True),
    "branch-reset-not": Case("xy.reset", False),
    "braces-that-are-none": Case("a{,2}.braces", True),
    "braces-that-are-none-not": Case("aa.braces", False),
    "octets-of-latin-1": Case("ê.octets", True),
    "octets-of-latin-1-not": Case("é.octets", False),
}


@cases("permission.pattern-", PATTERNED, ref="2.2-pcre", needs="admin")
def patterns_are_those_of_pcre(peer: Peer, given: str) -> None:
    channel = peer.channel_as("patterned")
    channel.send(Declare, queue=peer.name(given), exclusive=True)
    try:
        channel.connection.expect(1, commands.Queue.DeclareOk)
        is_allowed = True
    except ClosedByPeerError as error:
        is_allowed = error.closed.code != ACCESS_REFUSED
    assert is_allowed is peer.expected
