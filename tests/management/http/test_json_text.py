"""JSON of anything that a broker can hold, and of anything that a client can send."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http.json_text import NotJsonError, dumped, loaded, readable

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.text()),
    max_leaves=10,
)


@given(ANYTHING)
def test_everything_has_a_text(value: object) -> None:
    json.loads(dumped(value))


@given(st.binary())
def test_every_text_is_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(NotJsonError):
        loaded(text)


def test_octets_that_are_no_utf8_are_characters_of_latin_1() -> None:
    name = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")
    assert json.loads(dumped({"name": name})) == {"name": "caf\xe9 \xff"}
    assert readable("\ud800") == "\ufffd"


def test_integers_of_any_size_are_written() -> None:
    assert dumped(1 << 70) == str(1 << 70).encode()


@pytest.mark.parametrize("text", [b"{bad", b"", b"[" * 100_000, b"NaN", b"\xff"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        loaded(text)
