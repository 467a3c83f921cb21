"""Requests: queries, percent-encoding, cookies."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http.errors import HttpError
from management.http.request import Request, decoded, parsed_query, whole_number


def test_the_first_of_a_parameter_counts() -> None:
    query = parsed_query("a=1&a=2&b&c=x+y%20z&&")
    assert (query.get("a"), list(query.all("a")), query.get("b")) == ("1", ["1", "2"], "")
    assert (query.get("c"), query.get("nope"), "b" in query) == ("x y z", None, True)
    assert not query.is_true("a")
    assert parsed_query("pagination=true").is_true("pagination")


def test_a_number_has_so_many_digits_and_nothing_else() -> None:
    query = parsed_query("a=007&b=1234567890&c=")
    assert (query.number("a", 1), query.number("nope", 5), query.number("b", 0, 10)) == (
        7,
        5,
        1_234_567_890,
    )
    for name in ("b", "c"):
        with pytest.raises(HttpError, match=f"{name}: expected a number of 0 or more"):
            query.number(name, 1)


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "\u0661", "\u00b2", "1.0", "1" * 10])
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("text", ["x=%zz", "&&=&", "x=%4", "%=1", "%+1=2"])
def test_a_broken_query_is_400_without_a_body(text: str) -> None:
    with pytest.raises(HttpError) as refused:
        parsed_query(text)
    assert (refused.value.status, refused.value.error) == (400, "")


def test_octets_are_decoded_once() -> None:
    assert decoded("a%2Fb%252F+c") == "a/b%2F+c"
    assert decoded("%FF").encode("utf-8", "surrogateescape") == b"\xff"
    assert decoded("%C3%A9") == "\xe9"


@given(st.text())
def test_decoding_ends_in_a_text_or_400(text: str) -> None:
    with contextlib.suppress(HttpError):
        decoded(text)


def test_the_first_cookie_of_a_name_counts() -> None:
    request = Request("GET", "/", headers={"cookie": "a=1; b=2;a=3; broken"})
    assert request.cookies == {"a": "1", "b": "2"}
    assert Request("GET", "/").cookies == {}


def test_the_media_type_is_without_parameters() -> None:
    typed = Request("GET", "/", headers={"content-type": "Application/JSON; charset=utf-8"})
    assert (typed.media_type, Request("GET", "/").media_type) == ("application/json", "")
    assert typed.header("content-type") is not None
