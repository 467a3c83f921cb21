"""A node that notes each function of ours as it is called: what the walks of the docs are held to.

As a program, with ``HAREMQ_INTERPRETED=1`` so that no step is hidden in a kernel:

    python -m tests.support.traced_node FOLDER

It runs a node on an empty FOLDER twice, is its client from another thread, and prints one JSON
object: for each walk what was called, in order, as ``file::function``. The threads that wait for
the disk are traced too.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from types import CodeType, FrameType
from typing import Final

import pytest
from pamqp import commands

from amqp_server import app
from amqp_server.broker.settings import BrokerSettings
from amqp_server.net.server import Bound
from amqp_server.net.settings import ListenerSettings, NetSettings
from amqp_server.settings.schema import Settings
from conformance.address import Address
from conformance.client import Connection
from management.settings import ManagementSettings

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("amqp_server", "exchanges", "queues", "persistence")

_BETWEEN: Final = "between"
_QUEUE: Final = "walked"
_OTHER_QUEUE: Final = "other"
_PERSISTENT: Final = 2


class Trace:
    """What was called, a list for each walk."""

    def __init__(self) -> None:
        self._walks: dict[str, list[CodeType]] = {}
        self._calls: list[CodeType] = []

    def begin(self, walk: str) -> None:
        """Note what is called from now on for this walk."""
        self._calls = self._walks.setdefault(walk, [])

    def on_event(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call; the interpreter calls it for all that happens."""
        if event == "call":
            self._calls.append(frame.f_code)

    def steps(self) -> dict[str, list[str]]:
        """Return the calls of our own functions by walk, each as ``file::function``."""
        return {walk: list(_named(calls)) for walk, calls in self._walks.items()}


def _named(calls: Iterable[CodeType]) -> Iterator[str]:
    for code in calls:
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in SOURCES:
            yield f"{path.relative_to(ROOT)}::{code.co_qualname}"


def _run(settings: Settings, client: Callable[[int], None]) -> None:
    """Run a node for as long as its client, which is called with the port, has not returned."""
    ready: SimpleQueue[int] = SimpleQueue()

    def say_ready(bound: Iterable[Bound]) -> None:
        ready.put(next(iter(bound)).port)

    def use() -> None:
        sys.setprofile(None)
        try:
            client(ready.get())
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("amqp_server.app.say_ready", say_ready)
        thread = threading.Thread(target=use)
        thread.start()
        status = app.run(settings)
        thread.join()
    assert status == 0, "the node ends in order"


def _connected(port: int) -> Connection:
    return Connection(Address.of(f"amqp://127.0.0.1:{port}")).open()


def main(folder: Path) -> None:
    """Run the node twice, and print what it called."""
    settings = Settings(
        net=NetSettings(listeners=(ListenerSettings(port=0),)),
        management=ManagementSettings(listeners=(), metrics_listeners=()),
        broker=BrokerSettings(data_dir=folder),
    )
    trace = Trace()

    def first_life(port: int) -> None:
        with _connected(port) as connection:
            channel = connection.channel()
            channel.call(commands.Confirm.Select)
            # The first publish makes the log's first file, which no other does.
            channel.declare(_OTHER_QUEUE, durable=True)
            channel.publish_confirmed(routing_key=_OTHER_QUEUE, delivery_mode=_PERSISTENT)
            trace.begin("One declare")
            channel.declare(_QUEUE, durable=True)
            trace.begin(_BETWEEN)
            channel.consume(_QUEUE)
            channel.sync()
            trace.begin("One publish")
            channel.publish_confirmed(routing_key=_QUEUE, delivery_mode=_PERSISTENT)
            [delivery] = channel.deliveries(1)
            trace.begin("One ack")
            channel.ack(delivery.tag)
            for _ in range(3):
                channel.sync()  # A reply leaves before its turn is over: the next one is not.
            trace.begin(_BETWEEN)

    def second_life(port: int) -> None:
        with _connected(port) as connection:
            assert connection.channel().get(_OTHER_QUEUE) is not None, "it was recovered"

    trace.begin(_BETWEEN)
    threading.setprofile(trace.on_event)
    sys.setprofile(trace.on_event)
    _run(settings, first_life)
    trace.begin("One restart")
    _run(settings, second_life)
    sys.setprofile(None)
    json.dump(trace.steps(), sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
