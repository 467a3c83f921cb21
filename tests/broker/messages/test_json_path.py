"""What is a JSONPath, what is none, and where it goes wrong."""

import pytest

from amqp_server.broker.messages.json_path import (
    All,
    Compared,
    Cut,
    Exists,
    Filtered,
    Index,
    Literal,
    Name,
    Path,
    PathError,
    Segment,
    parse_test,
)


def test_each_selector_is_read() -> None:
    test = parse_test("$.a['b c'][-1, 2:5:2, *]..d")
    assert test == Exists(
        Path(
            from_root=True,
            segments=(
                Segment(False, (Name("a"),)),
                Segment(False, (Name("b c"),)),
                Segment(False, (Index(-1), Cut(2, 5, 2), All())),
                Segment(True, (Name("d"),)),
            ),
        )
    )


def test_a_filter_has_a_test() -> None:
    test = parse_test("$[?@.n >= -1.5]")
    inner = Compared(">=", Path(False, (Segment(False, (Name("n"),)),)), Literal(-1.5))
    assert test == Exists(Path(True, (Segment(False, (Filtered(inner),)),)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id",
        "$.",
        "$[",
        "$[x]",
        "$['a]",
        "$.a b",
        "$[?]",
        "$[?@.a ==]",
        "$" + ".a" * 400,
        "$[?" + "(" * 40 + "@" + ")" * 40 + "]",
        "$[?" + "@[?" * 60 + "@" + "]" * 61,
        "!" * 100 + "$.a",
        "$['\\q']",
        "5",
        "'a'",
        "$.a >",
        "$.a = 5",
        "$.a &&",
        "(  $.a",
        "$.a == 5 5",
        "$[1e5]",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(PathError, match="of the JSONPath"):
        parse_test(text)


def test_the_place_is_told() -> None:
    with pytest.raises(PathError, match="at letter 5"):
        parse_test("$.a[x]")
