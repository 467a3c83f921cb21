"""The shovels of a node: a worker for each parameter, as long as the parameter is there."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import ParameterDefinition
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.events import DEFINITION_KINDS, Event, EventKind
from amqp_server.broker.shovels.definition import COMPONENT, Shovel, read_shovel
from amqp_server.broker.steps import finish_or_later
from amqp_server.net.server import Server
from amqp_server.net.timers import wall_ms
from amqp_server.shovels.dialing import Dialled, dial_ourselves
from amqp_server.shovels.worker import ShovelWorker

log = logging.getLogger(__name__)

WORKERS_MAX: Final = 1000
"""Shovels that run at a time; further ones wait for one to go."""

Key = tuple[str, str]


class Shovels:
    """Runs what the parameters of the broker say.

    Args:
        loop: of the node.
        broker: of the node.
        local: connects to this node.
        now_ms: the time of day, in ms.
        request_turn: has the loop make a turn.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        local: Callable[[], Awaitable[Dialled]],
        now_ms: Callable[[], int],
        request_turn: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._broker = broker
        self._local = local
        self._now_ms = now_ms
        self._request_turn = request_turn
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._login = (f"rmq-internal-{secrets.token_hex(4)}", secrets.token_urlsafe(24))

    def begin(self) -> None:
        """Start the shovels that there are, and follow what becomes of them."""
        broker = self._broker
        broker.users.admit_ourselves(new_user(*self._login, secrets.token_bytes))
        broker.events.subscribe(self._note, DEFINITION_KINDS)
        broker.shovels.restart = self._restart
        for (vhost, component, name), value in tuple(broker.parameters.items()):
            if component == COMPONENT:
                self._start(vhost, name, value)

    async def stop(self) -> None:
        """End all of them; what they have not moved stays where it is."""
        self._broker.events.unsubscribe(self._note)
        running, self._running = list(self._running.values()), {}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _note(self, event: Event) -> None:
        """Follow a parameter; see ``broker.events``: it is changed after this call."""
        held = event.definition
        if isinstance(held, ParameterDefinition) and held.component == COMPONENT:
            if event.kind is EventKind.DEFINITION_SAVED:
                self._loop.call_soon(self._start, held.vhost, held.name, held.value)
            else:
                self._loop.call_soon(self._end, held.vhost, held.name)

    def _start(self, vhost: str, name: str, value: object) -> None:
        self._end(vhost, name)
        if self._broker.parameters.get((vhost, COMPONENT, name)) != value:
            return  # it has changed again
        if len(self._running) >= WORKERS_MAX:
            log.error("shovel %r in vhost %r: %d run already", name, vhost, WORKERS_MAX)
            return
        try:
            shovel = read_shovel(vhost, name, value)
        except PreconditionFailedError as error:
            log.error("shovel %r in vhost %r: %s", name, vhost, error)  # noqa: TRY400 - no bug
            return
        worker = ShovelWorker(
            shovel,
            self._broker.shovels,
            self._broker.settings.node_name,
            self._local,
            self._login,
            self._now_ms,
        )
        self._running[vhost, name] = self._loop.create_task(self._run(shovel, worker))

    async def _run(self, shovel: Shovel, worker: ShovelWorker) -> None:
        """Run a shovel; delete it when it has moved what it should."""
        try:
            await worker.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("shovel %r in vhost %r failed", shovel.name, shovel.vhost)
            return
        log.info("shovel %r in vhost %r has moved all it should", shovel.name, shovel.vhost)
        broker = self._broker
        if broker.decisions is None:
            broker.clear_parameter(shovel.vhost, COMPONENT, shovel.name)
        else:
            like = ParameterDefinition(shovel.vhost, COMPONENT, shovel.name, None)
            finish_or_later(broker.decisions.ending(like), broker.turn)
        self._request_turn()

    def _end(self, vhost: str, name: str) -> None:
        task = self._running.pop((vhost, name), None)
        if task is not None:
            task.cancel()
        self._broker.shovels.drop(vhost, name)

    def _restart(self, vhost: str, name: str) -> bool:
        """Connect a shovel anew; return whether there is one."""
        value = self._broker.parameters.get((vhost, COMPONENT, name))
        if value is None:
            return False
        self._start(vhost, name, value)
        return True


def shovels_of(
    loop: asyncio.AbstractEventLoop,
    broker: Broker,
    server: Server,
    request_turn: Callable[[], None],
) -> Shovels:
    """Return the shovels of a node, which connect to it through its server."""
    return Shovels(loop, broker, partial(dial_ourselves, server.adopt), wall_ms, request_turn)


def begun_shovels(
    loop: asyncio.AbstractEventLoop,
    broker: Broker,
    server: Server,
    request_turn: Callable[[], None],
) -> Shovels:
    """Return the shovels of a node, which have begun."""
    shovels = shovels_of(loop, broker, server, request_turn)
    shovels.begin()
    return shovels
