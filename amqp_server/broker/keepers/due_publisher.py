"""Publishes messages whose time has come: many at once, though each has headers of its own.

    due     a1 b2 a3 c4 | CC5 | a6      by key, except where CC or BCC, or headers, route
            ─▶ queue of a: 1 3, of b: 2, of c: 4, each as one run; then 5; then 6

A message that has waited does not wait again: its delay is negative. So where its exchange, and all
behind it, route by the key alone once the delay is left out, a route is the same for all messages
of a key, and is remembered. Each queue gets its messages in the order in which they were due.

Source: ADR 39; RabbitMQ's community plugin rabbitmq_delayed_message_exchange, which routes one
message after another, in the order in which they are due.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from amqp_server.broker.burst import enqueue_burst
from amqp_server.broker.messages.delay import after_waiting, as_before_waiting, has_copies
from amqp_server.broker.publish import TARGETS_AT_ONCE_MAX, TOGETHER_MAX, Publisher
from amqp_server.broker.publish_target import Targets, count_unlike_most, enqueue
from amqp_server.broker.steps import Steps
from amqp_server.wire.properties import plain_headers, plain_properties
from exchanges.basis import Basis
from exchanges.keeping import is_keeper
from exchanges.route_cache import RouteCache, Visited
from exchanges.routing import Router
from persistence.record import Record, Run, alike_stretches, detached, routing_key_of
from queues.commits import SAFE_NOW, CommitPoint, later_of

DUE_MAX: Final = 256
"""Messages that are published together, at most: as many as routes that an octet can tell."""

COPIES_MAX: Final = 4_096
"""Copies that are enqueued in one piece, at most; more are made queue after queue."""


class _Way(NamedTuple):
    """Where the messages of one route go, as long as nothing changes.

    Attributes:
        names: of queues and keepers.
        targets: the same; None where it takes steps to serve them.
    """

    names: Sequence[str]
    targets: Targets | None


_BY_MESSAGE: Final = _Way((), None)
"""Each message is asked where it goes, because not only its key tells."""


class DuePublisher:
    """Publishes what has waited behind one exchange.

    Args:
        exchange_name: of the exchange.
        router: the vhost's.
        publisher: the vhost's.
    """

    def __init__(self, exchange_name: str, router: Router, publisher: Publisher) -> None:
        self._exchange_name = exchange_name
        self._router = router
        self._publisher = publisher

        def holds(since: int, visited: Visited, route: bytes) -> bool:
            assert visited is not None, "each is the end of a walk"
            return router.changes.holds(since, visited, routing_key_of(route))

        self._ways: RouteCache[_Way] = RouteCache(holds)

    def publishing(self, records: Sequence[Record], now_ms: int) -> Steps[CommitPoint]:
        """Publish messages that waited, in their order; return when all of them are safe.

        Args:
            records: at most ``DUE_MAX``, as they waited.
            now_ms: the time of this turn.
        """
        assert len(records) <= DUE_MAX, "an octet tells their routes"
        safe_at = SAFE_NOW
        for is_copied, together in groupby(records, has_copies):
            if is_copied:
                steps = self._publishing_copies(list(together), now_ms)
            else:
                steps = self._publishing_by_key(as_before_waiting(together), now_ms)
            safe_at = later_of(safe_at, (yield from steps))
        # They were counted when they came.
        self._router.counters_of(self._exchange_name).published_count -= len(records)
        return safe_at

    def finding_names(self, records: Sequence[Record]) -> Steps[list[tuple[Sequence[str], Record]]]:
        """Return the queues and keepers that messages go to now, and each as these get it."""
        found: list[tuple[Sequence[str], Record]] = []
        for is_copied, together in groupby(records, has_copies):
            copied = list(together)
            if not is_copied:
                for record in as_before_waiting(copied):
                    names, _ = yield from self._names_of(record)
                    found += [(names, record)]
                continue
            for start, stop in alike_stretches(copied):
                run, keys = after_waiting(copied[start:stop])
                steps = self._publisher.finding_names(self._exchange_name, keys, run, None)
                names = yield from steps
                found += [(names, record) for record in run]
                yield
        return found

    def note_moved(self, names: Sequence[str], run: Run, now_ms: int) -> None:
        """Count messages that are moved to these, and show them to who watches the exchange."""
        self._publisher.taps.pass_by(self._exchange_name, run, now_ms)
        # They were counted as published when they came.
        counters = self._router.counters_of(self._exchange_name)
        count_unlike_most(counters, len(names), len(run))

    def _publishing_copies(self, records: Sequence[Record], now_ms: int) -> Steps[CommitPoint]:
        """Publish messages with several routing keys, as many at once as are alike."""
        safe_at = SAFE_NOW
        for start, stop in alike_stretches(records):
            run, keys = after_waiting(records[start:stop])
            steps = self._publisher.publishing_to_keys(self._exchange_name, keys, run, now_ms)
            safe_at = later_of(safe_at, (yield from steps).safe_at)
            yield
        return safe_at

    def _publishing_by_key(self, records: Sequence[Record], now_ms: int) -> Steps[CommitPoint]:
        """Publish messages of one routing key each."""
        numbers: dict[bytes, int] = {}
        order = bytes([numbers.setdefault(record.route, len(numbers)) for record in records])
        for route in numbers:
            if self._way_of(route) is None:
                yield from self._finding_way(route)
        # A way that was found may hold no more; from here on nothing changes but at a yield.
        targets_of = [None if way is None else way.targets for way in map(self._way_of, numbers)]
        known = [targets for targets in targets_of if targets is not None]
        if len(known) == len(numbers) and max(map(len, known)) * len(records) <= COPIES_MAX:
            safe_at = self._publish_at_once(records, order, known, now_ms)
            if safe_at is not None:
                return safe_at
        return (yield from self._publishing_in_order(records, now_ms))

    def _publish_at_once(
        self, records: Sequence[Record], order: bytes, targets_of: Sequence[Targets], now_ms: int
    ) -> CommitPoint | None:
        """Give each queue its messages as one run; None if one would do more than append."""
        run = detached(records)
        counters = self._router.counters_of(self._exchange_name)
        if all([targets == targets_of[0] for targets in targets_of]):
            self._publisher.taps.pass_by(self._exchange_name, run, now_ms)
            return enqueue(targets_of[0], run, now_ms, counters).safe_at
        waiting = enqueue_burst(targets_of, order, run, now_ms)
        if waiting is None:
            return None
        self._publisher.taps.pass_by(self._exchange_name, run, now_ms)
        counters.published_count += len(run)
        for number, targets in enumerate(targets_of):
            if len(targets) != 1:
                count_unlike_most(counters, len(targets), order.count(number))
        safe_at = SAFE_NOW
        for each in waiting:
            safe_at = later_of(safe_at, each.safe_at)
        return safe_at

    def _publishing_in_order(self, records: Sequence[Record], now_ms: int) -> Steps[CommitPoint]:
        """Publish one after another; neighbours that go to the same queues go together."""
        safe_at = SAFE_NOW
        begins = {start for start, _ in alike_stretches(records)}
        gathered: list[Record] = []
        names: Sequence[str] = ()
        basis = Basis.CHANCE
        for index, record in enumerate(records):
            next_names = names
            if index in begins or basis is Basis.CHANCE:
                next_names, basis = yield from self._names_of(record)
            if gathered and (next_names != names or not _may_join(record, gathered, names)):
                point = yield from self._enqueuing(names, gathered, now_ms)
                safe_at = later_of(safe_at, point)
                gathered = []
                yield
            names = next_names
            gathered.append(record)
        point = yield from self._enqueuing(names, gathered, now_ms)
        return later_of(safe_at, point)

    def _enqueuing(
        self, names: Sequence[str], records: Sequence[Record], now_ms: int
    ) -> Steps[CommitPoint]:
        """Publish messages to queues and keepers that were just found."""
        steps = self._publisher.publishing_to_names(
            self._exchange_name, names, (), detached(records), now_ms
        )
        return (yield from steps).safe_at

    def _way_of(self, route: bytes) -> _Way | None:
        return self._ways.get(route, self._router.generation)

    def _finding_way(self, route: bytes) -> Steps[_Way]:
        """Find where the messages of a route go, and remember it."""
        generation = self._router.generation
        keys = (routing_key_of(route),)
        names, basis, visited = yield from self._router.walk_past_waiting(self._exchange_name, keys)
        way = _BY_MESSAGE
        if basis is Basis.KEY:
            takes_steps = len(names) > TARGETS_AT_ONCE_MAX or any(map(is_keeper, names))
            way = _Way(names, None if takes_steps else self._publisher.targets_of(names))
        self._ways.put(route, generation, visited, way)
        return way

    def _names_of(self, record: Record) -> Steps[tuple[Sequence[str], Basis]]:
        """Return where a message goes, and what that depends on."""
        way = self._way_of(record.route) or (yield from self._finding_way(record.route))
        if way is not _BY_MESSAGE:
            return way.names, Basis.KEY
        routing = yield from self._router.walk(
            self._exchange_name,
            (record.routing_key,),
            plain_headers(record.header),
            partial(plain_properties, record.header),
        )
        return routing.queue_names, routing.basis


def _may_join(record: Record, gathered: Sequence[Record], names: Sequence[str]) -> bool:
    """Whether a message may go to the same queues and keepers together with those before it."""
    if len(gathered) >= TOGETHER_MAX:
        return False
    # A keeper routes what it is given by one key.
    return record.route == gathered[0].route or not any(map(is_keeper, names))
