"""Looks in JSON: places and offsets that a request names."""

import pytest

from amqp_server.broker.admin import (
    FIRST,
    LAST,
    NEXT,
    HeldPlace,
    LookPlace,
    OffsetKind,
    OffsetSpec,
)
from management.bodies.looks import filter_of, held_place_of, offset_of, place_of, place_text
from management.http.errors import HttpError


def test_a_place_comes_back_as_it_was_told() -> None:
    for place in (LookPlace(0, 17), LookPlace(255, 1 << 60)):
        assert place_of({"place": place_text(place)}) == place
    held = HeldPlace(12, 65_535, 1 << 60)
    assert held_place_of({"place": place_text(held)}) == held
    assert place_of({}) is None
    assert held_place_of({"place": None}) is None


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "-1.2", "1.2 ", "1.x", "٣.٣", 5])
def test_what_is_no_place(text: object) -> None:
    with pytest.raises(HttpError):
        place_of({"place": text})


@pytest.mark.parametrize(
    ("value", "spec"),
    [
        ("first", FIRST),
        ("last", LAST),
        ("next", NEXT),
        (5, OffsetSpec(OffsetKind.OFFSET, 5)),
        ("-5", OffsetSpec(OffsetKind.OFFSET, -5)),
        ("7D", OffsetSpec(OffsetKind.AGE, 604_800_000)),
        ("1970-01-01T00:00:01Z", OffsetSpec(OffsetKind.TIMESTAMP, 1_000)),
        ("1970-01-01T01:00:01.5+01:00", OffsetSpec(OffsetKind.TIMESTAMP, 1_500)),
        ("1970-01-02", OffsetSpec(OffsetKind.TIMESTAMP, 86_400_000)),
    ],
)
def test_where_a_look_at_a_stream_begins(value: object, spec: OffsetSpec) -> None:
    assert offset_of({"offset": value}) == spec
    assert offset_of({}) == FIRST


@pytest.mark.parametrize("value", [True, None, 1 << 63, "soon", [], 1.5])
def test_what_is_no_offset(value: object) -> None:
    with pytest.raises(HttpError):
        offset_of({"offset": value})


def test_no_filter_is_no_condition() -> None:
    assert not filter_of({}).is_set
    assert not filter_of({"filter": {}}).is_set
    assert filter_of({"filter": {"text": "\udcff"}}).text == b"\xff"
