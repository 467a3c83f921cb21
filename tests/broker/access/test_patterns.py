"""Patterns are searched in names as RabbitMQ searches them."""

import pytest

from amqp_server.broker.access.patterns import (
    PatternError,
    compile_pattern,
    is_found,
    quote,
    was_found,
)


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
        # What Python's own would have refused, or taken for something else.
        ("orders(?i)\\.EU", "orders.eu", True),
        ("orders(?i)\\.EU", "Orders.eu", False),
        (r"^a\z", "a", True),
        (r"^a\z", "a\n", False),
        (r"^a\Z", "a\n", True),
        ("^[[:graph:]]+$", "a-b", True),
        ("^[[:graph:]]+$", "a b", False),
        ("^a++ab", "aab", False),
        ("^(?>a+)ab", "aab", False),
        (r"^\h$", "\t", True),
        (r"^\x{61}$", "a", True),
        ("^(a(?1)?b)$", "aabb", True),
        (r"^(?|(a)|(b))\1$", "bb", True),
        ("^a{,3}$", "a{,3}", True),
        # Types of octets: ê is C3 AA, of which both are letters of ISO-8859-1; ó is C3 B3.
        (r"^\w+$", "ê", True),
        (r"^\w+$", "ó", False),
        ("(?i)^bücher$", "BüCHER", True),
        (r"^[\w.-]+$", "a.b-c", True),
    ],
)
def test_a_pattern_is_searched_octet_by_octet(text: str, name: str, found: bool) -> None:
    assert is_found(compile_pattern(text), name) is found


@pytest.mark.parametrize(
    ("text", "position"),
    [("((", 2), ("*a", 1), ("[a", 2), ("a{99999999999}", 1), (r"é\u0041", 2), ("\ud800", 0)],
)
def test_what_is_no_pattern_says_where(text: str, position: int) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(text)
    assert caught.value.position == position
    assert caught.value.reason


def test_a_quoted_text_matches_only_itself() -> None:
    for text in ("a.*(é", "a b#{,3}", "[[:alpha:]]\\w-\n"):
        pattern = compile_pattern(f"^{quote(text)}$")
        assert is_found(pattern, text)
        assert not is_found(pattern, "abc(é")


@pytest.mark.parametrize(
    "text", ["^(a+)+$", "^((a|a)*)*$", "(((((.*)*)*)*)*)*\\d", "(*LIMIT_MATCH=4000000000)^(a+)+$"]
)
def test_a_pattern_that_backtracks_for_ever_is_not_found(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    pattern = compile_pattern(text)
    for _ in range(3):
        assert not is_found(pattern, "a" * 254 + "!")
    # Searched for once: what was found is kept.
    assert [record.getMessage() for record in caplog.records] == [
        f"pattern {text!r} is not found in {'a' * 254 + '!'!r}: match limit exceeded"
    ]
    assert is_found(compile_pattern("^(a+)+$"), "aaa")


@pytest.mark.parametrize("text", ["", ".*", "^", "^.*", ".*$"])
@pytest.mark.parametrize("name", ["", "a", "é", "a\nb", "\n", "\n\n", "\udcff"])
def test_what_is_found_everywhere_would_have_been_found(text: str, name: str) -> None:
    pattern = compile_pattern(text)
    assert pattern.is_in_all
    assert pattern.search(name)


def test_what_is_kept_of_patterns_and_names_is_bounded() -> None:
    pattern = compile_pattern("x$")
    for number in range(was_found.cache_parameters()["maxsize"] + 100):
        assert not is_found(pattern, f"n{number}")
    assert was_found.cache_info().currsize == was_found.cache_parameters()["maxsize"]
    for number in range(compile_pattern.cache_parameters()["maxsize"] + 10):
        compile_pattern(f"^{number}$")
    assert compile_pattern.cache_info().currsize == compile_pattern.cache_parameters()["maxsize"]
