"""A session of programs with the broker, its end, and the judgement after a drain."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import FieldValue
from tests.crash.checker import INVALID, Verdict, check
from tests.crash.confirm_checker import check_confirms
from tests.crash.definitions import Definer
from tests.crash.dying import (
    DEAD,
    HAS_PRIORITIES,
    JUDGED,
    SOURCES,
    Rejecter,
    declare_dying,
    let_all_die,
    rejecters,
)
from tests.crash.history import Action, Row, Value
from tests.crash.link import HOST, Link, LinkLostError, message_count_of
from tests.crash.notes import Notes, monotonic_ms
from tests.crash.policies import (
    POLICED,
    POLICED_DEAD,
    Policy,
    declare_policed,
    not_droppable,
)
from tests.crash.programs import Consumer, Drain, Getter, Publisher, Target
from tests.crash.transactions import (
    SINKS,
    SOURCE,
    Transactor,
    declare_transacted,
    move_all,
    transactors,
)

FANOUT: Final = "crash.fanout"
FANNED: Final = ("crash.fanned.1", "crash.fanned.2", "crash.fanned.3")
QUEUES: Final[dict[str, dict[str, FieldValue]]] = {
    "crash.plain": {},
    "crash.priority": {"x-max-priority": 4},
    "crash.ttl": {"x-message-ttl": 3_600_000},
    "crash.quorum": {"x-queue-type": "quorum"},
    **{name: {} for name in FANNED},
    DEAD: {},
    **{name: {} for name in SINKS},
    POLICED: {},
    POLICED_DEAD: {},
}
"""The dead letter queue of the policies is behind the queue that it is of, as both are drained."""

_MOVED_INTO: Final = {DEAD, *SINKS, POLICED, POLICED_DEAD}
TARGETS: Final = (
    Target("", "crash.plain", ("crash.plain",)),
    Target("", "crash.priority", ("crash.priority",), has_priorities=True),
    Target("", "crash.ttl", ("crash.ttl",)),
    Target("", "crash.quorum", ("crash.quorum",)),
    Target(FANOUT, "", FANNED),
    Target("", SOURCE, SINKS),
    Target("", POLICED, (POLICED, POLICED_DEAD)),
    *[Target("", name, (DEAD,), has_priorities=name in HAS_PRIORITIES) for name in SOURCES],
)
ACKS_PER_FAULT_MAX: Final = 1_000_000
"""Unlimited: it is their age that says whether acks may be taken back."""
CONNECTION_FORCED: Final = "320 CONNECTION_FORCED"
"""What a node says that stops by itself."""
TAKERS_MAX: Final = 6
STORY_ROWS_MAX: Final = 40
COUNTED: Final = ("attempts", "confirmed", "delivered", "duplicated", "recovered", "replayed")
DROPPED: Final = "dropped"
"""Confirmed, and too much for a policy that names no dead letter exchange; counted as those are."""


def declare_all(port: int, vhost: str = "/") -> None:
    """Declare the queues and the exchange that programs use."""
    with Session(Endpoint(HOST, port, "guest", "guest", vhost)) as session:
        for queue, arguments in QUEUES.items():
            session.call(
                wire.queue_declare(1, queue, arguments, durable=True), wire.QUEUE_DECLARE_OK
            )
        declare = wire.exchange_declare(1, FANOUT, "fanout", durable=True)
        session.call(declare, wire.EXCHANGE_DECLARE_OK)
        for queue in FANNED:
            session.call(wire.queue_bind(1, queue, FANOUT, ""), wire.QUEUE_BIND_OK)
        declare_dying(session)
        declare_transacted(session)
        declare_policed(session)


@dataclass(slots=True)
class Judgement:
    """The result of a drain.

    Attributes:
        verdicts: of each queue.
        counts: over all queues, of messages that no earlier judgement counted.
        wrong: a line for each thing that must not be; empty is valid.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Run:
    """What lasts over all sessions with one vhost of a data directory.

    Args:
        port: of the node.
        chance: the seed's.
        ack_grace_ms: an ack that is older at a fault may not be taken back.
        vhost: where the programs work.
        first_publisher: see ``Notes``.
    """

    def __init__(
        self,
        port: int,
        chance: random.Random,
        ack_grace_ms: int,
        vhost: str = "/",
        first_publisher: int = 1,
    ) -> None:
        self.notes = Notes(first_publisher)
        self.definer = Definer(chance, vhost)
        self.vhost = vhost
        self._port = port
        self._chance = chance
        self._ack_grace_ms = ack_grace_ms
        self._counted: dict[str, frozenset[Value]] = {}
        self._policy: Policy | None = None
        self._may_have_dropped = False

    def live_under(self, policy: Policy) -> None:
        """Expect what this policy does, from the next start of the node on."""
        self._policy = policy
        self._may_have_dropped |= policy.drops

    async def session(
        self, end: Callable[[], Awaitable[None]], *, takers_max: int = TAKERS_MAX
    ) -> None:
        """Let programs work until ``end`` has returned, which ends their broker.

        Args:
            end: kills it.
            takers_max: programs that consume or get; 0 is none.

        Raises:
            AssertionError: a program was refused something.
        """
        chance = self._chance
        publishers = [
            Publisher(self.notes, chance.choice(TARGETS), chance)
            for _ in range(chance.randint(4, 8))
        ]
        takers_count = chance.randint(min(1, takers_max), takers_max)
        takers: list[Consumer | Getter] = [
            chance.choice((Consumer, Consumer, Getter))(self.notes, queue, chance)
            for queue in chance.choices(list(QUEUES), k=takers_count)
        ]
        links: list[Link] = []
        moving: list[Rejecter | Transactor] = []
        if takers_max:
            moving = [*rejecters(chance), *transactors(self.notes, chance)]
        works = [work.run for work in (*publishers, *takers, *moving, self.definer)]
        tasks = [asyncio.create_task(self._work(work, links)) for work in works]
        await end()
        self.notes.fault()
        await asyncio.gather(*tasks)
        for publisher in publishers:
            publisher.close()
        refusals = [
            link.refusal
            for link in links
            if link.refusal is not None and CONNECTION_FORCED not in link.refusal
        ]
        assert not refusals, f"a program was refused: {refusals}"

    async def _work(self, work: Callable[[Link], Awaitable[None]], links: list[Link]) -> None:
        with contextlib.suppress(LinkLostError):
            link = await Link.open(self._port, self.vhost)
            links.append(link)
            await work(link)

    async def drain(self) -> Judgement:
        """Empty all queues, and judge all that was noted since the last time."""
        judgement = Judgement(counts=dict.fromkeys((*COUNTED, DROPPED), 0))
        try:
            await let_all_die(self._port, self.vhost)
            await move_all(self._port, self.vhost, self.notes, self._chance)
        except TimeoutError:
            judgement.wrong.append("dead letters, or what a transaction takes, stay where they are")
        for queue in QUEUES:
            link = await Link.open(self._port, self.vhost)
            ready_count = await _ready_count(link, queue)
            try:
                more_count = await Drain(self.notes, queue, self._chance).run(link, ready_count)
            except TimeoutError:
                judgement.wrong.append(f"{queue}: {ready_count} are ready and do not all arrive")
                more_count = 0
            if more_count or (left := await _ready_count(link, queue)):
                left = 0 if more_count else left
                judgement.wrong.append(
                    f"{queue}: {ready_count} were ready, {more_count} more came, {left} are left"
                )
            await link.close()
        for queue in QUEUES:
            if queue != POLICED_DEAD:
                self._judge(queue, judgement)
        violations = check_confirms(self.notes.confirms, monotonic_ms())
        judgement.wrong += [f"confirms: {one}" for one in violations[:5]]
        judgement.wrong += self.notes.damaged[:5]
        self._counted = self.notes.forget(2 * self._ack_grace_ms)
        self._may_have_dropped = self._policy is not None and self._policy.drops
        return judgement

    def _judge(self, queue: str, judgement: Judgement) -> None:
        rows = self._rows_of(queue)
        verdict = check(
            rows,
            acks_per_fault_max=ACKS_PER_FAULT_MAX,
            ack_grace_ms=self._ack_grace_ms,
        )
        judgement.verdicts[queue] = verdict
        counted = self._counted.get(queue, frozenset())
        if queue == POLICED:
            counted |= self._counted.get(POLICED_DEAD, frozenset())
        for name in COUNTED:
            judgement.counts[name] += len(set(getattr(verdict, name)) - counted)
        for name in JUDGED if queue in _MOVED_INTO else INVALID:
            found = getattr(verdict, name)
            if queue == POLICED and name == "lost" and self._may_have_dropped:
                found = not_droppable(rows, found)
                judgement.counts[DROPPED] += len(verdict.lost) - len(found)
            if found:
                judgement.wrong.append(f"{queue}: {len(found)} {name}, as {_shown(found)}")
                judgement.wrong += _story(rows, found[0])

    def _rows_of(self, queue: str) -> list[Row]:
        """Return the history of a queue, with that of the queue that its policy moves it into.

        Publishes are noted for both, as each forgets rows by what was acked from it.
        """
        if queue != POLICED:
            return self.notes.rows[queue]
        rows = dict.fromkeys(self.notes.rows[POLICED] + self.notes.rows[POLICED_DEAD])
        return sorted(rows, key=lambda row: row.at_ms)


def _story(rows: Sequence[Row], value: Value) -> list[str]:
    """Return what happened to a message, and the faults meanwhile."""
    own = [row for row in rows if row.value == value or row.action is Action.FAULT]
    while own and own[0].action is Action.FAULT:
        own.pop(0)
    return [
        f"    at {row.at_ms - own[0].at_ms} ms: {row.action.name} {row.kind.name}"
        f" process={row.process} redelivered={row.redelivered}"
        for row in own[:STORY_ROWS_MAX]
    ]


def _shown(values: Sequence[Value]) -> str:
    return " ".join(f"{value.publisher}-{value.counter}" for value in values[:5])


async def _ready_count(link: Link, queue: str) -> int:
    passive = wire.queue_declare(1, queue, passive=True)
    return message_count_of(await link.call(passive, wire.QUEUE_DECLARE_OK))
