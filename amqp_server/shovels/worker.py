"""One shovel at work: it connects, moves messages, and connects again.

    source ── deliveries, at most a prefetch ──▶ published to the destination
    source ◀── acked, or given back ── confirmed, or refused ── destination       on-confirm

Of a message that is written only two numbers are kept: its delivery tag, and its number among the
publishes. A crash of any of the three leaves in the source what the destination has not confirmed.
It may be in both then, and is never in none.

Source: RabbitMQ, dynamic shovels: modes of acknowledgement, declarations, headers, delete-after.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pamqp import commands

from amqp_server.broker.shovels.definition import PREFETCH_MAX, QUEUE_LENGTH, End, Shovel
from amqp_server.broker.shovels.states import (
    BLOCKED,
    RUNNING,
    STARTING,
    TERMINATED,
    ShovelState,
    ShovelStates,
)
from amqp_server.broker.shovels.uris import amqp_uri
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.dialing import Dialled
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.headers import Headers
from amqp_server.shovels.incoming import Delivery
from amqp_server.shovels.requests import Consume, QueueBind, QueueDeclare

log = logging.getLogger(__name__)

REFUSAL_PAUSE_S: Final = 0.1
"""How long the source waits when the destination refused messages: they come again at once."""


class ShovelWorker:
    """Moves the messages of one shovel."""

    def __init__(
        self,
        shovel: Shovel,
        states: ShovelStates,
        node_name: str,
        local: Callable[[], Awaitable[Dialled]],
        local_login: tuple[str, str],
        now_ms: Callable[[], int],
    ) -> None:
        """Prepare a shovel; ``run`` begins.

        Args:
            shovel: what to move where.
            states: hear how it is.
            node_name: of this node, for headers.
            local: connects to this node.
            local_login: user and password for that.
            now_ms: the time of day, in ms.
        """
        self._shovel = shovel
        self._states = states
        self._headers = Headers(shovel, node_name)
        self._local = local
        self._local_login = local_login
        self._now_ms = now_ms
        self._state = ShovelState(shovel, STARTING, now_ms())
        states.begin(self._state)
        self._tags: dict[int, int] = {}
        self._published = 0
        self._left: int | None = None
        self._was_refused = False
        self._is_done = asyncio.Event()

    async def run(self) -> None:
        """Move messages until it has moved as many as it should, or is cancelled."""
        shovel = self._shovel
        while True:
            self._note(STARTING)
            try:
                await self._run_once()
            except (OSError, RemoteError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                log.warning("shovel %r in vhost %r: %s", shovel.name, shovel.vhost, reason)
                self._note(TERMINATED, reason=reason)
            else:
                return
            if not shovel.reconnect_delay_s:
                await asyncio.Event().wait()
            await asyncio.sleep(shovel.reconnect_delay_s)

    async def _run_once(self) -> None:
        shovel = self._shovel
        self._tags = {}
        self._published = 0
        self._was_refused = False
        destination_uri, destination = await self._connect(shovel.destination)
        try:
            source_uri, source = await self._connect(shovel.source)
            try:
                await self._prepare(destination)
                await self._begin(source, destination)
                self._note(RUNNING, uris=(source_uri, destination_uri))
                await self._until_done(source, destination)
            finally:
                await source.close()
        finally:
            await destination.close()

    async def _connect(self, end: End) -> tuple[str, OutwardConnection]:
        """Connect to the first URI that answers.

        Raises:
            OSError, TimeoutError, RemoteError: that of the last one.
        """
        name = f"Shovel {self._shovel.name}"
        failure: Exception = RemoteError("there is no URI")
        for text in end.uris:
            uri = amqp_uri(text)
            try:
                if uri.host:
                    return text, await OutwardConnection.connect(uri, name)
                username, password = self._local_login
                uri = uri._replace(username=username, password=password)
                return text, await OutwardConnection.connect(uri, name, self._local)
            except (OSError, TimeoutError, RemoteError) as error:
                failure = error
        raise failure

    async def _prepare(self, destination: OutwardConnection) -> None:
        end = self._shovel.destination
        if end.queue is not None and not end.is_predeclared:
            await _declare(destination, end)
        if self._shovel.settling_mode == "on-confirm":
            await destination.call(commands.Confirm.SelectOk, commands.Confirm.Select())

    async def _begin(self, source: OutwardConnection, destination: OutwardConnection) -> None:
        """Declare what must be there, and consume."""
        shovel, end = self._shovel, self._shovel.source
        length = 0
        if end.queue is not None:
            queue = end.queue
            if not end.is_predeclared:
                length = await _declare(source, end)
            elif shovel.delete_after == QUEUE_LENGTH:
                length = await source.is_there(queue) or 0
        else:
            queue = await _bound_queue(source, end)
        if self._left is None:
            after = shovel.delete_after
            self._left = length if isinstance(after, str) else after
        prefetch = shovel.prefetch
        if self._left is not None:
            prefetch = max(min(prefetch or PREFETCH_MAX, self._left), 1)
        await source.call(commands.Basic.QosOk, commands.Basic.Qos(prefetch_count=prefetch))
        self._link(source, destination)
        if self._left == 0:
            self._is_done.set()
            return
        consume = Consume(
            queue=queue,
            no_ack=self._is_settled_at_once,
            arguments=dict(shovel.consumer_arguments),  # type: ignore[arg-type]  # typed fields
        )
        await source.call(commands.Basic.ConsumeOk, consume)

    @property
    def _is_settled_at_once(self) -> bool:
        """Whether the source forgets what it sent; not where messages are counted."""
        return self._shovel.settling_mode == "no-ack" and self._shovel.delete_after is None

    def _link(self, source: OutwardConnection, destination: OutwardConnection) -> None:
        """Have messages passed on from now on, and what became of them passed back."""
        end, tags = self._shovel.destination, self._tags
        mandatory, is_confirmed = end.queue is not None, self._shovel.settling_mode == "on-confirm"

        def deliver(message: Delivery) -> None:
            if self._left is not None and len(tags) >= self._left:
                return  # one more than it should move: it goes back to its queue at the end
            self._published += 1
            tags[self._published] = message.tag
            exchange, key = message.exchange, message.routing_key
            if end.queue is not None:
                exchange, key = "", end.queue
            elif end.exchange is not None:
                exchange = end.exchange
                key = key if end.exchange_key is None else end.exchange_key
            header = self._headers.of(message.header, self._now_ms() // 1000)
            destination.publish(exchange, key, header, message.body, mandatory=mandatory)

        def settle(number: int, multiple: bool, is_taken: bool) -> None:  # noqa: FBT001 - the port's
            self._settle(source, number, multiple=multiple, is_taken=is_taken)

        async def after_reading() -> None:
            await destination.drain()
            if not is_confirmed:
                settle(self._published, True, True)  # noqa: FBT003
            # One that sends and never reads would have its acks pile up here.
            await source.drain()
            if self._was_refused:
                self._was_refused = False
                await asyncio.sleep(REFUSAL_PAUSE_S)

        source.on_delivery = deliver
        source.after_reading = after_reading
        destination.on_settled = settle
        destination.on_unroutable = _on_unroutable
        destination.on_blocked = self._on_blocked

    def _settle(
        self, source: OutwardConnection, number: int, *, multiple: bool, is_taken: bool
    ) -> None:
        """Ack what the destination has taken, or give back what it refused.

        Args:
            source: where the messages are from.
            number: of a publish.
            multiple: whether it stands for all up to it.
            is_taken: whether the destination has taken them.
        """
        numbers = [each for each in self._tags if each <= number] if multiple else [number]
        found = [tag for each in numbers if (tag := self._tags.pop(each, None)) is not None]
        if not found:
            return
        if is_taken:
            self._note_taken(len(found))
            if self._is_settled_at_once:
                return
            # Only where every message is published are all tags below settled too.
            is_together = multiple and self._left is None
            for tag in found[-1:] if is_together else found:
                source.write(commands.Basic.Ack(tag, is_together))
            return
        self._was_refused = True
        for tag in found:
            source.write(commands.Basic.Nack(tag, multiple=False, requeue=True))

    def _note_taken(self, count: int) -> None:
        self._state = self._state._replace(forwarded=self._state.forwarded + count)
        if self._left is not None:
            self._left -= count
            self._state = self._state._replace(remaining=self._left)
            if self._left <= 0:
                self._is_done.set()
        self._states.update(self._state)

    async def _until_done(self, source: OutwardConnection, destination: OutwardConnection) -> None:
        """Wait until as many are moved as should be.

        Raises:
            RemoteError, OSError: a connection was lost before.
        """
        waits = [
            asyncio.ensure_future(source.until_lost()),
            asyncio.ensure_future(destination.until_lost()),
            asyncio.ensure_future(self._is_done.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self._is_done.is_set():
                with contextlib.suppress(OSError, RemoteError):
                    await source.drain()  # the last ack
                return
            for wait in waits[:2]:
                if wait.done():
                    wait.result()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _on_blocked(self, is_blocked: bool) -> None:  # noqa: FBT001 - the port's
        self._note(BLOCKED if is_blocked else RUNNING)

    def _note(self, state: str, *, uris: tuple[str, str] | None = None, reason: str = "") -> None:
        changed = self._state._replace(state=state, changed_at_ms=self._now_ms(), reason=reason)
        if uris is not None:
            changed = changed._replace(source_uri=uris[0], destination_uri=uris[1])
        self._state = changed
        self._states.update(changed)


def _on_unroutable() -> None:
    raise RemoteError("the destination queue is gone: a message came back")


async def _declare(client: OutwardConnection, end: End) -> int:
    """Declare a durable queue where there is none of its name; return how long it is."""
    queue = end.queue or ""
    length = await client.is_there(queue)
    if length is None:
        arguments: Any = dict(end.queue_arguments)  # typed fields
        declare = QueueDeclare(queue=queue, durable=True, arguments=arguments)
        await client.call(commands.Queue.DeclareOk, declare)
    return length or 0


async def _bound_queue(client: OutwardConnection, end: End) -> str:
    """Return a queue of our own, bound to the exchange of an end."""
    declare = QueueDeclare(exclusive=True, arguments={})
    queue = str((await client.call(commands.Queue.DeclareOk, declare)).queue)
    key = end.exchange_key or ""
    bind = QueueBind(queue=queue, exchange=end.exchange or "", routing_key=key, arguments={})
    await client.call(commands.Queue.BindOk, bind)
    return queue
