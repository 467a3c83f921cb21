"""What passes on the other nodes of a cluster, for one who listens here.

A tap sees what is published on its own node, whoever leads the queue. So each node is asked for its
own tail, and what it sends goes to the listener with what passes here. A node that does not answer,
or joins later, is asked again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from management.http.event_stream import BEAT, END
from management.http.response import Response
from management.live.listeners import Listener

AGAIN_S: Final = 5.0
"""How long until nodes are asked whose tails are not there."""

EVENT_BYTES_MAX: Final = 8 * 1024 * 1024
"""An event that is longer ends the tail of its node."""


class OtherTails:
    """The tails of the other nodes, of one listener.

    Args:
        others: returns the names of the other nodes that run.
        begin: asks a node for its tail; see ``management.relaying``.
    """

    def __init__(
        self, others: Callable[[], Sequence[str]], begin: Callable[[str], Awaitable[Response]]
    ) -> None:
        self._others = others
        self._begin = begin
        self._task: asyncio.Task[None] | None = None

    def begin(self, listener: Listener) -> None:
        """Begin to ask."""
        self._task = asyncio.get_running_loop().create_task(self._follow(listener))

    def end(self, _listener: Listener) -> None:
        """Ask no more, and end what is asked for."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        tails: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for name in self._others():
                    if name not in tails or tails[name].done():
                        tails[name] = loop.create_task(self._relay(name, listener))
                await asyncio.sleep(AGAIN_S)
        finally:
            for each in tails.values():
                each.cancel()

    async def _relay(self, name: str, listener: Listener) -> None:
        try:
            pieces = (await self._begin(name)).body
            if isinstance(pieces, bytes):
                return
            held = b""
            try:
                async for piece in pieces:
                    held += b"" if piece == BEAT else piece
                    if len(held) > EVENT_BYTES_MAX:
                        return
                    if held.endswith(END):
                        # One by one: where there is too little room, the oldest ones are lost.
                        for each in held.split(END)[:-1]:
                            listener.put(each + END)
                        held = b""
            finally:
                if isinstance(pieces, AsyncGenerator):
                    await pieces.aclose()
        except (PeerAwayError, PeerRefusedError, TimeoutError):
            return
