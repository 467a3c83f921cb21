"""Frames of the two halves of a queue, drawn, and how two of them are compared."""

from dataclasses import fields

from hypothesis import strategies as st

from cluster.fronts.frames import (
    Ask,
    Barred,
    Cancel,
    Close,
    Confirmed,
    Consume,
    Consuming,
    Counts,
    Credit,
    Deliver,
    Gap,
    Got,
    NotServing,
    Open,
    Opened,
    Publish,
    Purged,
    Question,
    Refused,
    Settle,
    Settlement,
    ToFront,
    ToLeader,
)
from cluster.fronts.links.encoding import Frame
from persistence.record import NO_TTL, Record, Run, make_route
from queues.batch import Batch
from tests.support.records import HEADER

NUMBERS = st.integers(0, (1 << 64) - 1)
NAMES = st.sampled_from(["q", "another queue", "\N{SNOWMAN}"])
COUNTS = st.integers(1, 1 << 20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def runs(draw: st.DrawFn, count_max: int = 5) -> Run:
    route = make_route(draw(st.text(max_size=9)), draw(st.text(max_size=9)))
    bodies = draw(st.lists(st.binary(max_size=40), min_size=1, max_size=count_max))
    ttls = st.integers(NO_TTL, 1 << 40)
    return [
        Record(route, HEADER, body, draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 255)), ttl)
        for body, ttl in zip(bodies, draw(st.lists(ttls, min_size=5, max_size=5)), strict=False)
    ]


@st.composite
def numbers(draw: st.DrawFn) -> range:
    first, step = draw(st.integers(0, 1 << 50)), draw(st.integers(1, 9))
    return range(first, first + step * draw(COUNTS), step)


@st.composite
def batches(draw: st.DrawFn, count_max: int = 5) -> Batch:
    run, first = draw(runs(count_max)), draw(st.integers(0, 1 << 50))
    return Batch(
        range(first, first + len(run)),
        run,
        None,
        draw(st.integers(0, 1 << 31)),
        redelivered=draw(st.booleans()),
    )


@st.composite
def _deliveries(draw: st.DrawFn) -> Deliver:
    batch = draw(batches())
    consumers = draw(st.lists(NUMBERS, min_size=1, max_size=len(batch)))
    return Deliver(draw(NAMES), tuple(consumers), batch)


@st.composite
def _publishes(draw: st.DrawFn) -> Publish:
    first = draw(st.integers(1, 1 << 60))
    below = draw(st.integers(0, first - 1))
    return Publish(draw(NAMES), first, below, draw(NUMBERS), draw(runs()))


@st.composite
def _refusals(draw: st.DrawFn) -> Refused:
    first = draw(st.integers(1, 1 << 60))
    return Refused(draw(NAMES), first, first + draw(COUNTS))


def to_leader() -> st.SearchStrategy[ToLeader]:
    consumes = st.builds(
        Consume,
        NAMES,
        NUMBERS,
        st.text(max_size=20),
        NUMBERS,
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.booleans(),
        st.booleans(),
        st.dictionaries(st.text(max_size=6), VALUES, max_size=4),
        NUMBERS,
        NUMBERS,
    )
    ranges = st.lists(numbers(), min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Open, NAMES, NUMBERS, NUMBERS),
        st.builds(Close, NAMES),
        _publishes(),
        consumes,
        st.builds(Credit, NAMES, NUMBERS, NUMBERS, NUMBERS),
        st.builds(Cancel, NAMES, NUMBERS),
        st.builds(Settle, NAMES, st.sampled_from(Settlement), ranges),
        st.builds(Ask, NAMES, NUMBERS, st.sampled_from(Question)),
    )


def to_front() -> st.SearchStrategy[ToFront]:
    return st.one_of(
        st.builds(Opened, NAMES, NUMBERS, NUMBERS, NUMBERS),
        st.builds(NotServing, NAMES, NUMBERS, NUMBERS),
        st.builds(Confirmed, NAMES, NUMBERS),
        _refusals(),
        st.builds(Gap, NAMES, NUMBERS),
        st.builds(Consuming, NAMES, NUMBERS),
        st.builds(Barred, NAMES, NUMBERS),
        _deliveries(),
        st.builds(Got, NAMES, NUMBERS, st.none() | batches(1), NUMBERS),
        st.builds(Purged, NAMES, NUMBERS, NUMBERS),
        st.builds(Counts, NAMES, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    )


def plain(frame: Frame) -> tuple[object, ...]:
    """A frame as a value that can be compared: runs and batches are equal by what is in them."""
    values = [_plain(getattr(frame, field.name)) for field in fields(frame)]
    return (type(frame).__name__, *values)


def _plain(value: object) -> object:
    if isinstance(value, Batch):
        records = list(value.records)
        return value.positions, records, value.delivery_count, value.redelivered
    if isinstance(value, str | bytes | range | tuple) or not hasattr(value, "__iter__"):
        return value
    return dict(value) if hasattr(value, "keys") else list(value)
