"""The headers exchange against its rules taken literally, binding by binding."""

from hypothesis import given
from hypothesis import strategies as st

from exchanges.bindings import Binding
from exchanges.headers import HeadersExchange
from tests.support.routing import binding, matched, names, queue

VALUES: st.SearchStrategy[object] = st.sampled_from(
    [
        *(None, 0, 1, True, False, 0.0, 1.0, "1", "", b"1"),
        *([], {}, [("long", 1)], [("bool", True)], [("short", 1)]),
        *({"k": ("long", 1)}, {"k": ("double", 1.0)}, {"k": ("array", [])}, {"k": ("table", {})}),
        *({"k": ("long", 1), "l": ("long", 1)}, {"l": ("long", 1), "k": ("long", 1)}),
    ]
)
NAMES = st.sampled_from(["a", "b", "x-a", "x-match-not", "x"])
HEADERS = st.dictionaries(NAMES, VALUES)
MODES = st.sampled_from(
    [{}, *({"x-match": f"{mode}{x}"} for mode in ("all", "any") for x in ("", "-with-x"))]
)


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, object]:
    return {**draw(HEADERS), **draw(MODES)}


def same(wanted: object, value: object) -> bool:
    """Compare as the exchange is meant to: in Erlang's terms, where there are fewer types."""
    return term(wanted) == term(value)


def term(value: object) -> str:
    """Write a value as a term that says all about it: a table is a list, a text a binary."""
    if isinstance(value, dict):
        value = [(name, *typed) for name, typed in value.items()]
    if isinstance(value, list):
        return str([(*typed[:-1], term(typed[-1])) for typed in value])
    return repr(value.encode() if isinstance(value, str) else value)


def is_match(pattern: dict[str, object], headers: dict[str, object]) -> bool:
    mode = str(pattern.get("x-match", "all"))
    results = [
        name in headers and (wanted is None or same(wanted, headers[name]))
        for name, wanted in pattern.items()
        if name != "x-match" and (mode.endswith("-with-x") or not name.startswith("x-"))
    ]
    return any(results) if mode.startswith("any") else all(results)


def bindings_of(patterns: list[dict[str, object]]) -> list[Binding]:
    return [binding(queue(f"q{index}"), "", each) for index, each in enumerate(patterns)]


@given(patterns=st.lists(arguments(), max_size=8), headers=HEADERS, data=st.data())
def test_those_bindings_match_that_should_whatever_else_is_bound(
    patterns: list[dict[str, object]], headers: dict[str, object], data: st.DataObject
) -> None:
    kind = HeadersExchange()
    bindings = bindings_of(patterns)
    for each in bindings:
        kind.bind(each)
    for each in data.draw(st.permutations(bindings)):
        expected = sorted(
            b.destination.name for b in bindings if is_match(dict(b.arguments), headers)
        )
        assert names(matched(kind, "", headers)) == expected
        kind.unbind(each)
        bindings.remove(each)
    assert names(matched(kind, "", headers)) == []
