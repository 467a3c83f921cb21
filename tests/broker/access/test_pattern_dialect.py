"""What RabbitMQ's patterns are respelled to; that it means the same, ``test_patterns`` says."""

import pytest

from amqp_server.broker.access.pattern_dialect import DialectError, respell


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^orders\\.(eu|us)$",
        "(?i)^a",
        "(?<name>a)\\k{name}",
        "a{2}b{2,}c{2,3}+",
        "[a-z_.-]",
        "[]\\]a]",
        "[^]a]",
        "\\Qa\\w{,3}[\\E",
        "(?#[\\w)a",
        "\\p{L}\\d[[:digit:]]",
        "\\.\\\\\\[",
        "(*ANYCRLF)a",
        "(?x) a b",
    ],
)
def test_most_are_spelled_alike(pattern: str) -> None:
    assert respell(pattern).text == pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("\\x{e9}\\x9\\x\\x41", "\\xe9\\x09\\x00\\x41"),
        ("a{,3}{ 1}{", "a\\{,3}\\{ 1}\\{"),
        ("\\j\\y", "jy"),
        ("\\C", "(?s:.)"),
        ("[[:^ascii:]]", "[\\o{400}]"),
        ("[\\x{41}-\\x{5a}]", "[\\x41-\\x5a]"),
        ("[\\s-z]", "[\\x09-\\x0d\\x20\\-z]"),
        ("[+-\\s]", "[+\\-\\x09-\\x0d\\x20]"),
        ("[\\Q]\\E\\s]", "[\\Q]\\E\\x09-\\x0d\\x20]"),
        ("[\\b]\\s", "[\\b][\\x09-\\x0d\\x20]"),
    ],
)
def test_what_would_mean_something_else_is_spelled_otherwise(pattern: str, text: str) -> None:
    assert respell(pattern).text == text


@pytest.mark.parametrize(
    ("pattern", "reason", "position"),
    [
        ("a\\u0041", "\\u is not supported here", 1),
        ("\\x{100}", "character value in \\x{} is too large", 0),
        ("\\x{zz}", "\\x is not supported here", 0),
        ("(*UTF)a", "(*UTF) and (*UCP) are not supported", 0),
        ("(*LF)(*UTF8)a", "(*UTF) and (*UCP) are not supported", 0),
        ("a(?ix) b # c", "comments with # are not supported", 1),
        ("a[:alpha:]", "POSIX named classes are supported only within a class", 1),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(pattern: str, reason: str, position: int) -> None:
    with pytest.raises(DialectError) as caught:
        respell(pattern)
    assert (caught.value.reason, caught.value.position) == (reason, position)


def test_a_place_is_found_again_in_the_pattern_as_it_was_given() -> None:
    respelled = respell("\\wa\\w(")
    assert respelled.position_of(respelled.text.index("(", 1)) == 5
    assert respelled.position_of(len(respelled.text)) == 6
    assert respelled.position_of(-5) == 0
