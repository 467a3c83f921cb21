"""The links of a node: a worker for each upstream of each federated exchange and queue.

What there should be is worked out anew whenever a policy, an upstream, an exchange or a queue comes
or goes, one thing after another, so that ten thousand of them hold nobody up.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from amqp_server.broker.access.rights import IMPERSONATOR, new_user
from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster_name import cluster_name
from amqp_server.broker.definitions.definition import ParameterDefinition, PolicyDefinition
from amqp_server.broker.events import DEFINITION_KINDS, Event, EventKind
from amqp_server.broker.federation.links import ERROR, Link, LinkState
from amqp_server.broker.federation.upstream import COMPONENTS
from amqp_server.federation.exchange_worker import ExchangeWorker
from amqp_server.federation.matching import is_federating, links_of_exchange, links_of_queue
from amqp_server.federation.pace import Pace
from amqp_server.federation.queue_worker import QueueWorker
from amqp_server.federation.worker import Surroundings
from amqp_server.net.server import Server
from amqp_server.net.timers import wall_ms
from amqp_server.shovels.dialing import Dialled, dial_ourselves
from exchanges.bindings import Binding

log = logging.getLogger(__name__)

LINKS_MAX: Final = 1000
"""Links that run at a time; further ones wait for one to go."""

LOOK_S: Final = 0.05
"""How often it is looked whether queues want messages."""

SLICE: Final = 50
"""Things that are looked at before others get their turn."""


class Thing(NamedTuple):
    """What may be federated: an exchange or a queue."""

    vhost: str
    kind: str
    name: str


_THINGS: Final = {
    EventKind.EXCHANGE_CREATED: "exchange",
    EventKind.EXCHANGE_DELETED: "exchange",
    EventKind.QUEUE_CREATED: "queue",
    EventKind.QUEUE_DELETED: "queue",
}


_OF_THINGS: Final = (
    *_THINGS,
    EventKind.BINDING_CREATED,
    EventKind.BINDING_DELETED,
    EventKind.CONSUMER_CREATED,
)
"""What is heard only while something is federated: each declare of a node would pay for it."""


class _Running(NamedTuple):
    worker: ExchangeWorker | QueueWorker
    task: "asyncio.Task[None]"


class Federation:
    """Runs the links that policies ask for.

    Args:
        loop: of the node.
        broker: of the node.
        local: connects to this node.
        now_ms: the time of day, in ms.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        local: Callable[[], Awaitable[Dialled]],
        now_ms: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._broker = broker
        login = (f"rmq-internal-{secrets.token_hex(4)}", secrets.token_urlsafe(24))
        self._around = Surroundings(
            broker, local, login, now_ms, Pace(), partial(cluster_name, broker)
        )
        self._running: dict[Thing, dict[Link, _Running]] = {}
        self._waiting: dict[Thing, list[Link]] = {}
        self._count = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._federating: set[str] = set()
        self._marked: dict[str | Thing, None] = {}
        self._has_marks = asyncio.Event()
        self._has_queues = asyncio.Event()
        self._followers: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Start the links that there should be, and follow what becomes of them."""
        broker, (name, password) = self._broker, self._around.login
        broker.users.admit_ourselves(new_user(name, password, secrets.token_bytes, (IMPERSONATOR,)))
        vhosts = (EventKind.VHOST_CREATED, EventKind.VHOST_DELETED)
        broker.events.subscribe(self._note, (*vhosts, *DEFINITION_KINDS))
        broker.federation.restart = self._restart
        for vhost in broker.vhosts():
            self._mark(vhost.name)
        self._followers = [
            self._loop.create_task(self._follow()),
            self._loop.create_task(self._look()),
        ]

    async def stop(self) -> None:
        """End all of them; what was not confirmed here stays at its upstream."""
        self._broker.events.unsubscribe(self._note)
        self._broker.events.unsubscribe(self._note_thing)
        ended = [held.task for links in self._running.values() for held in links.values()]
        ended += self._followers
        self._running.clear()
        for task in ended:
            task.cancel()
        # Those that end already close their connections within some seconds.
        await asyncio.gather(*ended, *self._ending, return_exceptions=True)

    # ── what changes ──

    def _note(self, event: Event) -> None:
        """Note what may change which things are federated; see ``broker.events``."""
        if event.kind in {EventKind.VHOST_CREATED, EventKind.VHOST_DELETED}:
            self._mark(event.name)
        else:
            changed = event.definition
            if isinstance(changed, PolicyDefinition) or (
                isinstance(changed, ParameterDefinition) and changed.component in COMPONENTS
            ):
                self._mark(changed.vhost)

    def _note_thing(self, event: Event) -> None:
        """Note what may change the links of a thing."""
        kind = event.kind
        if kind in _THINGS:
            if event.vhost in self._federating:
                self._mark(Thing(event.vhost, _THINGS[kind], event.name))
        elif kind is EventKind.CONSUMER_CREATED:
            for held in self._running.get(Thing(event.vhost, "queue", event.name), {}).values():
                assert isinstance(held.worker, QueueWorker), "it is a queue"
                self._loop.call_soon(held.worker.look)
        else:
            self._note_binding(event)

    def _note_binding(self, event: Event) -> None:
        for held in self._running.get(Thing(event.vhost, "exchange", event.name), {}).values():
            worker, binding = held.worker, event.subject
            assert isinstance(worker, ExchangeWorker), "it is an exchange"
            assert isinstance(binding, Binding), "the event is one of a binding"
            if event.kind is EventKind.BINDING_CREATED:
                worker.bound(binding)
            else:
                worker.unbound(binding)

    def _mark(self, what: str | Thing) -> None:
        self._marked[what] = None
        self._has_marks.set()

    # ── what follows from it ──

    async def _follow(self) -> None:
        """Work out the links of what was marked, one thing after another."""
        while True:
            await self._has_marks.wait()
            self._has_marks.clear()
            await asyncio.sleep(0)  # what was told of is done after the event
            marked, self._marked = self._marked, {}
            for count, thing in enumerate(self._things(marked)):
                try:
                    self._settle(thing)
                except Exception:
                    log.exception("the links of %s cannot be worked out", thing)
                if count % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
            if not (self._federating or self._running):
                self._broker.events.unsubscribe(self._note_thing)

    def _things(self, marked: dict[str | Thing, None]) -> Iterator[Thing]:
        """Yield what was marked, and what is in a vhost that was."""
        broker = self._broker
        for mark in marked:
            if isinstance(mark, Thing):
                yield mark
                continue
            yield from [thing for thing in self._running if thing.vhost == mark]
            if broker.has_vhost(mark) and is_federating(broker.vhost(mark)):
                self._federating.add(mark)
                broker.events.subscribe(self._note_thing, _OF_THINGS)
                vhost = broker.vhost(mark)
                names = [("exchange", name) for name in vhost.router.exchanges]
                names += [("queue", queue.name) for queue in vhost.queues]
                yield from (Thing(mark, kind, name) for kind, name in names)
            else:
                self._federating.discard(mark)

    def _settle(self, thing: Thing) -> None:
        """Start the links that a thing should have, and end the others."""
        broker = self._broker
        wanted: dict[Link, None] = {}
        if broker.has_vhost(thing.vhost):
            find = links_of_exchange if thing.kind == "exchange" else links_of_queue
            vhost = broker.vhost(thing.vhost)
            wanted = dict.fromkeys(find(broker, vhost, thing.name))
        held = self._running.get(thing, {})
        for link in [link for link in held if link not in wanted]:
            is_gone = not any(_is_same(link, other) for other in wanted)
            self._end(thing, link, is_gone=is_gone)
        for link in self._waiting.pop(thing, ()):
            broker.federation.drop(link)
        for link in wanted:
            if link not in held:
                self._start(thing, link)

    def _start(self, thing: Thing, link: Link) -> None:
        if self._count >= LINKS_MAX:
            self._waiting.setdefault(thing, []).append(link)
            told, now_ms = f"{LINKS_MAX} links run already", self._around.now_ms()
            self._broker.federation.begin(LinkState(link, ERROR, now_ms, error=told))
            return
        kind = ExchangeWorker if link.kind == "exchange" else QueueWorker
        if kind is QueueWorker:
            self._has_queues.set()
        worker = kind(link, self._around)
        task = self._loop.create_task(self._run(worker))
        self._count += 1
        self._running.setdefault(thing, {})[link] = _Running(worker, task)

    async def _run(self, worker: ExchangeWorker | QueueWorker) -> None:
        try:
            await worker.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            link = worker.link
            log.exception("federation of %s %r in vhost %r", link.kind, link.name, link.vhost)
            worker.failed("it failed: the log says why")

    def _end(self, thing: Thing, link: Link, *, is_gone: bool) -> None:
        held = self._running[thing].pop(link)
        if not self._running[thing]:
            del self._running[thing]
        held.worker.is_gone = is_gone
        held.task.cancel()
        self._ending.add(held.task)
        held.task.add_done_callback(self._ending.discard)
        self._broker.federation.drop(link)
        self._count -= 1
        if self._waiting:
            self._mark(next(iter(self._waiting)))

    def _restart(self, vhost: str, link_id: str) -> bool:
        """Connect a link anew; return whether there is one."""
        for thing, links in self._running.items():
            for link in links:
                if (link.vhost, link.id) == (vhost, link_id):
                    self._end(thing, link, is_gone=False)
                    self._start(thing, link)
                    return True
        return False

    # ── what queues want ──

    async def _look(self) -> None:
        """Look, every now and then, which queues want messages; sleep while none is federated."""
        while True:
            await self._has_queues.wait()
            await asyncio.sleep(LOOK_S)
            things = [thing for thing in self._running if thing.kind == "queue"]
            if not things:
                self._has_queues.clear()
            for count, thing in enumerate(things):
                for held in self._running.get(thing, {}).values():
                    assert isinstance(held.worker, QueueWorker), "it is a queue"
                    held.worker.look()
                if count % SLICE == SLICE - 1:
                    await asyncio.sleep(0)


def _is_same(link: Link, other: Link) -> bool:
    """Whether two links use the same things at the same upstream."""
    return link.id == other.id and link.upstream.uris == other.upstream.uris


def federation_of(loop: asyncio.AbstractEventLoop, broker: Broker, server: Server) -> Federation:
    """Return the links of a node, which publish to it through its server."""
    return Federation(loop, broker, partial(dial_ourselves, server.adopt), wall_ms)


def begun_federation(loop: asyncio.AbstractEventLoop, broker: Broker, server: Server) -> Federation:
    """Return the links of a node, which have begun."""
    federation = federation_of(loop, broker, server)
    federation.begin()
    return federation
