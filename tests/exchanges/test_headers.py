import pytest

from exchanges.basis import Basis
from exchanges.errors import InvalidBindingError
from exchanges.kinds import make_kind
from tests.support.routing import binding, bound, matched, names, queue


def matches(arguments: dict[str, object], headers: dict[str, object] | None) -> bool:
    return names(matched(bound("headers", binding(queue("q"), "", arguments)), "", headers)) == [
        "q"
    ]


@pytest.mark.parametrize("mode", ["all", "any", "all-with-x", "any-with-x"])
def test_the_four_words_of_x_match_are_valid(mode: str) -> None:
    make_kind("headers").validate("", {"x-match": mode})


def test_x_match_may_be_left_out_and_means_all() -> None:
    make_kind("headers").validate("", {"a": 1})
    assert matches({"a": 1, "b": 2}, {"a": 1, "b": 2})
    assert not matches({"a": 1, "b": 2}, {"a": 1})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "foo",
            'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x',
        ),
        ("", "Invalid x-match field value <<>>; expected all, any, all-with-x, or any-with-x"),
        (1, "Invalid x-match field type signedint (value 1); expected longstr"),
        (True, "Invalid x-match field type bool (value true); expected longstr"),
        (None, "Invalid x-match field type void (value undefined); expected longstr"),
        (b"any", 'Invalid x-match field type binary (value <<"any">>); expected longstr'),
        (
            [("longstr", "any")],
            'Invalid x-match field type array (value [{longstr,<<"any">>}]); expected longstr',
        ),
    ],
)
def test_any_other_x_match_is_refused_in_rabbitmqs_words(value: object, text: str) -> None:
    with pytest.raises(InvalidBindingError) as refusal:
        make_kind("headers").validate("", {"x-match": value})
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("mode", "headers", "expected"),
    [
        ("all", {"a": 1, "b": 2, "c": 3}, True),
        ("all", {"a": 1}, False),
        ("all", {"a": 1, "b": 3}, False),
        ("all", {}, False),
        ("any", {"b": 2}, True),
        ("any", {"a": 2, "b": 2}, True),
        ("any", {"a": 2, "b": 1}, False),
        ("any", {}, False),
        ("any", {"c": 1}, False),
    ],
)
def test_all_wants_every_pair_and_any_wants_one(
    mode: str, headers: dict[str, object], expected: bool
) -> None:
    assert matches({"x-match": mode, "a": 1, "b": 2}, headers) is expected


@pytest.mark.parametrize("mode", ["all", "all-with-x"])
@pytest.mark.parametrize("headers", [None, {}, {"a": 1}])
def test_all_without_pairs_matches_everything(mode: str, headers: dict[str, object] | None) -> None:
    assert matches({"x-match": mode}, headers)


@pytest.mark.parametrize("mode", ["any", "any-with-x"])
@pytest.mark.parametrize("headers", [None, {}, {"a": 1}])
def test_any_without_pairs_matches_nothing(mode: str, headers: dict[str, object] | None) -> None:
    assert not matches({"x-match": mode}, headers)


def test_names_with_x_count_only_when_asked_to() -> None:
    assert matches({"x-a": 1}, {})
    assert not matches({"x-match": "any", "x-a": 1}, {"x-a": 1})
    assert matches({"x-match": "any-with-x", "x-a": 1}, {"x-a": 1})
    assert matches({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1})
    assert not matches({"x-match": "all-with-x", "x-a": 1}, {"x-a": 2})


def test_x_match_itself_is_never_a_pair() -> None:
    assert not matches({"x-match": "any-with-x"}, {"x-match": "any-with-x"})
    assert matches({"x-match": "all-with-x"}, {})


def test_a_void_value_asks_for_the_name_alone() -> None:
    assert matches({"a": None}, {"a": 1})
    assert matches({"a": None}, {"a": None})
    assert not matches({"a": None}, {"b": 1})
    assert not matches({"a": 1}, {"a": None})
    assert matches({"a": 1, "b": None, "c": None}, {"a": 1, "b": 2, "c": 3})
    assert not matches({"a": 1, "b": None, "c": None}, {"a": 1, "b": 2})


SAME = [
    (1, 1),
    (2**40, 2**40),
    (1.5, 1.5),
    (True, True),
    ("x", "x"),
    ("x", b"x"),
    ("é", "é".encode()),
    ((1, 15), (1, 15)),
    ([("long", 1), ("longstr", "a")], [("long", 1), ("longstr", "a")]),
    (
        {"b": ("long", 1), "c": ("array", [("void", None)])},
        {"b": ("long", 1), "c": ("array", [("void", None)])},
    ),
    ([], {}),
]

DIFFERENT = [
    (1, 1.0),
    (1, True),
    (0, False),
    (1.0, True),
    (1, "1"),
    ("x", "X"),
    ("", None),
    (0, None),
    ([("long", 1)], [("double", 1.0)]),
    ([("long", 1)], [("signedint", 1)]),
    ([("longstr", "a")], [("binary", b"a")]),
    ([("long", 1), ("long", 2)], [("long", 2), ("long", 1)]),
    ([("long", 1)], [("long", 1), ("long", 1)]),
    ([("long", 1), ("long", 15)], (1, 15)),
    ([("void", None)], [("long", 1)]),
    ([("array", [])], [("table", {})]),
    ([("table", {"a": ("long", 1)})], [("table", {"a": ("long", 2)})]),
    ({"b": ("long", 1)}, {"b": ("bool", True)}),
    ({"b": ("long", 1)}, {"b": ("signedint", 1)}),
    ({"b": ("long", 1)}, {"b": ("long", 1), "c": ("long", 1)}),
    ({"b": ("long", 1), "c": ("long", 2)}, {"c": ("long", 2), "b": ("long", 1)}),
    ([], ""),
]


@pytest.mark.parametrize(("wanted", "value"), SAME)
@pytest.mark.parametrize("mode", ["all", "any"])
def test_equal_values_hold_whatever_their_amqp_type(
    mode: str, wanted: object, value: object
) -> None:
    assert matches({"x-match": mode, "a": wanted}, {"a": value})


@pytest.mark.parametrize(("wanted", "value"), DIFFERENT)
@pytest.mark.parametrize("mode", ["all", "any"])
def test_values_are_compared_exactly(mode: str, wanted: object, value: object) -> None:
    assert not matches({"x-match": mode, "a": wanted}, {"a": value})


@pytest.mark.parametrize("mode", ["all", "any"])
@pytest.mark.parametrize("pairs", [{}, {"a": 1}, {"a": 1, "b": None}, {"x-a": 1}])
def test_unbinding_forgets_one_binding_only(mode: str, pairs: dict[str, object]) -> None:
    gone = binding(queue("gone"), "", {"x-match": mode, **pairs})
    stays = binding(queue("stays"), "", {"x-match": mode, **pairs})
    kind = bound("headers", gone, stays)
    before = names(matched(kind, "", {"a": 1, "b": 2}))
    kind.unbind(gone)
    assert names(matched(kind, "", {"a": 1, "b": 2})) == [
        name for name in before if name == "stays"
    ]


def test_two_bindings_of_one_queue_are_forgotten_one_by_one() -> None:
    first, second = binding(queue("q"), "a"), binding(queue("q"), "b")
    kind = bound("headers", first, second)
    kind.unbind(first)
    assert names(matched(kind, "", None)) == ["q"]
    kind.unbind(second)
    assert names(matched(kind, "", None)) == []


@pytest.mark.parametrize("mode", ["all", "any"])
def test_a_thousand_pairs_hold_or_do_not(mode: str) -> None:
    pairs: dict[str, object] = {f"h{number}": number for number in range(1000)}
    assert matches({"x-match": mode, **pairs}, pairs)
    assert matches({"x-match": mode, **pairs}, {**pairs, "h999": -1}) is (mode == "any")


def test_a_destination_bound_for_other_headers_is_not_looked_at() -> None:
    """The values of a message are asked for only where some binding names the header."""

    class Unasked(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            assert name == "a", "no binding names this header"
            return super().__getitem__(name)

    kind = bound("headers", binding(queue("q"), "", {"a": 1}))
    assert names(matched(kind, "", Unasked(a=1, b=2))) == ["q"]


def test_a_message_pays_for_the_rarest_pair_of_a_binding() -> None:
    class Counted(dict[str, object]):
        lookups = 0

        def __contains__(self, name: object) -> bool:
            Counted.lookups += 1
            return super().__contains__(name)

    kind = bound(
        "headers",
        *(binding(queue(f"q{n}"), "", {"format": "pdf", "customer": n}) for n in range(50)),
    )
    assert names(matched(kind, "", Counted(format="pdf", customer=7))) == ["q7"]
    assert Counted.lookups <= 2


def test_a_pair_alone_costs_one_look_for_all_bindings_of_a_queue() -> None:
    kind = bound(
        "headers", *(binding(queue("q"), str(n), {"x-match": "any", "a": 1}) for n in range(2000))
    )
    assert [list(piece) for piece in kind.pieces("", {"a": 1})] == [[queue("q")]]


def test_of_the_bindings_of_a_queue_no_more_are_looked_at_than_to_the_first_that_holds() -> None:
    class Counted(dict[str, object]):
        lookups = 0

        def __contains__(self, name: object) -> bool:
            Counted.lookups += 1
            return super().__contains__(name)

    pairs = {"a": 1, "b": 2}
    kind = bound("headers", *(binding(queue("q"), str(n), pairs) for n in range(2000)))
    assert names(matched(kind, "", Counted(pairs))) == ["q"]
    assert Counted.lookups <= 2


def test_many_bindings_that_do_not_hold_are_looked_at_in_pieces() -> None:
    kind = bound(
        "headers",
        *(binding(queue(f"q{n}"), "", {"a": 1, "b": n % 7, "c": n % 11}) for n in range(9000)),
    )
    headers = {"a": 1, "b": 3, "c": 4}
    expected = sorted([f"q{n}" for n in range(9000) if n % 7 == 3 and n % 11 == 4])
    assert names(matched(kind, "", headers)) == expected
    walk = kind.pieces("", headers)
    first = list(next(iter(walk)))
    kind.unbind(binding(queue("q4"), "", {"a": 1, "b": 4, "c": 4}))
    kind.bind(binding(queue("new"), "", {"a": 1, "b": 3, "c": 4}))
    found = [*first, *(each for piece in walk for each in piece)]
    assert names(found) in (expected, sorted([*expected, "new"])), "others come and go meanwhile"


def test_headers_are_asked_for_and_the_key_is_not() -> None:
    kind = bound("headers")
    assert kind.basis is Basis.HEADERS
    assert not kind.takes_every_key
