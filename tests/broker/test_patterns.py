"""Patterns are searched in names as RabbitMQ searches them."""

import pytest

from amqp_server.broker.patterns import PatternError, compile_pattern, is_found, quote


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        (".*", "", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^(?<first>a)", "abc", True),
        (r"\(?<a", "?<a", True),
        ("(?<=a)b", "ab", True),
        ("^[[:alpha:]]+$", "abc", True),
        ("^[[:digit:]_]+$", "1_a", False),
        ("^[[:punct:]]$", "]", True),
        ("^é$", "é", True),
        ("^..$", "é", True),  # octets, as PCRE counts without its UTF mode
        (r"^\w+$", "é", False),
        ("[[a]", "[", True),
        ("", "anything", True),
        ("\udcff", "a\udcff", True),
    ],
)
def test_a_pattern_is_searched_octet_by_octet(text: str, name: str, found: bool) -> None:
    assert is_found(compile_pattern(text), name) is found


@pytest.mark.parametrize(
    ("text", "position"), [("((", 1), ("*a", 0), ("[a", 0), ("a{99999999999}", 0)]
)
def test_what_is_no_pattern_says_where(text: str, position: int) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(text)
    assert caught.value.position == position
    assert caught.value.reason


def test_a_quoted_text_matches_only_itself() -> None:
    pattern = compile_pattern(f"^{quote('a.*(é')}$")
    assert is_found(pattern, "a.*(é")
    assert not is_found(pattern, "abc(é")
