"""A session of programs with the broker, its end, and the judgement after a drain."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.session import Endpoint, Session
from amqp_server.perf.wire import FieldValue
from tests.crash.checker import INVALID, Verdict, check
from tests.crash.confirm_checker import check_confirms
from tests.crash.definitions import Definer
from tests.crash.dying import (
    DEAD,
    HAS_PRIORITIES,
    JUDGED,
    SOURCES,
    declare_dying,
    let_all_die,
    rejecters,
)
from tests.crash.history import Action, Row, Value
from tests.crash.link import HOST, Link, LinkLostError, message_count_of
from tests.crash.notes import Notes, monotonic_ms
from tests.crash.programs import Consumer, Drain, Getter, Publisher, Target

FANOUT: Final = "crash.fanout"
FANNED: Final = ("crash.fanned.1", "crash.fanned.2", "crash.fanned.3")
QUEUES: Final[dict[str, dict[str, FieldValue]]] = {
    "crash.plain": {},
    "crash.priority": {"x-max-priority": 4},
    "crash.ttl": {"x-message-ttl": 3_600_000},
    "crash.quorum": {"x-queue-type": "quorum"},
    **{name: {} for name in FANNED},
    DEAD: {},
}
TARGETS: Final = (
    Target("", "crash.plain", ("crash.plain",)),
    Target("", "crash.priority", ("crash.priority",), has_priorities=True),
    Target("", "crash.ttl", ("crash.ttl",)),
    Target("", "crash.quorum", ("crash.quorum",)),
    Target(FANOUT, "", FANNED),
    *[Target("", name, (DEAD,), has_priorities=name in HAS_PRIORITIES) for name in SOURCES],
)
ACKS_PER_FAULT_MAX: Final = 1_000_000
"""Unlimited: it is their age that says whether acks may be taken back."""
CONNECTION_FORCED: Final = "320 CONNECTION_FORCED"
"""What a node says that stops by itself."""
TAKERS_MAX: Final = 6
STORY_ROWS_MAX: Final = 40
COUNTED: Final = ("attempts", "confirmed", "delivered", "duplicated", "recovered", "replayed")


def declare_all(port: int) -> None:
    """Declare the queues and the exchange that programs use."""
    with Session(Endpoint(HOST, port, "guest", "guest", "/")) as session:
        for queue, arguments in QUEUES.items():
            session.call(
                wire.queue_declare(1, queue, arguments, durable=True), wire.QUEUE_DECLARE_OK
            )
        declare = wire.exchange_declare(1, FANOUT, "fanout", durable=True)
        session.call(declare, wire.EXCHANGE_DECLARE_OK)
        for queue in FANNED:
            session.call(wire.queue_bind(1, queue, FANOUT, ""), wire.QUEUE_BIND_OK)
        declare_dying(session)


@dataclass(slots=True)
class Judgement:
    """What a drain showed.

    Attributes:
        verdicts: of each queue.
        counts: over all queues, of messages that no earlier judgement counted.
        wrong: a line for each thing that must not be; empty is valid.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Run:
    """What lasts over all sessions with one data directory.

    Args:
        port: of the node.
        chance: the seed's.
        ack_grace_ms: an ack that is older at a fault may not be taken back.
    """

    def __init__(self, port: int, chance: random.Random, ack_grace_ms: int) -> None:
        self.notes = Notes()
        self.definer = Definer(chance)
        self._port = port
        self._chance = chance
        self._ack_grace_ms = ack_grace_ms
        self._counted: dict[str, frozenset[Value]] = {}

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
        rejecting = rejecters(chance) if takers_max else []
        works = [work.run for work in (*publishers, *takers, *rejecting, self.definer)]
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
            link = await Link.open(self._port)
            links.append(link)
            await work(link)

    async def drain(self) -> Judgement:
        """Empty all queues, and judge all that was noted since the last time."""
        judgement = Judgement(counts=dict.fromkeys(COUNTED, 0))
        try:
            await let_all_die(self._port)
        except TimeoutError:
            judgement.wrong.append("dead letters stay where they died")
        for queue in QUEUES:
            link = await Link.open(self._port)
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
            self._judge(queue, judgement)
        violations = check_confirms(self.notes.confirms, monotonic_ms())
        judgement.wrong += [f"confirms: {one}" for one in violations[:5]]
        judgement.wrong += self.notes.damaged[:5]
        self._counted = self.notes.forget(2 * self._ack_grace_ms)
        return judgement

    def _judge(self, queue: str, judgement: Judgement) -> None:
        verdict = check(
            self.notes.rows[queue],
            acks_per_fault_max=ACKS_PER_FAULT_MAX,
            ack_grace_ms=self._ack_grace_ms,
        )
        judgement.verdicts[queue] = verdict
        counted = self._counted.get(queue, frozenset())
        for name in COUNTED:
            judgement.counts[name] += len(set(getattr(verdict, name)) - counted)
        for name in JUDGED if queue == DEAD else INVALID:
            if found := getattr(verdict, name):
                judgement.wrong.append(f"{queue}: {len(found)} {name}, as {_shown(found)}")
                judgement.wrong += _story(self.notes.rows[queue], found[0])


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
