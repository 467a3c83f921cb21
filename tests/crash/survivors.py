"""What outlives a kill, asked of a broker: ``python -m tests.crash.survivors --rabbitmq``.

The same questions go to HareMQ in ``test_survivors`` and to Debian's RabbitMQ by hand; the answers
that are expected are RabbitMQ's.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pamqp import commands

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.events import ClosedByPeerError
from tests.crash.kill_loop import node_of
from tests.crash.link import HOST
from tests.crash.node import Killable, RabbitNode
from tests.support.ports import free_port

PERSISTENT: Final = 2
TRANSIENT: Final = 1
GONE: Final = 404

QUEUES: Final[Mapping[str, Mapping[str, bool]]] = {
    "durable": {"durable": True},
    "transient": {"durable": False},
    "durable, auto-delete": {"durable": True, "auto_delete": True},
    "durable, exclusive": {"durable": True, "exclusive": True},
}
EXCHANGES: Final = {"durable exchange": True, "transient exchange": False}

SURVIVORS: Final[Mapping[str, object]] = {
    "durable": [(b"persistent", True), (b"by its binding", False)],
    "transient": GONE,
    "durable, auto-delete": [(b"persistent", True), (b"by its binding", False)],
    "durable, exclusive": GONE,
    "durable exchange": None,
    "transient exchange": GONE,
}
"""By name: the code of a passive declare's refusal; None of an exchange that is there; of a queue
the bodies in it, each with whether it says redelivered."""


def survivors(node: Killable) -> dict[str, object]:
    """Declare one of each, publish to it, kill the broker, and return what there is afterwards.

    The connection that declared is open when the broker is killed: what is deleted with it was not
    deleted by its end.
    """
    node.start()
    node.wait_until_ready()
    with _connection(node) as connection:
        _declare(connection.channel())
        node.kill()
    node.start()
    node.wait_until_ready()
    with _connection(node) as connection:
        channel = connection.channel()
        channel.publish(b"by its binding", exchange="durable exchange")
    found: dict[str, object] = {}
    for name in (*QUEUES, *EXCHANGES):
        with _connection(node) as connection:
            found[name] = _look(connection.channel(), name)
    return found


def _connection(node: Killable) -> Connection:
    return Connection(Address.of(f"amqp://guest:guest@{HOST}:{node.port}/%2F")).open()


def _declare(channel: Channel) -> None:
    channel.call(commands.Confirm.Select)
    for name, durable in EXCHANGES.items():
        channel.call(
            commands.Exchange.Declare, exchange=name, exchange_type="fanout", durable=durable
        )
    for name, properties in QUEUES.items():
        channel.declare(name, **properties)
        channel.call(commands.Queue.Bind, queue=name, exchange="durable exchange")
        for body, mode in ((b"persistent", PERSISTENT), (b"transient", TRANSIENT)):
            confirmed = channel.publish_confirmed(body, routing_key=name, delivery_mode=mode)
            assert isinstance(confirmed, commands.Basic.Ack), confirmed


def _look(channel: Channel, name: str) -> object:
    try:
        if name in EXCHANGES:
            channel.call(commands.Exchange.Declare, exchange=name, passive=True)
            return None
        channel.settle(name)
        return [
            (event.body, event.method.redelivered)
            for event in channel.drain(name)
            if isinstance(event.method, commands.Basic.GetOk)
        ]
    except ClosedByPeerError as error:
        return error.closed.code


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what outlived a kill of one broker; 1 if that is not what is expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.survivors", description=__doc__)
    parser.add_argument("--rabbitmq", action="store_true", help="ask Debian's RabbitMQ instead")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="haremq-survivors-") as folder:
        node: Killable = (
            RabbitNode(free_port())
            if options.rabbitmq
            else node_of(Path(folder), free_port(), "fsync")
        )
        try:
            found = survivors(node)
        finally:
            node.stop()
    for name, what in found.items():
        print(f"{name:22} {what}{'' if what == SURVIVORS[name] else '  UNEXPECTED'}")
    return 0 if found == SURVIVORS else 1


if __name__ == "__main__":
    sys.exit(main())
