"""Messages of an upstream on their way here, and what became of them on its way back.

    upstream ── deliveries, at most a prefetch ──▶ published here
    upstream ◀── acked, or given back ── confirmed, or refused ── here                 on-confirm

Of a message that is written only two numbers are kept: its delivery tag, and its number among the
publishes. So a crash of either broker leaves at the upstream what was not confirmed here.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from pamqp import commands

from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.incoming import Delivery
from amqp_server.wire.errors import WireError

REFUSAL_PAUSE_S: Final = 0.1
"""How long the upstream waits when messages were refused here: they come again at once."""


class Relay:
    """Passes messages on from one connection to another.

    Args:
        upstream: where they come from.
        here: where they are published.
        settling_mode: ``on-confirm``, ``on-publish`` or ``no-ack``.
        target: returns exchange and routing key for a message.
        header: returns the content header for a message; None passes it on to nobody.
        must_arrive: whether a message that reaches no queue ends the link, before it is acked.
        on_taken: hears how many were taken.
    """

    def __init__(
        self,
        upstream: OutwardConnection,
        here: OutwardConnection,
        settling_mode: str,
        *,
        target: Callable[[Delivery], tuple[str, str]],
        header: Callable[[Delivery], bytes | None],
        must_arrive: bool,
        on_taken: Callable[[int], None],
    ) -> None:
        self._upstream = upstream
        self._here = here
        self._mode = settling_mode
        self._target = target
        self._header = header
        self._must_arrive = must_arrive
        self._on_taken = on_taken
        self._tags: dict[int, int] = {}
        self._published = 0
        self._was_refused = False

    async def begin(self) -> None:
        """Have messages passed on from now on."""
        if self._mode == "on-confirm":
            await self._here.call(commands.Confirm.SelectOk, commands.Confirm.Select())
        self._upstream.on_delivery = self._deliver
        self._upstream.after_reading = self._after_reading
        self._here.on_settled = self._settle
        self._here.on_unroutable = _on_unroutable

    def _deliver(self, message: Delivery) -> None:
        try:
            header = self._header(message)
        except WireError as error:
            raise RemoteError(f"the other broker sent properties that are none: {error}") from error
        if header is None:
            self._ack(message.tag, multiple=False)
            return
        self._published += 1
        self._tags[self._published] = message.tag
        exchange, key = self._target(message)
        self._here.publish(exchange, key, header, message.body, mandatory=self._must_arrive)

    async def _after_reading(self) -> None:
        await self._here.drain()
        if self._mode != "on-confirm":
            self._settle(self._published, True, True)  # noqa: FBT003 - the port's
        # One that sends and never reads would have its acks pile up here.
        await self._upstream.drain()
        if self._was_refused:
            self._was_refused = False
            await asyncio.sleep(REFUSAL_PAUSE_S)

    def _settle(self, number: int, multiple: bool, is_taken: bool) -> None:  # noqa: FBT001
        """Ack what was taken here, or give back what was refused.

        Args:
            number: of a publish.
            multiple: whether it stands for all up to it.
            is_taken: whether it was taken.
        """
        found = []
        for each in list(self._tags) if multiple else (number,):
            if each > number:
                break  # they are in order
            tag = self._tags.pop(each, None)
            if tag is not None:
                found.append(tag)
        if not found:
            return
        if not is_taken:
            self._was_refused = True
            for tag in found:
                self._upstream.write(commands.Basic.Nack(tag, multiple=False, requeue=True))
            return
        self._on_taken(len(found))
        if multiple:
            self._ack(found[-1], multiple=True)
        else:
            self._ack(found[0], multiple=False)

    def _ack(self, tag: int, *, multiple: bool) -> None:
        if self._mode != "no-ack":
            self._upstream.write(commands.Basic.Ack(tag, multiple))


def _on_unroutable() -> None:
    raise RemoteError("the queue is gone: a message came back")
