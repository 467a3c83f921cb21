"""Joins routing and queues: a run is routed once and appended to each queue once.

What changes between routes is ``broker.burst``. Slow paths, entered by what the scanner or the
route told: some exchanges route each message by its own headers or properties, or by chance; CC and
BCC give a message several keys.

Clients decide how long a publish takes, by the number of matching bindings and of bound queues. If
a few queues are found at once, it is a plain call. Otherwise it is done in steps
(``broker.steps``): a walk in pieces, then queue after queue. Meanwhile others publish to the same
queues. The publisher itself waits, so that its next messages do not overtake.

Source: RabbitMQ, rabbit_channel:deliver_to_queues.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, cast

from amqp_server.broker.publish_target import (
    KeeperTarget,
    PublishTarget,
    Targets,
    count_unlike_most,
    enqueue,
)
from amqp_server.broker.steps import Steps, finish
from amqp_server.broker.tapping.taps import Taps
from amqp_server.broker.wide_routes import WideRoute, WideRoutes
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import plain_headers, plain_properties
from exchanges.basis import Basis
from exchanges.counters import ExchangeCounters
from exchanges.keeping import is_keeper
from exchanges.route_cache import Holds, RouteCache, Visited
from exchanges.route_changes import RouteChanges
from exchanges.routing import Router, Routing
from persistence.record import (
    Record,
    Run,
    header_stretches,
    route_of,
    routing_key_of,
)
from queues.commits import SAFE_NOW, later_of
from queues.outcomes import ALL_SAFE, PublishOutcome, StillOpen, placed

PIECES_AT_ONCE_MAX: Final = 8
"""Pieces of a walk after which it counts as long."""

TOGETHER_MAX: Final = 64
"""Messages of one run that are routed one by one, and enqueued together."""

TARGETS_AT_ONCE_MAX: Final = 64
"""Queues that get a run in one piece."""


class Publisher:
    """Routes and enqueues for one vhost.

    Attributes:
        target_of: returns the queue or keeper of a name; None while there is none.
        taps: who watches what passes.
        takes_steps: whether some exchange deduplicates, so that keepers are given messages in
            steps.
    """

    def __init__(self, router: Router, target_of: Callable[[str], PublishTarget | None]) -> None:
        """Join a router to the queues.

        Args:
            router: the vhost's.
            target_of: the queue of a name; None while there is none.
        """
        self._router = router
        self.target_of = target_of
        holds = _holds_by(router.changes)
        self._routes: RouteCache[Targets] = RouteCache(holds)
        self._wide = WideRoutes(holds)
        self._begun: _Begun | None = None
        self.taps = Taps(router)
        self._tapped = self.taps.exchanges
        self._is_traced = False
        self.takes_steps = False

    def set_traced(self, *, is_traced: bool) -> None:
        """Have ``find_targets`` find nothing: each message is looked at on its own; or end that."""
        self._is_traced = is_traced

    def publish(self, exchange: str, run: Run, now_ms: int) -> PublishOutcome:
        """Publish at once, even if it takes long; see ``publishing``."""
        return finish(self.publishing(exchange, run, now_ms))

    def publishing(
        self, exchange: str, run: Run, now_ms: int, counters: ExchangeCounters | None = None
    ) -> Steps[PublishOutcome]:
        """Publish messages that share exchange and routing key.

        Args:
            exchange: name of an existing exchange, or "".
            run: at least one message; their ``route`` says exchange and key.
            now_ms: the time of this turn.
            counters: where they are counted; None is those of the exchange.
        """
        route = route_of(run)
        targets = self.find_targets(exchange, route, routing_key_of(route))
        counters = self._router.counters_of(exchange) if counters is None else counters
        if targets is not None:
            return enqueue(targets, run, now_ms, counters)
        if self._tapped:
            self.taps.pass_by(exchange, run, now_ms)
        names = yield from self._names(exchange, route)
        if names is None:
            return (yield from self._publishing_by_message(exchange, run, now_ms, counters))
        return (yield from self._enqueuing(names, run, now_ms, counters))

    def find_targets(self, exchange: str, route: bytes, routing_key: str) -> Targets | None:
        """Return the targets of a route, which are right until the router's generation changes.

        Args:
            exchange: name of an existing exchange, or "".
            route: that exchange and a routing key, as a record has them.
            routing_key: that key.

        Returns:
            None if each message is routed or traced on its own, if somebody watches the exchange,
            or if it takes long to find all queues or to serve them. ``publishing`` handles these.
        """
        if self._is_traced or exchange in self._tapped:
            return None
        generation = self._router.generation
        targets = self._routes.get(route, generation)
        if targets is None:
            names = self._router.queues_of_key(exchange, routing_key)
            if names is None:
                routing = self._routing_at_once(exchange, route)
                if routing is None:
                    return None
                return self._note_routing(route, generation, routing)
            return self._note_targets(route, generation, None, names)
        return targets

    def publishing_to_keys(
        self,
        exchange: str,
        routing_keys: Sequence[str],
        run: Run,
        now_ms: int,
        excluded: Callable[[str], bool] | None = None,
        counters: ExchangeCounters | None = None,
    ) -> Steps[PublishOutcome]:
        """Publish messages of equal headers under several routing keys (CC, BCC, dead letters).

        ``excluded`` tells whether they must not go to a queue, for example because of a cycle.
        ``counters`` is where they are counted; None is those of the exchange.
        """
        names = yield from self.finding_names(exchange, routing_keys, run, excluded)
        steps = self.publishing_to_names(exchange, names, routing_keys, run, now_ms, counters)
        return (yield from steps)

    def publishing_to_names(
        self,
        exchange: str,
        names: Sequence[str],
        routing_keys: Sequence[str],
        run: Run,
        now_ms: int,
        counters: ExchangeCounters | None = None,
    ) -> Steps[PublishOutcome]:
        """Publish messages to the queues that ``finding_names`` has just found."""
        if self._tapped:
            self.taps.pass_by(exchange, run, now_ms)
        counters = self._router.counters_of(exchange) if counters is None else counters
        if len(routing_keys) > 1 and any(map(is_keeper, names)):
            return (yield from self._enqueuing_kept(names, routing_keys, run, now_ms, counters))
        return (yield from self._enqueuing(names, run, now_ms, counters))

    @property
    def routes_generation(self) -> int:
        """The answer of ``finding_names`` is right until this changes."""
        return self._router.generation

    def publish_to_queue(self, name: str, run: Run, now_ms: int) -> PublishOutcome | None:
        """Publish messages directly to one queue; None while there is no such queue."""
        target = self.target_of(name)
        return None if target is None else target.publish(run, now_ms)

    # ── finding queues ──

    def _routing_at_once(self, exchange: str, route: bytes) -> Routing | None:
        """Begin the walk from an exchange that is bound to exchanges; None if it is long."""
        generation = self._router.generation
        if self._router.is_by_message(exchange) or self._wide.get(route, generation) is not None:
            return None
        walk = self._router.walk(exchange, (routing_key_of(route),), None)
        try:
            for _ in range(PIECES_AT_ONCE_MAX):
                next(walk)
        except StopIteration as end:
            routing: Routing = end.value
            return None if routing.basis is not Basis.KEY else routing
        self._begun = _Begun(route, generation, walk)
        return None

    def _names(self, exchange: str, route: bytes) -> Steps[Sequence[str] | None]:
        """Return the queues of a route, and remember them; None if each message decides."""
        generation = self._router.generation
        names = self._wide.get(route, generation)
        if names is not None or self._router.is_by_message(exchange):
            return names
        begun, self._begun = self._begun, None
        if begun is not None and (begun.route, begun.generation) == (route, generation):
            walk = begun.walk
        else:
            walk = self._router.walk(exchange, (routing_key_of(route),), None)
        routing = yield from walk
        if routing.basis is not Basis.KEY:
            return None
        # Changes in between are seen at the look-up.
        self._note_routing(route, generation, routing)
        return routing.queue_names

    def finding_names(
        self,
        exchange: str,
        routing_keys: Sequence[str],
        run: Run,
        excluded: Callable[[str], bool] | None,
    ) -> Steps[tuple[str, ...]]:
        """Return the queues to which ``publishing_to_keys`` would publish."""
        names = None
        if len(routing_keys) == 1:
            # Most dead letters: what x-death has grown to need not be read once more.
            names = self._router.queues_of_key(exchange, routing_keys[0])
        if names is None:
            headers = _readable_headers_of(run[0])
            properties = partial(plain_properties, run[0].header)
            walk = self._router.walk(exchange, routing_keys, headers, properties)
            names = (yield from walk).queue_names
        if excluded is None:
            return names
        return tuple([name for name in names if not excluded(name)])

    def _note_routing(self, route: bytes, generation: int, routing: Routing) -> Targets | None:
        """Remember where a walk led; None if there are many queues, or it takes steps."""
        names, _, visited = routing
        if self.takes_steps and any(map(is_keeper, names)):
            self._wide.put(route, WideRoute(generation, visited, names))
            return None
        return self._note_targets(route, generation, visited, names)

    def _note_targets(
        self, route: bytes, generation: int, visited: Visited, names: Sequence[str]
    ) -> Targets | None:
        """Remember the targets of a route; None if there are many queues."""
        if len(names) > TARGETS_AT_ONCE_MAX:
            self._wide.put(route, WideRoute(generation, visited, names))
            return None
        targets = self.targets_of(names)
        self._routes.put(route, generation, visited, targets)
        return targets

    def targets_of(self, queue_names: Sequence[str]) -> Targets:
        """Return those of these queues and keepers that exist."""
        if len(queue_names) == 1:
            target = self.target_of(queue_names[0])
            return () if target is None else (target,)
        found = [self.target_of(name) for name in queue_names]
        return tuple([target for target in found if target is not None])

    # ── in steps ──

    def _publishing_by_message(
        self, exchange: str, run: Run, now_ms: int, counters: ExchangeCounters
    ) -> Steps[PublishOutcome]:
        """Route each stretch of messages with one header; each message where chance decides."""
        unroutable, rejected = list[int](), list[int]()
        still_open: list[StillOpen] = []
        safe_at = SAFE_NOW
        stretches = deque(header_stretches(run))
        first = 0
        names: Sequence[str] = ()
        together_max = TOGETHER_MAX
        while stretches or first < len(run):
            start, stop = stretches.popleft() if stretches else (len(run), len(run))
            next_names: Sequence[str] = ()
            if start < stop:
                routing = yield from self._routing_of(exchange, run[start])
                next_names = routing.queue_names
                if routing.basis is Basis.CHANCE:
                    together_max = 1
                    if stop > start + 1:
                        stretches.appendleft((start + 1, stop))
            if first == start:
                names = next_names
            is_over = start == len(run) or next_names != names or start - first >= together_max
            if first < start and is_over:
                # Neighbours that go to the same queues, whatever their headers are, go together.
                published = yield from self._enqueuing(names, run[first:start], now_ms, counters)
                unroutable += (first + index for index in published.unroutable)
                rejected += (first + index for index in published.rejected)
                still_open += placed(published.still_open, range(first, start))
                safe_at = later_of(safe_at, published.safe_at)
                first, names = start, next_names
            yield
        return PublishOutcome(rejected, safe_at, unroutable, tuple(still_open))

    def _routing_of(self, exchange: str, record: Record) -> Steps[Routing]:
        header = record.header
        properties = partial(plain_properties, header)
        keys = (record.routing_key,)
        return (yield from self._router.walk(exchange, keys, plain_headers(header), properties))

    def _enqueuing_kept(
        self,
        names: Sequence[str],
        keys: Sequence[str],
        run: Run,
        now_ms: int,
        counters: ExchangeCounters,
    ) -> Steps[PublishOutcome]:
        """Append a run to queues, and hand it to keepers in steps, with its keys if several."""
        rejected, still_open = set[int](), list[StillOpen]()
        safe_at = SAFE_NOW
        unroutable = set(range(len(run)))
        for name in names:
            target = self.target_of(name)
            if target is None:
                continue
            if is_keeper(name):
                keeper = cast("KeeperTarget", target)
                outcome = yield from keeper.publishing(run, keys, now_ms)
            else:
                outcome = target.publish(run, now_ms)
                yield
            unroutable.intersection_update(outcome.unroutable)
            rejected.update(outcome.rejected)
            still_open += outcome.still_open
            safe_at = later_of(safe_at, outcome.safe_at)
        counters.published_count += len(run)
        count_unlike_most(counters, len(names), len(run))
        return PublishOutcome(sorted(rejected), safe_at, sorted(unroutable), tuple(still_open))

    def _enqueuing(
        self, names: Sequence[str], run: Run, now_ms: int, counters: ExchangeCounters
    ) -> Steps[PublishOutcome]:
        """Append a run to each of these queues that exists when its turn comes."""
        if self.takes_steps and any(map(is_keeper, names)):
            return (yield from self._enqueuing_kept(names, (), run, now_ms, counters))
        if len(names) <= TARGETS_AT_ONCE_MAX:
            return enqueue(self.targets_of(names), run, now_ms, counters)
        rejected, still_open = set[int](), list[StillOpen]()
        safe_at = SAFE_NOW
        is_unroutable = True
        counters.published_count += len(run)
        counters.more_copies_count -= len(run)
        for name in names:
            target = self.target_of(name)
            if target is None:
                continue
            is_unroutable = False
            counters.more_copies_count += len(run)
            outcome = target.publish(run, now_ms)
            if outcome is not ALL_SAFE:
                rejected.update(outcome.rejected)
                still_open += outcome.still_open
                safe_at = later_of(safe_at, outcome.safe_at)
            yield
        if is_unroutable:
            counters.unroutable_count += len(run)
            counters.more_copies_count += len(run)
        unroutable = range(len(run)) if is_unroutable else ()
        return PublishOutcome(sorted(rejected), safe_at, unroutable, tuple(still_open))


def _holds_by(changes: RouteChanges) -> Holds:
    """Return how to ask what has changed about a route, as records have it."""

    def holds(since: int, visited: Visited, route: bytes) -> bool:
        if visited is None:
            visited = (route[1 : 1 + route[0]].decode(),)
        return changes.holds(since, visited, routing_key_of(route))

    return holds


class _Begun(NamedTuple):
    """The walk of a route that ``find_targets`` began and found long."""

    route: bytes
    generation: int
    walk: Steps[Routing]


def _readable_headers_of(record: Record) -> Mapping[str, object] | None:
    """Return the headers; none where x-death made them more than what is read of a peer."""
    try:
        return plain_headers(record.header)
    except WireError:
        return None
