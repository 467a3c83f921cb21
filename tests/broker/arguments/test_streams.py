"""Ages, and where a consumer of a stream begins."""

import pytest

from amqp_server.broker.arguments.streams import (
    age_ms,
    offset_spec,
    wrong_age,
    wrong_filter,
    wrong_offset_spec,
)
from amqp_server.wire.tables import Field, longstr
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1s", 1_000),
        ("2m", 120_000),
        ("1h", 3_600_000),
        ("7D", 7 * DAY_MS),
        ("1M", 30 * DAY_MS),
        ("1Y", 365 * DAY_MS),
        ("0s", None),
        ("-1s", None),
        ("1d", None),
        ("1H", None),
        ("1.5h", None),
        ("1h\n", None),
        ("h", None),
        ("", None),
        ("٣h", None),
        ("0" * 99 + "1h", 3_600_000),
        ("9" * 99 + "Y", 10**15 * 365 * DAY_MS),
    ],
)
def test_an_age_is_a_number_and_a_unit_in_its_case(text: str, found: int | None) -> None:
    assert age_ms(text) == found
    assert wrong_age(longstr(text), {}) == (None if found else "invalid_max_age")


def test_an_age_is_a_string() -> None:
    assert wrong_age(Field("I", 1), {}) == "{unacceptable_type,signedint}"


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        (longstr("first"), FIRST),
        (longstr("last"), LAST),
        (longstr("next"), NEXT),
        (longstr("5m"), OffsetSpec(OffsetKind.AGE, 300_000)),
        (Field("T", 10), OffsetSpec(OffsetKind.TIMESTAMP, 10_000)),
        *[(Field(kind, 7), OffsetSpec(OffsetKind.OFFSET, 7)) for kind in "bBsuIil"],
        (Field("I", -100), OffsetSpec(OffsetKind.OFFSET, -100)),
        (longstr("FIRST"), None),
        (longstr(""), None),
        (Field("x", b"first"), FIRST),
        (Field("x", b"5m"), None),
        (Field("t", value=True), None),
        (Field("d", 1.0), None),
    ],
)
def test_where_a_consumer_begins(field: Field, spec: OffsetSpec | None) -> None:
    assert offset_spec(field) == spec
    assert (wrong_offset_spec(field, {}) is None) is (spec is not None)


def test_the_text_of_a_wrong_offset_is_an_erlang_term() -> None:
    term = wrong_offset_spec(longstr("foo"), {})
    assert term == '{invalid_stream_offset_arg,{longstr,<<"foo">>}}'


def test_a_filter_is_a_value_or_some() -> None:
    assert wrong_filter(longstr("eu"), {}) is None
    assert wrong_filter(Field("A", [longstr("eu")]), {}) is None
    assert wrong_filter(Field("I", 1), {}) == "{unacceptable_type,signedint}"
