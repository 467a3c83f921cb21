"""The groups of a node of a cluster, with what nodes ask each other for them: the loop's part.

    asks   each leader's node that members here are at: all the time, and held there up to HOLD_S
           until there is a word; once more, at once, when there is something to tell
    looks  every LOOK_S while there are members, and soon after leaders have changed

All that changes groups is done in turns: clients are written to, and told why.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.broker.groups.forms import (
    Question,
    Visit,
    question_form,
    question_of,
    told_form,
    told_of,
)
from amqp_server.broker.groups.guests import VisitOverError
from amqp_server.broker.groups.shared import SharedGroups
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.clustering.group_leaders import GroupLeaders, KnownLeaders
from amqp_server.clustering.peers import Peers
from amqp_server.net.timers import now_ms, wall_offset_ms
from cluster.links.hello import STREAM_IDS_FROM

log = logging.getLogger(__name__)

SUBJECT: Final = "group"

HOLD_S: Final = 0.4
"""How long a question waits at the leader's node for a word. While one waits, what holds was asked
for before it, so twice this is lost of ``LEASE_MS``.
"""

WITHIN_S: Final = 2.0
"""How long an answer may take; what the last one said holds meanwhile."""

AGAIN_S: Final = 0.1
"""Before a node that did not answer is asked again."""

LOOK_S: Final = 0.25


class GroupLinks:
    """The groups of one node.

    Attributes:
        shared: who is a member, and who is active.
        leaders: who leads the streams.
    """

    def __init__(
        self,
        name: str,
        node: KnownLeaders,
        incarnation: Callable[[], int],
        broker: Broker,
        peers: Peers,
        offsets_stored: Callable[[str], Awaitable[None]],
    ) -> None:
        """Begin without a member.

        Args:
            name: of this node.
            node: its part in the cluster.
            incarnation: of it.
            broker: of the node.
            peers: the other nodes.
            offsets_stored: returns once offsets that clients have stored so far are at a node, as
                far as it leads their streams.
        """
        self._broker = broker
        self._peers = peers
        self._offsets_stored = offsets_stored
        self.leaders = GroupLeaders(name, node, broker, now_ms)
        self.shared = SharedGroups(name, self.leaders, incarnation, now_ms)
        self.shared.wall_offset_ms = wall_offset_ms
        self.shared.on_used = self._used
        self.shared.visits.on_change = self._changed
        self.shared.guests.on_words = self._words_came
        self._running: set[asyncio.Task[None]] = set()
        self._asking: dict[str, asyncio.Event] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._is_looking = False
        self._look_soon = asyncio.Event()
        peers.answer_to(SUBJECT, self._answer)

    async def stop(self) -> None:
        """Ask and look no more."""
        running = tuple(self._running)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def leaders_changed(self, queue_ids: Iterable[str]) -> None:
        """Look soon where the members have to be now."""
        self.leaders.changed(queue_ids)
        self._look_soon.set()

    # -- looking ------------------------------------------------------------------------------

    def _used(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self._running.add(self._begun(self._look()))

    async def _look(self) -> None:
        try:
            while self.shared.is_used:
                await self._in_turn(self.shared.looking(now_ms()))
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._look_soon.wait()
                except TimeoutError:
                    continue
                self._look_soon.clear()
        finally:
            self._is_looking = False

    # -- asking -------------------------------------------------------------------------------

    def _changed(self, node: str) -> None:
        told = self._asking.get(node)
        if told is None:
            told = self._asking[node] = asyncio.Event()
            self._running.add(self._begun(self._visit(node, told)))
        told.set()

    async def _visit(self, node: str, told: asyncio.Event) -> None:
        """Ask a node as long as members here are there."""
        holding = self._begun(self._hold(node, told))
        try:
            while self.shared.visits.is_at(node):
                await told.wait()
                told.clear()
                if holding.done():
                    holding = self._begun(self._hold(node, told))
                while self.shared.visits.has_changes(node):
                    if not await self._ask(node, tells=True):
                        await asyncio.sleep(AGAIN_S)
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)
            del self._asking[node]

    async def _hold(self, node: str, told: asyncio.Event) -> None:
        """Have one question there all the time, whose answer brings what is said to members."""
        while self.shared.visits.is_at(node):
            if not await self._ask(node, tells=False):
                await asyncio.sleep(AGAIN_S)
        told.set()

    async def _ask(self, node: str, *, tells: bool) -> bool:
        """Ask a node once; return whether it has answered."""
        visits = self.shared.visits
        if tells and visits.tells_of_stops(node):
            # Who reads next begins behind what the last one has stored.
            await self._offsets_stored(node)
        question = visits.question(node, tells=tells)
        if question is None:
            return True
        asked_ms = now_ms()
        composed = partial(_composed, question, is_held=not tells)
        try:
            octets = await self._peers.ask(node, SUBJECT, composed, WITHIN_S)
            answer = told_of(json.loads(octets))
        except PeerAwayError as error:
            log.debug("members of groups: %s", error)
            return False
        except (PeerRefusedError, ValueError) as error:
            log.info("members of groups begin anew at node=%s: %s", node, error)
            await self._in_turn(visits.begin_anew(node, question.visit, now_ms()))
            return False
        told = visits.told(node, question.visit, asked_ms, answer, now_ms())
        await self._in_turn(told)
        return True

    # -- answering ----------------------------------------------------------------------------

    async def _answer(self, octets: bytes, node: str) -> bytes:
        """Answer a node whose members are in groups here."""
        try:
            is_held, form = json.loads(octets)
            question = question_of(form)
        except (ValueError, TypeError) as error:
            raise PeerRefusedError("it does not know this question") from error
        guests = self.shared.guests
        try:
            await self._in_turn(guests.take(node, question, now_ms()))
            self._used()
            if is_held:
                await self._until_words(node, question.visit)
            return json.dumps(told_form(guests.told(node, question.visit))).encode()
        except VisitOverError as error:
            raise PeerRefusedError(str(error)) from error

    async def _until_words(self, node: str, visit: Visit) -> None:
        """Return once there is something to say to a node, or after a while."""
        try:
            async with asyncio.timeout(HOLD_S):
                while not self.shared.guests.has_words(node, visit):
                    await self._waiting.setdefault(node, asyncio.Event()).wait()
        except TimeoutError:
            return

    def _words_came(self, node: str) -> None:
        waiting = self._waiting.pop(node, None)
        if waiting is not None:
            waiting.set()

    # -- inside -------------------------------------------------------------------------------

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("groups of a cluster", exc_info=error)

    async def _in_turn(self, steps: Steps[None]) -> None:
        """Carry steps out in turns; return, or raise what they raise, once they are done."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turn = self._broker.turn
        turn.resume(StepsJob(_finishing(steps, done), turn))
        await done


def _composed(question: Question, version: int, *, is_held: bool) -> bytes:
    form = question_form(question, has_ids=version >= STREAM_IDS_FROM)
    return json.dumps([int(is_held), form], separators=(",", ":")).encode()


def _finishing(steps: Steps[None], done: asyncio.Future[None]) -> Steps[None]:
    try:
        yield from steps
    except VisitOverError as error:
        if not done.done():
            done.set_exception(error)
    except Exception as error:
        if not done.done():
            done.set_exception(error)
        raise
    if not done.done():
        done.set_result(None)
