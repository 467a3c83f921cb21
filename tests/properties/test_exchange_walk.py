"""The walk over bound and alternate exchanges against a fixed point worked out by brute force."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from exchanges.bindings import Destination, DestinationKind
from exchanges.routing import Router
from tests.support.routing import (
    binding,
    declared,
    exchange,
    queue,
    remove_exchange,
    remove_queue,
    router_with,
)

EXCHANGE_NAMES = ("v", "w", "x", "y", "z")
KEYS = ("k", "l")


class Edge(NamedTuple):
    source: str
    destination: Destination
    key: str


NAMES = st.sampled_from(EXCHANGE_NAMES)
EDGES = st.builds(
    Edge,
    NAMES,
    st.one_of(NAMES.map(exchange), st.sampled_from("qrs").map(queue)),
    st.sampled_from(KEYS),
)
ALTERNATES = st.fixed_dictionaries(
    {name: st.sampled_from([None, None, "missing", *EXCHANGE_NAMES]) for name in EXCHANGE_NAMES}
)
ROUTING_KEYS = st.lists(st.sampled_from([*KEYS, "other"]), min_size=1, max_size=3)


def router_of(edges: Sequence[Edge], alternates: dict[str, str | None]) -> Router:
    router = router_with(*(declared(name, "direct", alternates[name]) for name in EXCHANGE_NAMES))
    for edge in edges:
        router.bind(binding(edge.destination, edge.key, source=edge.source))
    return router


def expected_queues(
    start: str, keys: Sequence[str], edges: Sequence[Edge], alternates: dict[str, str | None]
) -> set[str]:
    """Grow the set of what is reached until a round adds nothing."""
    reached = {exchange(start)}
    while True:
        grown = set(reached)
        for name in EXCHANGE_NAMES:
            if exchange(name) in reached:
                matched = {e.destination for e in edges if e.source == name and e.key in keys}
                alternate = alternates[name]
                if not matched and alternate is not None:
                    matched = {exchange(alternate)}
                grown |= matched
        if grown == reached:
            return {to.name for to in reached if to.kind is DestinationKind.QUEUE}
        reached = grown


@given(start=NAMES, keys=ROUTING_KEYS, edges=st.lists(EDGES, max_size=15), alternates=ALTERNATES)
def test_the_walk_finds_each_queue_that_can_be_reached_once(
    start: str, keys: list[str], edges: list[Edge], alternates: dict[str, str | None]
) -> None:
    router = router_of(edges, alternates)
    found = router.route(start, keys, None).queue_names
    assert len(found) == len(set(found))
    assert set(found) == expected_queues(start, keys, edges, alternates)
    for key in keys:
        without_walk = router.queues_of_key(start, key)
        if without_walk is not None:
            assert set(without_walk) == expected_queues(start, [key], edges, alternates)


@given(
    edges=st.lists(EDGES, max_size=15),
    alternates=ALTERNATES,
    gone=NAMES,
    gone_queue=st.sampled_from("qrs"),
    keys=ROUTING_KEYS,
)
def test_what_was_removed_leaves_no_trace(
    edges: list[Edge],
    alternates: dict[str, str | None],
    gone: str,
    gone_queue: str,
    keys: list[str],
) -> None:
    router = router_of(edges, alternates)
    remove_exchange(router, gone)
    remove_queue(router, gone_queue)
    router.bindings.check_invariants()

    left = [
        edge
        for edge in edges
        if edge.source != gone and edge.destination not in {exchange(gone), queue(gone_queue)}
    ]
    fresh = router_of(left, alternates)
    remove_exchange(fresh, gone)
    assert set(router.bindings) == set(fresh.bindings)
    for start in EXCHANGE_NAMES:
        assert set(router.route(start, keys, None).queue_names) == set(
            fresh.route(start, keys, None).queue_names
        )
