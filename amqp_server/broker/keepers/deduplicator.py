"""What stands before an exchange that deduplicates: the keys that it has seen.

    publish ─▶ exchange ─▶ Deduplicator ─┬─ not seen ─▶ the exchange inside ─▶ queues, then noted
                                         └─ seen ─▶ alternate exchange, or back if mandatory

A key is noted when its message is in the logs of its queues, and not if a queue refused the message
or it reached none: its publisher may send it again. A duplicate is confirmed when the message that
it repeats is safe, and the key too.

A message whose key is that of one that is still on its way, because that takes several turns, is
refused: nobody knows yet whether it is a duplicate, and its publisher may send it again. To wait
would stop those that cannot wait, such as the dead letters of a queue that goes.

Source: RabbitMQ's community plugin rabbitmq-message-deduplication, for which a duplicate is a
message without a route. It notes keys before it routes, as LavinMQ does.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, cast

from amqp_server.broker.counts import DuplicateCounts
from amqp_server.broker.publish_target import KeeperTarget, PublishTarget, count_unlike_most
from amqp_server.broker.steps import Steps, finish
from amqp_server.broker.turn import Turn
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import plain_headers, plain_properties
from exchanges.basis import Basis
from exchanges.deduplication import Window
from exchanges.keeping import is_keeper
from exchanges.routing import Router, Routing
from persistence.record import PERSISTENT, Record, Run, header_stretches, route_of, routing_key_of
from queues.commits import SAFE_NOW, CommitPoint, is_safe, later_of
from queues.deduplication.seen_keys import UNDER_WAY, SeenKeys, Sorted
from queues.log_port import RecoveredMessages
from queues.outcomes import PublishOutcome, StillOpen, placed

PIECE_MAX: Final = 256
"""Messages of a run that are looked at in one step."""

TARGETS_PER_STEP: Final = 64
"""Queues that get a piece in one step."""

PASSED_MAX: Final = 16
"""A message passes at most so many such exchanges that are bound to each other."""

NAMES_MAX: Final = 1_024
"""Routing keys whose queues are remembered."""


class _Fate(NamedTuple):
    """What became of the messages of a run, by index."""

    rejected: set[int]
    unroutable: set[int]
    safe_at: CommitPoint
    still_open: Sequence[StillOpen] = ()


class Deduplicator:
    """A ``KeeperTarget``, and a ``Drainable`` of the turn.

    Attributes:
        exchange_name: of its exchange.
        queue_id: under which its log is kept; 0 is not stored.
        window: what it remembers.
        seen: the keys.
    """

    keeps_transient: Final = False
    has_lone_readers: Final = False

    def __init__(
        self,
        exchange_name: str,
        queue_id: int,
        window: Window,
        seen: SeenKeys,
        turn: Turn,
        router: Router,
        *,
        target_of: Callable[[str], PublishTarget | None],
    ) -> None:
        """Begin with what is in ``seen``.

        Args:
            exchange_name: of its exchange.
            queue_id: see the attribute.
            window: see the attribute.
            seen: of this exchange alone.
            turn: the broker's.
            router: the vhost's.
            target_of: the queue or keeper of a name; None while there is none.
        """
        self.exchange_name = exchange_name
        self.queue_id = queue_id
        self.window = window
        self.seen = seen
        self._turn = turn
        self._router = router
        self._target_of = target_of
        self._names: dict[str, tuple[str, ...]] = {}
        self._generation = -1
        self._armed_ms: int | None = None
        self._under_way: set[bytes] = set()
        self._is_closed = False

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the keys that a restart found; must be the first call."""
        self.seen.recover(found, now_ms)
        self._arm()

    def counts(self) -> DuplicateCounts:
        """Return how many messages were seen before."""
        return DuplicateCounts(self.seen.duplicates_count)

    # -- in ---------------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Route what was not seen, however long that takes."""
        return finish(self._passing(run, (), now_ms, frozenset()))

    def publish_to_keys(self, run: Run, keys: Sequence[str], now_ms: int) -> PublishOutcome:
        """Do the same by several keys."""
        return finish(self._passing(run, keys, now_ms, frozenset()))

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002 - the port's names
        """Return False, because each message has a key of its own."""
        return False

    def publishing(
        self,
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object] = frozenset(),
    ) -> Steps[PublishOutcome]:
        """Route what was not seen, in steps.

        Args:
            run: at least one message.
            keys: all routing keys of its messages; none is their own one.
            now_ms: the time of this turn.
            passed: others like this that the messages have passed on their way.
        """
        return self._passing(run, keys, now_ms, passed)

    def _passing(
        self, run: Run, keys: Sequence[str], now_ms: int, passed: frozenset[object]
    ) -> Steps[PublishOutcome]:
        if self in passed or len(passed) >= PASSED_MAX or self._is_closed:
            return PublishOutcome((), SAFE_NOW, range(len(run)))
        rejected: list[int] = []
        unroutable: list[int] = []
        still_open: list[StillOpen] = []
        safe_at = SAFE_NOW
        for first in range(0, len(run), PIECE_MAX):
            piece = run if len(run) <= PIECE_MAX else run[first : first + PIECE_MAX]
            fate = yield from self._passing_piece(piece, keys, now_ms, passed | {self})
            rejected += [first + index for index in sorted(fate.rejected)]
            unroutable += [first + index for index in sorted(fate.unroutable)]
            still_open += placed(fate.still_open, range(first, first + len(piece)))
            safe_at = later_of(safe_at, fate.safe_at)
            yield
        return PublishOutcome(rejected, safe_at, unroutable, tuple(still_open))

    def _passing_piece(
        self, run: Run, keys: Sequence[str], now_ms: int, passed: frozenset[object]
    ) -> Steps[_Fate]:
        found = self.seen.sort(run, now_ms, self._under_way)
        begun = [key for key in found.keys if key is not None]
        self._under_way.update(begun)
        try:
            return (yield from self._passing_sorted(run, found, keys, now_ms, passed))
        finally:
            # Also where the publisher has left meanwhile.
            self._under_way.difference_update(begun)

    def _passing_sorted(
        self,
        run: Run,
        found: Sorted,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object],
    ) -> Steps[_Fate]:
        if not found.duplicates:
            fresh = yield from self._routing(run, keys, now_ms, passed)
            return fresh._replace(safe_at=self._note(run, found, fresh, now_ms))
        fate = _Fate(set(), set(), SAFE_NOW)
        if found.fresh:
            part = [run[index] for index in found.fresh]
            fresh = yield from self._routing(part, keys, now_ms, passed)
            safe_at = self._note(part, found, fresh, now_ms)
            fate = _Fate(
                {found.fresh[index] for index in fresh.rejected},
                {found.fresh[index] for index in fresh.unroutable},
                safe_at,
                placed(fresh.still_open, found.fresh),
            )
        duplicates: list[int] = []
        for index, first in found.duplicates:
            # What repeats a message that was not taken has its fate.
            if first == UNDER_WAY or first in fate.rejected:
                fate.rejected.add(index)
            elif first in fate.unroutable:
                fate.unroutable.add(index)
            else:
                duplicates.append(index)
        if not duplicates:
            return fate
        self.seen.duplicates_count += len(duplicates)
        again = yield from self._routing_duplicates(
            [run[index] for index in duplicates], keys, now_ms, passed
        )
        fate.rejected.update(duplicates[index] for index in again.rejected)
        fate.unroutable.update(duplicates[index] for index in again.unroutable)
        safe_at = later_of(fate.safe_at, again.safe_at)
        if not is_safe(self.seen.safe_at):
            safe_at = later_of(safe_at, self.seen.safe_at)
        still_open = [*fate.still_open, *placed(again.still_open, duplicates)]
        return fate._replace(safe_at=safe_at, still_open=still_open)

    def _note(self, run: Run, found: Sorted, fate: _Fate, now_ms: int) -> CommitPoint:
        """Note the keys of what was taken; return when messages and keys are safe."""
        taken = [
            index
            for index, key in enumerate(found.keys)
            if key is not None and index not in fate.rejected and index not in fate.unroutable
        ]
        if not taken or self._is_closed:
            return fate.safe_at
        keys = cast("Sequence[bytes]", [found.keys[index] for index in taken])
        expires = [found.expires_at_ms[index] for index in taken]
        flags = [run[index].flags & PERSISTENT for index in taken]
        safe_at = self.seen.note(keys, expires, flags, now_ms, fate.safe_at)
        self._arm()
        return safe_at

    # -- out --------------------------------------------------------------------------------------

    def _routing(
        self, run: Run, keys: Sequence[str], now_ms: int, passed: frozenset[object]
    ) -> Steps[_Fate]:
        """Route messages by the exchange inside."""
        if keys:
            walk = self._router.walk_inside
            return (yield from self._routing_each(walk, run, keys, now_ms, passed))
        key = routing_key_of(route_of(run))
        if self._generation != self._router.generation or len(self._names) > NAMES_MAX:
            self._names.clear()
            self._generation = self._router.generation
        names = self._names.get(key)
        if names is not None:
            return (yield from self._enqueuing(names, run, (), now_ms, passed))
        generation = self._generation
        walk = self._router.walk_inside
        routing = yield from _walked(walk, self.exchange_name, run[0], (key,))
        if routing.basis is not Basis.KEY:
            return (yield from self._routing_each(walk, run, (), now_ms, passed))
        if generation == self._router.generation == self._generation:
            self._names[key] = routing.queue_names
        return (yield from self._enqueuing(routing.queue_names, run, (), now_ms, passed))

    def _routing_duplicates(
        self, run: Run, keys: Sequence[str], now_ms: int, passed: frozenset[object]
    ) -> Steps[_Fate]:
        """Route messages by the alternate exchange; without one they have no route."""
        exchange = self._router.exchanges.get(self.exchange_name)
        alternate = None if exchange is None else exchange.alternate_exchange
        if alternate is None:
            self._count(run, 0)
            return _Fate(set(), set(range(len(run))), SAFE_NOW)
        walk = self._router.walk
        return (yield from self._routing_each(walk, run, keys, now_ms, passed, alternate))

    def _routing_each(
        self,
        walk: Callable[..., Steps[Routing]],
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object],
        exchange_name: str | None = None,
    ) -> Steps[_Fate]:
        """Route each stretch of messages with one header, or each message where chance decides."""
        fate = _Fate(set(), set(), SAFE_NOW)
        name = self.exchange_name if exchange_name is None else exchange_name
        start = 0
        for _, stop in header_stretches(run):
            while start < stop:
                by = keys or (run[start].routing_key,)
                routing = yield from _walked(walk, name, run[start], by)
                end = start + 1 if routing.basis is Basis.CHANCE else stop
                part = run[start:end]
                of_part = yield from self._enqueuing(
                    routing.queue_names, part, keys, now_ms, passed
                )
                fate.rejected.update(start + index for index in of_part.rejected)
                fate.unroutable.update(start + index for index in of_part.unroutable)
                still_open = placed(of_part.still_open, range(start, end))
                fate = fate._replace(
                    safe_at=later_of(fate.safe_at, of_part.safe_at),
                    still_open=[*fate.still_open, *still_open],
                )
                start = end
        return fate

    def _enqueuing(
        self,
        names: Sequence[str],
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object],
    ) -> Steps[_Fate]:
        rejected: set[int] = set()
        missed = set(range(len(run)))
        still_open: list[StillOpen] = []
        safe_at = SAFE_NOW
        targets_count = 0
        for number, name in enumerate(names, start=1):
            target = self._target_of(name)
            if target is not None:
                if is_keeper(name):
                    keeper = cast("KeeperTarget", target)
                    outcome = yield from keeper.publishing(run, keys, now_ms, passed)
                else:
                    targets_count += 1
                    outcome = target.publish(run, now_ms)
                missed.intersection_update(outcome.unroutable)
                rejected.update(outcome.rejected)
                still_open += outcome.still_open
                safe_at = later_of(safe_at, outcome.safe_at)
            if not number % TARGETS_PER_STEP:
                yield
        self._count(run, targets_count)
        return _Fate(rejected, missed, safe_at, still_open)

    def _count(self, run: Run, targets_count: int) -> None:
        """Count what goes to several queues or to none; it was counted as for one."""
        counters = self._router.counters_of(run[0].exchange)
        count_unlike_most(counters, targets_count, len(run))

    # -- the turn ---------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when the next key is over; None while there is none."""
        self._armed_ms = None if self._is_closed else self.seen.next_deadline_ms()
        return self._armed_ms

    def expire(self, now_ms: int) -> None:
        """Do nothing: a drain follows."""

    def drain(self, now_ms: int, max_messages: int) -> bool:  # noqa: ARG002 - the port's names
        """Forget what is over, within the budget of the turn; return whether more is."""
        is_spent = self._turn.budget.is_spent
        while not self._is_closed and not self.seen.forget_some(now_ms):
            if is_spent():
                return True
        return False

    def close(self) -> None:
        """Forget everything, because the exchange and its definition are gone."""
        self._is_closed = True
        self._turn.forget(self)
        self.seen.drop_all()

    def _arm(self) -> None:
        deadline_ms = self.seen.next_deadline_ms()
        if deadline_ms is not None and (self._armed_ms is None or deadline_ms < self._armed_ms):
            self._turn.mark_dirty(self)


def _walked(
    walk: Callable[..., Steps[Routing]], exchange_name: str, record: Record, keys: Sequence[str]
) -> Steps[Routing]:
    try:
        headers = plain_headers(record.header)
    except WireError:
        headers = None
    return walk(exchange_name, keys, headers, partial(plain_properties, record.header))
