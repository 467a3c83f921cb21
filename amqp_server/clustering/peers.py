"""What this node asks other nodes of its cluster, and what it answers them.

    ask ─▶ the link to the node, dialled where there is none ┄▶ asked ─▶ who answers to the subject
        ◀─ answered, refused, or no answer within the time  ◀┄ answer ◀─┘

Nothing waits for ever: who asks says how long, and a link that ends ends the waiting. A node that
was asked goes on for ``ANSWER_S`` at most, whoever waits. While a link has as many open questions
as it may, the next ones wait for their turn.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final, TypeAlias

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from cluster.asking.connection import AskingLink
from cluster.asking.layout import OPEN_MAX
from cluster.asking.table import AskingTable
from cluster.fronts.links.dialing import FrontDialing

log = logging.getLogger(__name__)

ANSWER_S: Final = 60.0

Answering: TypeAlias = Callable[[bytes, str], Awaitable[bytes]]
"""Returns the answer to a question of a node; a ``PeerRefusedError`` refuses it, with its text."""


Compose: TypeAlias = Callable[[int], bytes]
"""Returns the octets of a question for a version of the links; see ``cluster.links.hello``."""


class Peers:
    """A ``cluster.asking.table.Questioning``.

    Attributes:
        table, dialing: the links; set before the first question.
    """

    table: AskingTable
    dialing: FrontDialing

    def __init__(self) -> None:
        """Answer to nothing yet."""
        self._answering: dict[str, Answering] = {}
        self._numbers = count(1)
        self._waiting: dict[int, tuple[AskingLink, asyncio.Future[bytes]]] = {}
        self._uses: dict[str, int] = {}
        self._may_ask: dict[str, asyncio.Event] = {}
        self._answers_under_way: dict[asyncio.Task[None], AskingLink] = {}

    def answer_to(self, subject: str, answering: Answering) -> None:
        """Answer to questions about something from now on."""
        self._answering[subject] = answering

    async def ask(self, node: str, subject: str, octets: bytes | Compose, within_s: float) -> bytes:
        """Ask another node, and return its answer.

        Args:
            node: that is asked.
            subject: what about.
            octets: the question, or what makes it once the version of the link is known.
            within_s: how long to wait for a link, its turn and the answer, in seconds.

        Raises:
            PeerAwayError: there is no answer in time.
            PeerRefusedError: the other node says no.
        """
        self._uses[node] = self._uses.get(node, 0) + 1
        self.dialing.reach(node)
        number = next(self._numbers)
        try:
            async with asyncio.timeout(within_s):
                link = await self._link_to(node)
                answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
                self._waiting[number] = link, answer
                try:
                    whole = octets if isinstance(octets, bytes) else octets(link.version)
                    link.ask(number, subject, whole)
                except ValueError as error:
                    raise PeerAwayError(f"{node}: {error}", was_asked=False) from error
                return await answer
        except TimeoutError:
            text = f"{node} has not answered within {within_s:g} s"
            raise PeerAwayError(text, was_asked=number in self._waiting) from None
        finally:
            self._waiting.pop(number, None)
            self._used(node)

    async def ask_json(self, node: str, subject: str, question: object, within_s: float) -> Any:  # noqa: ANN401 -- it is JSON
        """Ask in JSON, and return what the answer says; see ``ask``.

        Raises:
            PeerAwayError, PeerRefusedError: see ``ask``.
        """
        octets = json.dumps(question, separators=(",", ":")).encode()
        answer = await self.ask(node, subject, octets, within_s)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise PeerRefusedError(f"{node} answers with what is no JSON") from error

    async def stop(self) -> None:
        """Ask and answer no more."""
        running = tuple(self._answers_under_way)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.dialing.stop()

    # -- what the links say: see ``cluster.asking.table.Questioning`` ------------------------------

    def link_opened(self, node: str) -> None:
        """Another node may be asked."""
        self._ask_on(node)

    def asked(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        """Begin to answer."""
        task = asyncio.get_running_loop().create_task(self._answer(link, number, subject, octets))
        self._answers_under_way[task] = link
        task.add_done_callback(lambda done: self._answers_under_way.pop(done, None))

    def answered(self, link: AskingLink, number: int, octets: bytes, *, is_refusal: bool) -> None:
        """Hand an answer to who waits for it, if anybody does."""
        if link.peer is not None:
            self._ask_on(link.peer.node)
        asked_on, answer = self._waiting.get(number, (None, None))
        if asked_on is not link or answer is None or answer.done():
            return
        if is_refusal:
            answer.set_exception(PeerRefusedError(octets.decode("utf-8", "replace")))
        else:
            answer.set_result(octets)

    def link_ended(self, link: AskingLink, reason: str) -> None:
        """End what waits for answers on a link, and what is answered to nobody."""
        for asked_on, answer in tuple(self._waiting.values()):
            if asked_on is link and not answer.done():
                text = f"the link has ended: {reason}"
                answer.set_exception(PeerAwayError(text, was_asked=True))
        for task, asked_on in tuple(self._answers_under_way.items()):
            if asked_on is link:
                task.cancel()

    # -- inside ------------------------------------------------------------------------------------

    async def _link_to(self, node: str) -> AskingLink:
        """Wait for a link on which one more question may be asked."""
        while (link := self.table.link_to(node)) is None or link.open_count >= OPEN_MAX:
            await self._may_ask.setdefault(node, asyncio.Event()).wait()
        return link

    def _ask_on(self, node: str) -> None:
        """Have those look again who wait for a link to a node; they do in their order."""
        may_ask = self._may_ask.pop(node, None)
        if may_ask is not None:
            may_ask.set()

    def _used(self, node: str) -> None:
        self._uses[node] -= 1
        if not self._uses[node]:
            del self._uses[node]
            self.dialing.leave(node)

    async def _answer(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        peer, answering = link.peer, self._answering.get(subject)
        assert peer is not None, "who asks is known"
        is_refusal = True
        try:
            if answering is None:
                answer = f"nobody here answers to {subject}".encode()
            else:
                async with asyncio.timeout(ANSWER_S):
                    answer, is_refusal = await answering(octets, peer.node), False
        except PeerRefusedError as error:
            answer = str(error).encode()
        except TimeoutError:
            answer = f"no answer within {ANSWER_S:g} s".encode()
        except Exception as error:
            log.exception("question of=%s subject=%s", peer.node, subject)
            answer = f"it failed: {type(error).__name__}".encode()
        link.answer(number, answer, is_refusal=is_refusal)
