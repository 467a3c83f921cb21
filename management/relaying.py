"""Answers that are long, or go on, from another node: a part leaves there once it is asked for.

    client ◀─ pieces ─ Relays ┄ begin ┄▶ Parts ─ rights, handler
                              ┄ next  ┄▶       ─ the next piece, cut to parts
                              ┄ end   ┄▶       ─ its making ends

The next part is asked for when the client has taken the one before. So one that never reads has a
part here and a piece there, and both go when its connection is given up. What nobody asks for
within ``IDLE_S`` ends: the node that asked may be gone, or its end was lost.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from typing import Any, Final, TypeAlias

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from management.forwarding import CHANGE_S, Forwarded, Peers, answer_of, octets_of, question_of
from management.http.event_stream import EVENT_STREAM
from management.http.response import Chunks, Response

SUBJECT: Final = "http in parts"

PART_BYTES: Final = 1024 * 1024
"""Longest part; a piece that is longer leaves in several."""

PART_S: Final = 50.0
"""How long a part may take to be made: events beat more often, and no look is longer."""

IDLE_S: Final = 60.0
"""After this time an answer ends whose next part nobody asks for: longer than a client may read."""

OPEN_MAX: Final = 16
"""Answers in parts for one other node: each may hold one of the questions of a link."""

Begin: TypeAlias = Callable[[bytes, AsyncExitStack], Awaitable[Response]]
"""Returns the answer to a request of another node, whose place the stack keeps; see
``management.application``."""


class Relays:
    """The answers that other nodes make for clients of this one.

    Args:
        peers: the other nodes; None is a node in no cluster, which begins none.
    """

    def __init__(self, peers: Peers | None) -> None:
        self._peers = peers
        self._ending: set[asyncio.Task[None]] = set()

    async def begin(self, node: str, forwarded: Forwarded) -> Response:
        """Return the answer of another node; the body of a long one comes in pieces.

        Where it does not come to its end, the pieces end with ``TimeoutError``.

        Raises:
            PeerAwayError: there is no answer in time.
            PeerRefusedError: the other node says no.
        """
        question = question_of(forwarded)
        asking = asyncio.get_running_loop().create_task(
            self._asked(node, {"begin": True}, CHANGE_S, question)
        )
        try:
            said, octets = await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._later(self._end_begun(node, asking))
            raise
        response, number = answer_of(octets), said.get("next")
        if number is None:
            return response
        is_live = response.content_type == EVENT_STREAM
        pieces = self._pieces(node, number)
        # From here on it has begun: one who gives it up before its first piece ends it too.
        await anext(pieces)
        return replace(response, body=pieces, is_live=is_live)

    async def stop(self) -> None:
        """Wait for nobody any more."""
        for each in tuple(self._ending):
            each.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _pieces(self, node: str, number: object) -> AsyncGenerator[bytes]:
        is_over = False
        try:
            yield b""
            while not is_over:
                said, part = await self._asked(node, {"next": number}, PART_S)
                is_over = said.get("next") is None
                yield part
        except (PeerAwayError, PeerRefusedError) as error:
            is_over = isinstance(error, PeerRefusedError)
            # It is not whole, so the client must not take it for that.
            raise TimeoutError(f"{node}: {error}") from error
        finally:
            if not is_over:
                self._later(self._end(node, number))

    def _later(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _asked(
        self, node: str, said: dict[str, object], within_s: float, rest: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        assert self._peers is not None, "there is another node"
        return _parsed(await self._peers.ask(node, SUBJECT, _said(said) + rest, within_s))

    async def _end_begun(
        self, node: str, asking: asyncio.Task[tuple[dict[str, Any], bytes]]
    ) -> None:
        """End an answer whose client has left before it began."""
        try:
            said, _ = await asking
        except (PeerAwayError, PeerRefusedError):
            return
        if said.get("next") is not None:
            await self._end(node, said["next"])

    async def _end(self, node: str, number: object) -> None:
        """Tell a node that nobody reads on; where that does not reach it, it notices later."""
        try:
            await self._asked(node, {"end": number}, CHANGE_S)
        except (PeerAwayError, PeerRefusedError):
            return


class _Open:
    """An answer under way for another node.

    Attributes:
        left: of a piece that has not left whole.
        making: the next piece; None while none is made.
        idle: ends it where nobody asks on.
    """

    def __init__(self, node: str, chunks: Chunks) -> None:
        self.node = node
        self.chunks = chunks
        self.left = memoryview(b"")
        self.making: asyncio.Future[bytes | None] | None = None
        self.idle: asyncio.TimerHandle | None = None


class Parts:
    """The answers that this node makes for clients of others.

    Args:
        begin: makes an answer.
    """

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._open: dict[int, _Open] = {}
        self._beginning: Counter[str] = Counter()
        self._numbers = count(1)
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def answer(self, octets: bytes, node: str) -> bytes:
        """Answer to what another node asks.

        Raises:
            PeerRefusedError: it makes no sense, is over, or did not come to its end.
        """
        said, rest = _parsed(octets)
        if "begin" in said:
            return await self._begun(rest, node)
        number = said.get("next", said.get("end"))
        found = self._open.get(number) if isinstance(number, int) else None
        if found is None or found.node != node:
            raise PeerRefusedError("that answer is over")
        assert isinstance(number, int), "it was found"
        if "end" in said:
            await self._close(number)
            return _said({})
        return await self._part(number, found)

    async def stop(self) -> None:
        """End all of them."""
        for number in tuple(self._open):
            await self._close(number)

    async def _begun(self, question: bytes, node: str) -> bytes:
        open_count = sum(each.node == node for each in self._open.values())
        if open_count + self._beginning[node] >= OPEN_MAX:
            raise PeerRefusedError(f"{OPEN_MAX} long answers go on for clients of {node}")
        async with AsyncExitStack() as place:
            self._beginning[node] += 1
            try:
                response = await self._begin(question, place)
            finally:
                self._beginning[node] -= 1
            if isinstance(response.body, bytes):
                return _said({"next": None}) + octets_of(response, response.body)
            number = next(self._numbers)
            self._open[number] = found = _Open(node, response.body)
            self._watch(number, found)
            # It keeps no place among the requests that are worked on: a client may read slowly.
            return _said({"next": number}) + octets_of(response, b"")

    async def _part(self, number: int, found: _Open) -> bytes:
        if found.making is not None:
            raise PeerRefusedError("its next part is asked for already")
        if found.idle is not None:
            found.idle.cancel()
        try:
            if not found.left:
                piece = await self._piece(found)
                if piece is None:
                    await self._close(number)
                    return _said({"next": None})
                found.left = memoryview(piece)
        except TimeoutError as error:
            # The handler says so of an answer that does not come to its end.
            await self._close(number)
            raise PeerRefusedError(str(error)) from error
        except BaseException:
            await self._close(number)
            raise
        part, found.left = found.left[:PART_BYTES], found.left[PART_BYTES:]
        self._watch(number, found)
        return _said({"next": number}) + part

    async def _piece(self, found: _Open) -> bytes | None:
        """Return the next piece; None is the end.

        Raises:
            PeerRefusedError: the other node has ended it meanwhile.
        """

        async def made() -> bytes | None:
            return await anext(found.chunks, None)

        # In a task: who ends it has to be told from who ends this question.
        making = found.making = asyncio.get_running_loop().create_task(made())
        await asyncio.wait({making})
        found.making = None
        if making.cancelled():
            raise PeerRefusedError("it was ended")
        return making.result()

    def _watch(self, number: int, found: _Open) -> None:
        loop = asyncio.get_running_loop()

        def end() -> None:
            task = loop.create_task(self._close(number))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

        found.idle = loop.call_later(IDLE_S, end)

    async def _close(self, number: int) -> None:
        found = self._open.pop(number, None)
        if found is None:
            return
        if found.idle is not None:
            found.idle.cancel()
        if found.making is not None:
            found.making.cancel()
            await asyncio.wait({found.making})
        if isinstance(found.chunks, AsyncGenerator):
            await found.chunks.aclose()


def _said(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _parsed(octets: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what is said in the first line, and what follows.

    Raises:
        PeerRefusedError: nothing is.
    """
    line, _, rest = octets.partition(b"\n")
    try:
        said = json.loads(line)
    except ValueError as error:
        raise PeerRefusedError("it says nothing") from error
    if not isinstance(said, dict):
        raise PeerRefusedError("it says nothing")
    return said, rest
