"""Remembered routes against the router itself: equal after every change, whatever it is.

Exchanges, bindings, queues and policies come and go, queues and exchanges also in pieces; walks are
begun and gone on with later. After each step every route is asked for as publishers do, so that it
is remembered, or was; and each leads to just the queues that a new walk finds.
"""

from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.broker import publish
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.steps import Steps, finish
from exchanges import route_cache, route_changes, routing
from exchanges.bindings import Destination, DestinationKind
from persistence.record import make_route
from tests.support.vhosts import VhostUnderTest, message

EXCHANGES = ("v", "w", "x")
QUEUES = ("p", "a.b")
HASHES = ("x-consistent-hash", "x-modulus-hash", "x-super-stream")
KINDS = ("direct", "topic", "topic", "topic", "fanout", "headers", *HASHES)
BINDING_KEYS = ("a", "a.b", "a.#", "a.*", "*.b", "#", "1", "3")
KEYS = ("a", "a.b", "a.b.c", "p")
ALTERNATES = (None, "missing", *EXCHANGES)


class Publishers:
    """A vhost, and what publishers remember of it."""

    def __init__(self) -> None:
        self.place = VhostUnderTest()
        self.begun: list[Steps[object]] = []

    def toggle_queue(self, name: str, in_pieces: bool) -> None:
        """Declare a queue; delete it if it is there, perhaps with bindings that go later."""
        queues = self.place.vhost.queues
        if queues.find(name) is None:
            self.place.queue(name)
        else:
            steps = queues.deleting(name, None, self.place.now_ms, if_unused=False, if_empty=False)
            self._go(steps, in_pieces)

    def toggle_exchange(self, name: str, kind: str, alternate: str | None, in_pieces: bool) -> None:
        """Declare an exchange; delete it if it is there."""
        exchanges = self.place.vhost.exchanges
        if exchanges.exists(name):
            self._go(exchanges.deleting(name, if_unused=False), in_pieces)
        else:
            self.place.exchange(name, kind, alternate=alternate, auto_delete=name == "v")

    def toggle_binding(self, source: str, destination: Destination, key: str) -> None:
        """Bind two that are there; unbind them if they are bound so."""
        vhost = self.place.vhost
        to_queue = destination.kind is DestinationKind.QUEUE
        there = (
            vhost.queues.find(destination.name) is not None
            if to_queue
            else vhost.exchanges.exists(destination.name)
        )
        if not there or not vhost.exchanges.exists(source):
            return
        if vhost.exchanges.is_bound(source, destination, key, {}):
            finish(vhost.exchanges.unbinding(source, destination, key, {}))
        else:
            with suppress(PreconditionFailedError):  # those that hash want numbers
                vhost.bind(source, destination, key, {})

    def alternate_by_policy(self, name: str, alternate: str | None) -> None:
        """Have a policy give an exchange another alternate exchange, or take it away."""
        if alternate is not None:
            self.place.policy({"alternate-exchange": alternate}, name, f"^{name}$")
        elif self.place.vhost.policies.get(name) is not None:
            self.place.clear_policy(name)

    def begin_publish(self, exchange: str, key: str) -> None:
        """Begin a publish; where its way is long, go on later."""
        if not exchange or self.place.vhost.exchanges.exists(exchange):
            run = [message(b"", exchange, key)]
            self._go(self.place.vhost.publisher.publishing(exchange, run, 1), in_pieces=True)

    def go_on(self, number: int) -> None:
        """Go on with one of the things that were begun."""
        if self.begun:
            with suppress(StopIteration):
                next(self.begun[number % len(self.begun)])

    def _go(self, steps: Steps[object], in_pieces: bool) -> None:
        if not in_pieces:
            finish(steps)
            return
        with suppress(StopIteration):
            next(steps)
            self.begun.append(steps)

    def check(self) -> None:
        """Ask for each route twice, and compare it with what a walk finds."""
        vhost = self.place.vhost
        for exchange, key in self._routes():
            routing_now = vhost.router.route(exchange, [key], None)
            found = (vhost.queues.find(name) for name in routing_now.queue_names)
            expected = {queue.engine for queue in found if queue is not None}
            for _ in range(2):
                targets = vhost.publisher.find_targets(exchange, make_route(exchange, key), key)
                if targets is not None:
                    assert set(targets) == expected, (exchange, key)
                    assert len(targets) == len(expected)
                before = {queue.engine: queue.engine.ready_count for queue in vhost.queues}
                vhost.publisher.publish(exchange, [message(b"", exchange, key)], 1)
                got = {engine for engine, count in before.items() if engine.ready_count > count}
                assert got == expected, (exchange, key)

    def _routes(self) -> Iterator[tuple[str, str]]:
        for exchange in ("", *EXCHANGES):
            if not exchange or self.place.vhost.exchanges.exists(exchange):
                for key in KEYS:
                    yield exchange, key


NAMES = st.sampled_from(EXCHANGES)
DESTINATIONS = st.builds(
    Destination, st.just(DestinationKind.QUEUE), st.sampled_from(QUEUES)
) | st.builds(Destination, st.just(DestinationKind.EXCHANGE), NAMES)
BINDINGS = st.tuples(
    st.just("toggle_binding"), st.tuples(NAMES, DESTINATIONS, st.sampled_from(BINDING_KEYS))
)
STEPS = st.one_of(
    BINDINGS,
    BINDINGS,
    st.tuples(st.just("toggle_queue"), st.tuples(st.sampled_from(QUEUES), st.booleans())),
    st.tuples(
        st.just("toggle_exchange"),
        st.tuples(NAMES, st.sampled_from(KINDS), st.sampled_from(ALTERNATES), st.booleans()),
    ),
    st.tuples(st.just("alternate_by_policy"), st.tuples(NAMES, st.sampled_from(ALTERNATES))),
    st.tuples(st.just("begin_publish"), st.tuples(NAMES, st.sampled_from(KEYS))),
    st.tuples(st.just("go_on"), st.tuples(st.integers(0, 7))),
)


@settings(deadline=None, max_examples=200)
@given(
    kinds=st.tuples(*[st.sampled_from(KINDS)] * len(EXCHANGES)),
    bound=st.lists(BINDINGS, min_size=6, max_size=12),
    steps=st.lists(STEPS, min_size=5, max_size=20),
    limits=st.tuples(
        st.sampled_from([2, 8, 16_384, 16_384]),  # changes
        st.sampled_from([1, 16]),  # visited
        st.sampled_from([0, 8]),  # pieces
        st.sampled_from([1, 64, 64]),  # targets
    ),
)
def test_a_remembered_route_leads_where_a_new_walk_does(
    kinds: tuple[str, ...],
    bound: list[tuple[str, tuple[object, ...]]],
    steps: list[tuple[str, tuple[object, ...]]],
    limits: tuple[int, int, int, int],
) -> None:
    changes_max, visited_max, pieces_max, targets_max = limits
    with (
        patch.object(route_changes, "CHANGES_MAX", changes_max),
        patch.object(route_changes, "VISITED_MAX", visited_max),
        patch.object(routing, "VISITED_MAX", visited_max),
        patch.object(routing, "QUEUE_BINDINGS_MAX", 2),
        patch.object(route_cache, "CAPACITY", 16),
        patch.object(publish, "PIECES_AT_ONCE_MAX", pieces_max),
        patch.object(publish, "TARGETS_AT_ONCE_MAX", targets_max),
    ):
        publishers = Publishers()
        for name, kind in zip(EXCHANGES, kinds, strict=True):
            publishers.toggle_exchange(name, kind, None, in_pieces=False)
        for name in QUEUES:
            publishers.toggle_queue(name, in_pieces=False)
        for step, arguments in bound:
            getattr(publishers, step)(*arguments)
        publishers.check()
        for step, arguments in steps:
            getattr(publishers, step)(*arguments)
            publishers.check()
