"""Large JSON texts, read in slices: the same as the parser reads, or refused."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http import large_json
from management.http.json_text import NotJsonError, loaded
from management.http.large_json import dropped, is_read_at_once, loaded_in_slices
from management.slices import Slices

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(0, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Clock:
    """A slice is spent at each look: the looks are counted."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += 1_000_000
        return self.now_ns


def read(text: bytes, *, has_long_lists: bool = True) -> tuple[dict[str, Any], int]:
    """Return the object, and how many slices were taken."""
    pauses_count = 0

    class Counted(Slices):
        async def pause(self) -> None:
            nonlocal pauses_count
            pauses_count += 1
            await super().pause()

    reading = loaded_in_slices(text, Counted(Clock()), has_long_lists=has_long_lists)
    return asyncio.run(reading), pauses_count


@given(st.dictionaries(st.text(), VALUES | st.lists(VALUES, max_size=6), max_size=6))
def test_an_object_is_what_the_parser_makes_of_it(document: dict[str, Any]) -> None:
    for indent in (None, 1):
        text = json.dumps(document, indent=indent).encode("utf-8", "surrogatepass")
        assert read(text)[0] == loaded(text) == document


@given(st.binary(max_size=40) | st.text('{}[]":,0 eE.-tru\\u d8', max_size=30).map(str.encode))
def test_what_the_parser_refuses_is_refused(text: bytes) -> None:
    try:
        expected = loaded(text)
    except NotJsonError:
        expected = None
    if isinstance(expected, dict):
        assert read(text)[0] == expected
        return
    with pytest.raises(NotJsonError):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": [1, 2',
        b'{"a": [1,, 2]}',
        b'{"a": [1 2]}',
        b'{"a": 1} x',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": {"b": "\\ud800"}}',
        b'{"a": "x\ny"}',
        b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a": {"b": [' + b"0," * 200_000 + b"0]}}",
        b"{" + b",".join([b'"%d": 0' % number for number in range(2_000)]) + b"}",
    ],
)
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        read(text)


def test_an_item_may_be_longer_than_the_first_look_at_it() -> None:
    document = {"a": [{"b": list(range(10_000))}, 5], "c": "x" * 300_000, "d": 1234567890}
    found, pauses_count = read(json.dumps(document).encode())
    assert found == document
    assert pauses_count >= 2


def test_a_list_is_read_and_dropped_in_slices() -> None:
    document, pauses_count = read(json.dumps({"a": [[]] * 3_000}).encode())
    assert pauses_count >= 1_000
    assert len(document["a"]) == 3_000
    asyncio.run(dropped(document, Slices(Clock())))
    assert document == {"a": []}


def test_few_values_are_read_at_once_however_long_they_are() -> None:
    assert is_read_at_once(b"[]," * 20_000)
    assert is_read_at_once(b'{"a": "' + b"x" * 2_000_000 + b'"}')
    assert not is_read_at_once(b"[]," * 30_000)
    assert not is_read_at_once(b"0," * 40_000)


def test_a_body_has_no_long_lists() -> None:
    whole = b'{"a": [' + b"0," * 100 + b'0], "b": "' + b"x" * 2_000_000 + b'"}'
    assert read(whole, has_long_lists=False)[0] == loaded(whole)
    for text in (
        b'{"a": [' + b"[]," * 100_000 + b"0]}",
        b"{" + b",".join([b'"%d": [%s0]' % (each, b"0," * 60_000) for each in range(20)]) + b"}",
    ):
        with pytest.raises(NotJsonError):
            read(text, has_long_lists=False)


def test_lists_have_so_many_items_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "ITEMS_MAX", 10)
    assert read(json.dumps({"a": [0] * 10}).encode())[0] == {"a": [0] * 10}
    with pytest.raises(NotJsonError):
        read(json.dumps({"a": [0] * 11}).encode())
