"""Shows the messages that pass a queue or an exchange to one who listens."""

import asyncio
from collections.abc import Callable
from typing import Any

from amqp_server.broker.admin import Passed, Tailing, shown_properties, shown_types
from management.bodies.messages import shown_payload
from management.bodies.messages import shown_properties as as_json
from management.http.event_stream import event
from management.live.listeners import Listener
from management.slices import Slices


def passed_body(message: Passed, wall_offset_ms: int, *, as_base64: bool) -> dict[str, Any]:
    """Return a message that passed.

    Args:
        message: with its payload, which may be cut.
        wall_offset_ms: turns an instant into ms since 1970, by addition.
        as_base64: whether a payload that is text is base64 too.
    """
    payload, encoding = shown_payload(message.payload, as_base64=as_base64)
    return {
        "timestamp": message.at_ms + wall_offset_ms,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "properties": as_json(shown_properties(message.header)),
        "header_types": shown_types(message.header),
        "payload_bytes": message.payload_bytes,
        "payload": payload,
        "payload_encoding": encoding,
    }


class TailFollower:
    """Sends the copies of a tap on, in slices of management's time.

    Args:
        tailing: copies that may begin; they end with the listener.
        woken: set when something waits.
        slices: of the loop.
        body_of: makes the object that is sent for a message.
    """

    def __init__(
        self,
        tailing: Tailing,
        woken: asyncio.Event,
        slices: Slices,
        body_of: Callable[[Passed], dict[str, Any]],
    ) -> None:
        self._tailing = tailing
        self._woken = woken
        self._slices = slices
        self._body_of = body_of
        self._task: asyncio.Task[None] | None = None

    def begin(self, listener: Listener) -> None:
        """Begin to copy, and to send."""
        self._tailing.begin()
        self._task = asyncio.get_running_loop().create_task(self._follow(listener))

    def end(self, _listener: Listener) -> None:
        """Send no more, and copy no more."""
        if self._task is not None:
            self._task.cancel()
        self._tailing.end()

    async def _follow(self, listener: Listener) -> None:
        tap = self._tailing.tap
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._slices.begin()
            messages, lost_count = tap.take()
            if lost_count:
                listener.put(event({"lost": lost_count}, "lag"))
            for message in messages:
                listener.put(event(self._body_of(message), "msg"))
                if self._slices.is_spent():
                    await self._slices.pause()
            if tap.is_ended:
                listener.end()
                return
