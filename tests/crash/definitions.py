"""Declares, binds and deletes while the node may die, and what must be there when it is back.

A definition whose -ok arrived is there, or gone, after any crash. One whose request had no answer
may be either. What is not durable is gone.
"""

import random
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from itertools import count
from typing import Final

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import MethodId
from tests.crash.link import HOST, Link

QUEUE_UNBIND: Final = MethodId(50, 50)
QUEUE_UNBIND_OK: Final = MethodId(50, 51)
QUEUE_PURGE: Final = MethodId(50, 30)
QUEUE_PURGE_OK: Final = MethodId(50, 31)
LIVE_MAX: Final = 60
"""Definitions that are kept before old ones are deleted."""
ABSENT_MAX: Final = 100
"""Deleted queues that are looked for again after every crash."""


class Fate(Enum):
    """Whether a definition must be there after a crash."""

    PRESENT = auto()
    ABSENT = auto()
    UNKNOWN = auto()


class Definer:
    """Declares queues with an exchange each, binds them, unbinds and deletes some.

    Args:
        chance: of the choices.
        vhost: where all is defined.

    Attributes:
        queues: what each queue that was ever named must be.
        bindings: the same of the binding of each to its exchange.
    """

    def __init__(self, chance: random.Random, vhost: str = "/") -> None:
        self.queues: dict[str, Fate] = {}
        self.bindings: dict[str, Fate] = {}
        self._chance = chance
        self._vhost = vhost
        self._numbers = count(1)

    async def run(self, link: Link) -> None:
        """Define until the link is lost."""
        while True:
            live = [name for name, fate in self.queues.items() if fate is Fate.PRESENT]
            steps: list[Callable[[Link, str], Awaitable[None]]] = [
                self._declare,
                self._declare_transient,
            ]
            if live:
                steps += [self._unbind, self._delete]
            step = self._delete if len(live) > LIVE_MAX else self._chance.choice(steps)
            await step(link, self._chance.choice(live) if live else "")

    async def _declare(self, link: Link, _queue: str, /) -> None:
        queue = f"defined.{next(self._numbers)}"
        exchange = exchange_of(queue)
        self.queues[queue] = self.bindings[queue] = Fate.UNKNOWN
        await link.call(wire.queue_declare(1, queue, durable=True), wire.QUEUE_DECLARE_OK)
        self.queues[queue] = Fate.PRESENT
        declare = wire.exchange_declare(1, exchange, "fanout", durable=True)
        await link.call(declare, wire.EXCHANGE_DECLARE_OK)
        await link.call(wire.queue_bind(1, queue, exchange, ""), wire.QUEUE_BIND_OK)
        self.bindings[queue] = Fate.PRESENT

    async def _declare_transient(self, link: Link, _queue: str, /) -> None:
        queue = f"transient.{next(self._numbers)}"
        self.queues[queue] = Fate.ABSENT
        await link.call(wire.queue_declare(1, queue), wire.QUEUE_DECLARE_OK)

    async def _unbind(self, link: Link, queue: str, /) -> None:
        if self.bindings.get(queue) is not Fate.PRESENT:
            return
        self.bindings[queue] = Fate.UNKNOWN
        names = wire.shortstr(queue) + wire.shortstr(exchange_of(queue)) + wire.shortstr("")
        unbind = wire.method(1, QUEUE_UNBIND, b"\x00\x00" + names + wire.table({}))
        await link.call(unbind, QUEUE_UNBIND_OK)
        self.bindings[queue] = Fate.ABSENT

    async def _delete(self, link: Link, queue: str, /) -> None:
        self.queues[queue] = Fate.UNKNOWN
        self.bindings.pop(queue, None)
        await link.call(wire.queue_delete(1, queue), wire.QUEUE_DELETE_OK)
        self.queues[queue] = Fate.ABSENT
        await link.call(wire.exchange_delete(1, exchange_of(queue)), wire.EXCHANGE_DELETE_OK)

    def check(self, port: int) -> list[str]:
        """Ask a node that is back what is there; return what is wrong, and learn the rest."""
        with Session(Endpoint(HOST, port, "guest", "guest", self._vhost)) as session:
            found = {queue: session.has_queue(queue) for queue in self.queues}
            wrong = [
                f"queue {queue} is {'there' if found[queue] else 'gone'}, and must not be"
                for queue, fate in self.queues.items()
                if found[queue] is {Fate.PRESENT: False, Fate.ABSENT: True}.get(fate)
            ]
            for queue, fate in list(self.bindings.items()):
                if not found[queue]:
                    del self.bindings[queue]
                    continue
                is_bound = _is_bound(session, queue)
                if is_bound is {Fate.PRESENT: False, Fate.ABSENT: True}.get(fate):
                    wrong.append(f"binding of {queue} is {'there' if is_bound else 'gone'}")
                self.bindings[queue] = Fate.PRESENT if is_bound else Fate.ABSENT
        absent = [queue for queue, is_there in found.items() if not is_there][-ABSENT_MAX:]
        self.queues = dict.fromkeys(absent, Fate.ABSENT) | {
            queue: Fate.PRESENT for queue, is_there in found.items() if is_there
        }
        return wrong


def exchange_of(queue: str) -> str:
    """Return the name of the exchange that belongs to a queue."""
    return f"x.{queue}"


def _is_bound(session: Session, queue: str) -> bool:
    """Publish to the queue's exchange and look whether it arrives; the message is purged."""
    declare = wire.exchange_declare(1, exchange_of(queue), "fanout", durable=True)
    session.call(declare, wire.EXCHANGE_DECLARE_OK)
    session.socket.sendall(wire.publish(exchange_of(queue), "", wire.properties(), b""))
    purge = wire.method(1, QUEUE_PURGE, b"\x00\x00" + wire.shortstr(queue) + b"\x00")
    reply = session.call(purge, QUEUE_PURGE_OK)
    return reply[4:8] != b"\x00\x00\x00\x00"
