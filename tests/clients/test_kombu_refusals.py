"""kombu: each refusal has the client's own class of error."""

from collections.abc import Callable, Iterator
from typing import Any

import kombu
import pytest
from amqp.exceptions import (
    AccessRefused,
    AMQPNotImplementedError,
    ConsumerCancelled,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    ResourceLocked,
)

from tests.clients.support.deadlines import Deadline
from tests.clients.support.names import Names


@pytest.fixture
def connection(broker_uri: str, names: Names) -> Iterator[kombu.Connection]:
    """A connection, closed before the test's names are deleted."""
    with kombu.Connection(broker_uri, transport_options={"confirm_publish": True}) as opened:
        yield opened


def drain_until(connection: kombu.Connection, condition: Callable[[], object], what: str) -> None:
    """Let kombu read from its connection until ``condition`` holds."""
    deadline = Deadline()
    while not condition():
        deadline.check(what)
        connection.drain_events(timeout=deadline.left_s or 1)


def own_queue(names: Names, word: str = "queue", **options: Any) -> kombu.Queue:  # noqa: ANN401 -- kombu's own
    name = names.queue(word)
    return kombu.Queue(name, kombu.Exchange(names.exchange(word), "direct"), name, **options)


REFUSALS: dict[str, tuple[Callable[[Any, str], object], type[Exception], int, str]] = {
    "missing queue": (
        lambda channel, x: channel.queue_declare(x, passive=True),
        NotFound,
        404,
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "missing exchange": (
        lambda channel, x: channel.queue_bind(channel.queue_declare(exclusive=True).queue, x),
        NotFound,
        404,
        "NOT_FOUND - no exchange '{x}' in vhost '/'",
    ),
    "reserved name": (
        lambda channel, x: channel.queue_declare("amq.mine"),
        AccessRefused,
        403,
        "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    ),
    "wrong argument": (
        lambda channel, x: channel.queue_declare(x, arguments={"x-message-ttl": "soon"}),
        PreconditionFailed,
        406,
        (
            "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '{x}' in vhost '/': "
            '"expected integer, got longstr"'
        ),
    ),
    "prefetch size": (
        lambda channel, x: channel.basic_qos(1, 1, False),
        AMQPNotImplementedError,
        540,
        "NOT_IMPLEMENTED - prefetch_size!=0 (1)",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_the_clients_own_class(broker_uri: str, names: Names, refusal: str) -> None:
    do, kind, code, text = REFUSALS[refusal]
    connection = kombu.Connection(broker_uri)
    channel = connection.channel()

    with pytest.raises(kind) as caught:
        do(channel, names.prefix)
    connection.close()

    error: Any = caught.value
    assert (error.reply_code, error.reply_text) == (code, text.format(x=names.prefix))


def test_an_exclusive_queue_is_locked_for_others(
    broker_uri: str, connection: kombu.Connection, names: Names
) -> None:
    queue = names.queue()
    connection.default_channel.queue_declare(queue, exclusive=True)

    with (
        kombu.Connection(broker_uri) as other,
        pytest.raises(ResourceLocked, match="RESOURCE_LOCKED - cannot obtain exclusive access"),
    ):
        other.default_channel.queue_declare(queue, exclusive=True)


def test_a_consumer_learns_that_its_queue_was_deleted(
    broker_uri: str, connection: kombu.Connection, names: Names
) -> None:
    queue = own_queue(names)
    cancelled: list[str] = []
    tag = queue(connection.default_channel)
    tag.declare()
    connection.default_channel.basic_consume(
        queue.name, consumer_tag="mine", on_cancel=cancelled.append
    )
    with kombu.Connection(broker_uri) as other:
        queue(other.default_channel).delete()
    drain_until(connection, lambda: cancelled, "basic.cancel from the broker")

    assert cancelled == ["mine"]
    assert issubclass(ConsumerCancelled, Exception)


def test_a_wrong_password_and_a_missing_vhost_are_told_as_such(broker_uri: str) -> None:
    with pytest.raises(AccessRefused) as refused:
        kombu.Connection(broker_uri.replace("guest:guest@", "guest:wrong@")).connect()
    with pytest.raises(NotAllowed) as missing:
        kombu.Connection(broker_uri.rpartition("/")[0] + "/nowhere").connect()

    assert refused.value.reply_code == 403
    assert missing.value.reply_text == "NOT_ALLOWED - vhost nowhere not found"
