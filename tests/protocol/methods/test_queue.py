"""queue.*: declare, bind, purge and delete, with their rights."""

import pytest
from pamqp import commands

from amqp_server.wire.methods import Method
from tests.support.peer import Client, Node


def declared(peer: Client, **arguments: object) -> tuple[str, int | None, int | None]:
    peer.send(commands.Queue.Declare, **arguments)
    reply = peer.expect(commands.Queue.DeclareOk)
    return str(reply.queue), reply.message_count, reply.consumer_count


# -- declare -----------------------------------------------------------------------------------


def test_a_declare_tells_what_is_in_it_and_who_consumes(peer: Client) -> None:
    peer.publish(b"a", b"b")
    assert declared(peer, queue="jobs") == ("jobs", 2, 0)
    peer.consume()
    assert declared(peer, queue="jobs", passive=True) == ("jobs", 0, 1)


def test_an_empty_name_asks_for_a_fresh_one(peer: Client) -> None:
    first, second = declared(peer)[0], declared(peer)[0]
    assert first != second
    assert first.startswith("amq.gen-")
    peer.publish(b"x", routing_key=second)
    assert peer.get("") == b"x"


def test_a_second_declare_must_be_alike(peer: Client) -> None:
    close = peer.refused(commands.Queue.Declare, queue="jobs", durable=True)
    assert close.code == 406
    assert close.text == (
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'jobs' in vhost '/':"
        " received 'true' but current is 'false'"
    )


@pytest.mark.parametrize(
    "kind",
    [
        commands.Queue.Declare,
        commands.Queue.Delete,
        commands.Queue.Purge,
        commands.Basic.Get,
        commands.Basic.Consume,
    ],
)
def test_an_exclusive_queue_is_its_connections_own(peer: Client, kind: type[Method]) -> None:
    peer.declare("mine", exclusive=True)
    close = peer.node.open().refused(kind, queue="mine")
    assert close.code == 405
    assert close.text.startswith(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'."
    )


@pytest.mark.parametrize("durable", [False, True])
def test_durable_is_ignored_on_an_exclusive_queue(peer: Client, durable: bool) -> None:
    peer.declare("mine", exclusive=True, durable=durable)
    assert declared(peer, queue="mine", exclusive=True, durable=not durable)[0] == "mine"
    assert peer.refused(commands.Queue.Declare, queue="mine", durable=durable).code == 405


def test_an_exclusive_queue_is_shared_by_the_channels_of_its_connection(peer: Client) -> None:
    peer.declare("mine", exclusive=True)
    peer.open_channel(2)
    peer.send(commands.Queue.Declare, 2, queue="mine", exclusive=True)
    peer.expect(commands.Queue.DeclareOk)


def test_reserved_names_are_not_to_be_declared(peer: Client) -> None:
    close = peer.refused(commands.Queue.Declare, queue="amq.mine")
    assert close.text == ("ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'")


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x", "\U0001f407" * 63 + "abc"])
def test_a_name_has_up_to_255_octets(peer: Client, name: str) -> None:
    assert declared(peer, queue=name)[0] == name
    peer.publish(b"x", routing_key=name)
    assert peer.get(name) == b"x"


@pytest.mark.parametrize("name", ["a\nb\r", "\0", "\x1b[31m", "<script>", "%00", "../..", "\u202e"])
def test_any_name_is_a_name_but_for_line_ends(peer: Client, name: str) -> None:
    """As RabbitMQ, which drops CR and LF."""
    assert declared(peer, queue=name)[0] == name.replace("\n", "").replace("\r", "")


@pytest.mark.parametrize(
    "form",
    [
        {"passive": True},
        {},
        {"durable": True, "exclusive": True, "auto_delete": True},
        {"arguments": {"x-max-length": "no number"}},
    ],
)
@pytest.mark.parametrize("name", ["amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to\n"])
def test_the_bare_reply_name_is_always_there(
    peer: Client, name: str, form: dict[str, object]
) -> None:
    expected = ("amq.rabbitmq.reply-to", 0, 1)
    assert declared(peer, queue=name, **form) == expected
    peer.send(commands.Queue.Declare, queue=name, nowait=True, **form)
    assert peer.receive() == []


@pytest.mark.parametrize("passive", [True, False])
@pytest.mark.parametrize("ending", ["x", ".", ".nobody"])
def test_what_begins_like_a_reply_name_is_only_looked_for(
    peer: Client, ending: str, passive: bool
) -> None:
    name = f"amq.rabbitmq.reply-to{ending}"
    close = peer.refused(commands.Queue.Declare, queue=name, passive=passive)
    assert (close.code, close.text) == (404, f"NOT_FOUND - no queue '{name}' in vhost '/'")


def test_nothing_but_a_declare_finds_the_bare_reply_name(peer: Client) -> None:
    name = "amq.rabbitmq.reply-to"
    peer.consume(name, no_ack=True)
    for kind in (commands.Queue.Purge, commands.Basic.Get):
        assert peer.refused(kind, queue=name).code == 404
    peer.send(commands.Queue.Delete, queue=name)
    assert peer.expect(commands.Queue.DeleteOk).message_count == 0
    assert declared(peer, queue=name) == (name, 0, 1)


def test_a_direct_reply_name_says_whether_somebody_waits(peer: Client) -> None:
    name = "amq.rabbitmq.reply-to.forged"
    assert peer.refused(commands.Queue.Declare, queue=name, passive=True).code == 404
    peer.consume("amq.rabbitmq.reply-to", no_ack=True)
    receiver = next(iter(peer.connection._channels._channels.values())).reply_receiver
    assert receiver is not None
    peer.receive()
    assert declared(peer, queue=receiver.name, passive=True) == (receiver.name, 0, 1)


# -- bind --------------------------------------------------------------------------------------


def test_a_bound_queue_gets_what_matches_until_it_is_unbound(peer: Client) -> None:
    ends: dict[str, object] = {"queue": "jobs", "exchange": "amq.topic", "routing_key": "a.*"}
    peer.send(commands.Queue.Bind, **ends)
    peer.expect(commands.Queue.BindOk)
    peer.publish(b"x", exchange="amq.topic", routing_key="a.b")
    assert peer.get() == b"x"
    peer.send(commands.Queue.Unbind, **ends)
    peer.expect(commands.Queue.UnbindOk)
    peer.publish(b"x", exchange="amq.topic", routing_key="a.b")
    assert peer.get() is None


def test_only_a_binding_that_is_there_is_locked_with_its_exclusive_queue(peer: Client) -> None:
    ends: dict[str, object] = {"queue": "mine", "exchange": "amq.topic", "routing_key": "a"}
    peer.declare("mine", exclusive=True)
    peer.send(commands.Queue.Bind, **ends)
    peer.expect(commands.Queue.BindOk)
    other = peer.node.open()
    other.send(commands.Queue.Unbind, **{**ends, "routing_key": "b"})
    other.expect(commands.Queue.UnbindOk)
    assert other.refused(commands.Queue.Unbind, **ends).code == 405


def test_an_empty_queue_name_and_key_are_the_last_declared_queue(peer: Client) -> None:
    peer.send(commands.Queue.Bind, exchange="amq.direct")
    peer.publish(b"x", exchange="amq.direct", routing_key="jobs")
    peer.receive()
    assert peer.get() == b"x"


@pytest.mark.parametrize(
    ("ends", "code", "text"),
    [
        ({"queue": "none", "exchange": "amq.topic"}, 404, "no queue 'none' in vhost '/'"),
        ({"queue": "jobs", "exchange": "none"}, 404, "no exchange 'none' in vhost '/'"),
        ({"queue": "none", "exchange": "none"}, 404, "no exchange 'none' in vhost '/'"),
        (
            {"queue": "jobs", "exchange": ""},
            403,
            "operation not permitted on the default exchange",
        ),
        (
            {"queue": "amq.rabbitmq.reply-to", "exchange": "amq.topic"},
            403,
            "cannot bind or unbind to a volatile (direct reply-to) queue",
        ),
    ],
)
def test_both_ends_of_a_binding_must_exist_the_exchange_first(
    peer: Client, ends: dict[str, object], code: int, text: str
) -> None:
    close = peer.refused(commands.Queue.Bind, **ends)
    assert (close.code, close.text.partition(" - ")[2]) == (code, text)


@pytest.mark.parametrize(
    "ends", [{"queue": "none", "exchange": "none"}, {"queue": "jobs", "exchange": "none"}]
)
def test_what_was_never_bound_is_unbound_already(peer: Client, ends: dict[str, object]) -> None:
    peer.send(commands.Queue.Unbind, **ends)
    peer.expect(commands.Queue.UnbindOk)


# -- purge and delete --------------------------------------------------------------------------


def test_a_purge_takes_what_is_ready_and_counts_it(peer: Client) -> None:
    peer.publish(b"a", b"b", b"c")
    peer.send(commands.Basic.Get, queue="jobs")
    peer.receive()
    peer.send(commands.Queue.Purge, queue="jobs")
    assert peer.expect(commands.Queue.PurgeOk).message_count == 2
    peer.send(commands.Basic.Nack, delivery_tag=1, requeue=True)
    assert peer.get() == b"a"


def test_a_delete_counts_what_was_ready(peer: Client) -> None:
    peer.publish(b"a", b"b")
    for expected in (2, 0):
        peer.send(commands.Queue.Delete, queue="jobs")
        assert peer.expect(commands.Queue.DeleteOk).message_count == expected


def test_a_queue_that_is_used_or_not_empty_may_be_kept(peer: Client) -> None:
    peer.publish(b"x")
    close = peer.refused(commands.Queue.Delete, queue="jobs", if_empty=True)
    assert close.text == "PRECONDITION_FAILED - queue 'jobs' in vhost '/' not empty"
    peer.consume()
    close = peer.refused(commands.Queue.Delete, queue="jobs", if_unused=True)
    assert close.text == "PRECONDITION_FAILED - queue 'jobs' in vhost '/' in use"


def test_nowait_is_silent(peer: Client) -> None:
    peer.send(commands.Queue.Declare, queue="q", nowait=True)
    peer.send(commands.Queue.Bind, queue="q", exchange="amq.fanout", nowait=True)
    peer.send(commands.Queue.Purge, queue="q", nowait=True)
    peer.send(commands.Queue.Delete, queue="q", nowait=True)
    assert peer.receive() == []


@pytest.mark.parametrize("kind", [commands.Queue.Purge, commands.Basic.Get, commands.Basic.Consume])
def test_what_does_not_exist_is_not_found(peer: Client, kind: type[Method]) -> None:
    close = peer.refused(kind, queue="none")
    assert (close.code, close.text) == (404, "NOT_FOUND - no queue 'none' in vhost '/'")


# -- rights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "arguments", "what"),
    [
        (commands.Queue.Declare, {"queue": "closed"}, "configure access to queue 'closed'"),
        (commands.Queue.Delete, {"queue": "closed"}, "configure access to queue 'closed'"),
        (commands.Queue.Purge, {"queue": "closed"}, "read access to queue 'closed'"),
        (
            commands.Queue.Bind,
            {"queue": "closed", "exchange": "amq.topic"},
            "write access to queue 'closed'",
        ),
        (
            commands.Queue.Bind,
            {"queue": "mine", "exchange": "amq.topic"},
            "read access to exchange 'amq.topic'",
        ),
        (
            commands.Queue.Declare,
            {"queue": "mine2", "arguments": {"x-dead-letter-exchange": "amq.topic"}},
            "write access to exchange 'amq.topic'",
        ),
    ],
)
def test_every_name_needs_its_right(
    kind: type[Method], arguments: dict[str, object], what: str
) -> None:
    node = Node()
    for name in ("closed", "mine"):
        node.open().declare(name)
    node.add_user("ann", "^mine", "^mine", "^mine")
    close = node.open(user="ann").refused(kind, **arguments)
    assert close.code == 403
    assert close.text == f"ACCESS_REFUSED - {what} in vhost '/' refused for user 'ann'"
