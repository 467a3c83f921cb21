"""Delivery tags, confirms and routes: kernel and twin go through the same steps (ADR 3, ADR 11)."""

from collections.abc import Callable, Iterable
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from amqp_server.protocol import confirms, unacked
from amqp_server.protocol.errors import UnknownDeliveryTagError
from exchanges import route_cache
from persistence.record import NO_TTL
from queues.batch import Batch
from tests.support.memory_runs import in_memory
from tests.support.records import record
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

twin_unacked = twin_of("amqp_server.protocol.unacked")
twin_confirms = twin_of("amqp_server.protocol.confirms")
twin_route_cache = twin_of("exchanges.route_cache")

Step = tuple[str, int, int]

TAGS_MAX = 400
TAGS = st.integers(0, TAGS_MAX) | st.sampled_from([2**32, 2**63, 2**64 - 1])
COUNTS = st.sampled_from([1, 1, 2, 5, 63, 64, 65, 130])
DELIVERIES = st.tuples(st.just("add"), COUNTS, st.integers(0, 7))
SINGLES = st.tuples(st.just("settle_each"), TAGS, st.just(1))
SETTLEMENTS = st.one_of(
    SINGLES,
    st.tuples(st.just("settle_each"), TAGS, st.integers(0, 140)),
    st.tuples(st.just("settle_up_to"), TAGS, st.just(0)),
    st.tuples(st.just("take_all"), st.just(0), st.just(0)),
)
OTHERS = st.one_of(
    st.tuples(st.just("skip"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("stop_early"), TAGS, st.integers(0, 3)),
)
STEPS = st.lists(st.one_of(DELIVERIES, DELIVERIES, SINGLES, SETTLEMENTS, OTHERS), max_size=40)


def batch_of(count: int, traits: int, position: int) -> Batch:
    """Return a batch as a queue gives it; ``traits`` has a bit for each thing that may vary."""
    ttl_ms = 5 if traits & 1 else NO_TTL
    bodies = [b"%d" % (position + index) for index in range(count)]
    records = [record(body, ttl_ms=ttl_ms) for body in [b"before it", *bodies]]
    step = 3 if traits & 2 else 1
    return Batch(
        range(position, position + count * step, step),
        in_memory(records, skipped_count=1),
        list(range(count)) if traits & 1 else None,
        traits & 4,
        redelivered=bool(traits & 4),
    )


def told(parts: Iterable[tuple[object, Batch]]) -> tuple[list[object], str]:
    """Return all that can be seen of the parts, and the error that ended them."""
    seen: list[object] = []
    try:
        for owner, batch in parts:
            times = (batch.expires_at_ms, batch.delivery_count, batch.redelivered)
            seen.append((owner, batch.positions, list(batch.records), batch.body_bytes, times))
    except UnknownDeliveryTagError as error:
        return seen, str(error)
    return seen, ""


def settled(tags: unacked.Unacked[str], step: Step) -> Iterable[tuple[object, Batch]]:
    name, first, count = step
    match name:
        case "settle_each":
            return tags.settle_each(first, min(first + count - 1, 2**64 - 1) if count else first)
        case "settle_up_to":
            return tags.settle_up_to(first)
        case "stop_early":
            return islice(tags.settle_up_to(first), count)
        case _:
            return tags.take_all()


def shown(tags: unacked.Unacked[str], first_tag: int) -> list[object]:
    """Return all that can be seen of what is held from a tag on."""
    return [
        (tag, at_ms, *told([(owner, batch)])) for tag, owner, batch, at_ms in tags.held(first_tag)
    ]


@given(STEPS)
def test_delivery_tags_go_the_same_way(steps: list[Step]) -> None:
    ours: unacked.Unacked[str] = unacked.Unacked()
    theirs: unacked.Unacked[str] = twin_unacked.Unacked()
    for now_ms, step in enumerate(steps):
        name, first, count = step
        if name == "add":
            batch = batch_of(first, count, 1000 * now_ms)
            owner = "ann" if count & 1 else "bob"
            assert ours.add(owner, batch, now_ms) == theirs.add(owner, batch, now_ms)
        elif name == "skip":
            assert ours.skip(first) == theirs.skip(first)
        else:
            assert told(settled(ours, step)) == told(settled(theirs, step))
        assert (ours.count, ours.next_tag) == (theirs.count, theirs.next_tag)
        for delivered_by_ms in (0, now_ms // 2, now_ms):
            assert list(ours.oldest(delivered_by_ms)) == list(theirs.oldest(delivered_by_ms))
        ours.check_invariants()
    for first, last in ((0, 2**64 - 1), (60, 70), (65, 64)):
        assert list(ours.outstanding(first, last)) == list(theirs.outstanding(first, last))
    for tag in (0, 1, 64, 65, 129, 2**64 - 1):
        assert ours.is_outstanding(tag) == theirs.is_outstanding(tag)
        assert shown(ours, tag) == shown(theirs, tag)
    tags = [first + at for first, _, batch, _ in ours.held(0) for at in range(len(batch))]
    assert tags == list(ours.outstanding(0, 2**64 - 1))


@given(st.permutations(range(1, 201)), st.integers(0, 7))
def test_a_long_batch_may_be_settled_in_any_order(order: list[int], traits: int) -> None:
    ours: unacked.Unacked[str] = unacked.Unacked()
    theirs: unacked.Unacked[str] = twin_unacked.Unacked()
    for tags in (ours, theirs):
        tags.add("ann", batch_of(200, traits, 0), 0)
    for tag in order[:-20]:
        assert told(ours.settle_each(tag, tag)) == told(theirs.settle_each(tag, tag))
    ours.check_invariants()
    assert list(ours.outstanding(1, 200)) == list(theirs.outstanding(1, 200)) == sorted(order[-20:])
    assert told(ours.take_all()) == told(theirs.take_all())


@given(
    st.permutations(range(60)),
    st.lists(st.integers(1, 5), min_size=60, max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.integers(1, 9),
)
def test_outcomes_are_answered_alike(
    order: list[int], sizes: list[int], refused: list[bool], take_every: int
) -> None:
    ours, theirs = confirms.ConfirmTracker(), twin_confirms.ConfirmTracker()
    firsts = [ours.publish(size) for size in sizes]
    assert firsts == [theirs.publish(size) for size in sizes]
    for step, index in enumerate(order, start=1):
        last = firsts[index] + sizes[index] - 1
        for tracker in (ours, theirs):
            note: Callable[[int, int], None] = tracker.reject if refused[index] else tracker.confirm
            note(firsts[index], last)
        if step % take_every == 0:
            assert ours.take_replies() == theirs.take_replies()
            assert ours.answered_up_to == theirs.answered_up_to
    assert ours.take_replies() == theirs.take_replies()
    assert ours.answered_up_to == theirs.answered_up_to == ours.published == theirs.published


@given(
    st.permutations(range(20)),
    st.lists(st.sampled_from([1, 2, 9]), min_size=20, max_size=20),
    st.lists(st.booleans(), min_size=20, max_size=20),
    st.integers(0, 0xFFFF),
)
def test_answers_are_framed_alike(
    order: list[int], sizes: list[int], refused: list[bool], channel: int
) -> None:
    ours, theirs = confirms.ConfirmTracker(), twin_confirms.ConfirmTracker()
    for tracker in (ours, theirs):
        tracker.confirm(tracker.publish(2**40), 2**40)
    firsts = [ours.publish(size) for size in sizes]
    assert firsts == [theirs.publish(size) for size in sizes]
    for index in order:
        for tracker in (ours, theirs):
            note: Callable[[int, int], None] = tracker.reject if refused[index] else tracker.confirm
            note(firsts[index], firsts[index] + sizes[index] - 1)
        assert ours.render_replies(channel) == theirs.render_replies(channel)
        assert ours.answered_up_to == theirs.answered_up_to
    assert ours.answered_up_to == ours.published


@given(
    st.lists(
        st.tuples(st.booleans(), st.binary(max_size=2), st.integers(0, 3), st.integers()),
        max_size=40,
    )
)
def test_routes_are_kept_and_forgotten_alike(
    steps: list[tuple[bool, bytes, int, int]],
) -> None:
    def holds(since: int, visited: route_cache.Visited, route: bytes) -> bool:
        return (since + len(visited or ()) + len(route)) % 2 == 0

    ours: route_cache.RouteCache[int] = route_cache.RouteCache(holds)
    theirs: route_cache.RouteCache[int] = twin_route_cache.RouteCache(holds)
    for puts, route, generation, value in steps:
        if puts:
            ours.put(route, generation, ("x",) if value % 2 else None, value)
            theirs.put(route, generation, ("x",) if value % 2 else None, value)
        else:
            assert ours.get(route, generation) == theirs.get(route, generation)
        assert len(ours) == len(theirs)
