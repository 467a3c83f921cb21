import pytest

from exchanges import route_changes
from exchanges.kinds import make_kind
from exchanges.route_changes import EVERY_KEY, VISITED_MAX, KeyPart, RouteChanges

X = ("x",)


def key(text: str) -> KeyPart:
    return text, False


def prefix(text: str) -> KeyPart:
    return text, True


def test_a_route_holds_as_long_as_nothing_it_depends_on_changes() -> None:
    changes = RouteChanges()
    for name, part in [("y", EVERY_KEY), ("x", key("other")), ("x", prefix("b.")), ("", key("k"))]:
        changes.note(name, part)
    assert changes.generation == 4
    assert changes.holds(0, X, "a.b")
    assert not changes.holds(0, ("x", "y"), "a.b")
    assert changes.holds(1, ("x", "y"), "a.b"), "it was found after that"


@pytest.mark.parametrize(
    "part", [key("a.b.c"), EVERY_KEY, prefix("a."), prefix("a.b.")], ids=lambda part: part[0]
)
def test_a_change_of_its_key_or_of_how_the_key_begins_is_one_of_the_route(part: KeyPart) -> None:
    changes = RouteChanges()
    changes.note("x", part)
    assert not changes.holds(0, X, "a.b.c")
    assert changes.holds(1, X, "a.b.c")


def test_a_key_that_is_a_prefix_of_another_is_not_how_it_begins() -> None:
    changes = RouteChanges()
    changes.note("x", key("a."))
    assert changes.holds(0, X, "a.b")
    assert not changes.holds(0, X, "a.")


def test_of_what_was_forgotten_no_route_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_changes, "CHANGES_MAX", 8)
    changes = RouteChanges()
    changes.note("x", key("k"))
    for number in range(100):
        since = changes.generation
        changes.note("y", key(str(number)))
        assert changes.holds(since, X, "k"), "who asks often enough goes on"
        assert len(changes) <= 8
    assert not changes.holds(1, X, "k")
    assert changes.holds(changes.generation, X, "k")


def test_a_change_that_comes_again_and_again_is_one() -> None:
    changes = RouteChanges()
    for _ in range(100):
        changes.note("y", key("k"))
    assert len(changes) == 1
    assert changes.holds(0, X, "k")


def test_when_anything_may_have_changed_no_route_holds() -> None:
    changes = RouteChanges()
    changes.note("y", EVERY_KEY)
    changes.note_all()
    assert not changes.holds(1, X, "k")
    assert changes.holds(2, X, "k")


def test_a_route_over_many_exchanges_holds_until_anything_changes() -> None:
    changes = RouteChanges()
    visited = tuple(map(str, range(VISITED_MAX + 1)))
    assert changes.holds(0, visited, "k")
    changes.note("elsewhere", EVERY_KEY)
    assert not changes.holds(0, visited, "k")


@pytest.mark.parametrize(
    ("kind", "binding_key", "parts"),
    [
        ("direct", "a.*", (key("a.*"),)),
        ("fanout", "a", (EVERY_KEY,)),
        ("headers", "a", (EVERY_KEY,)),
        ("topic", "a.b", (key("a.b"),)),
        ("topic", "", (key(""),)),
        ("topic", "#", (EVERY_KEY,)),
        ("topic", "*.a", (EVERY_KEY,)),
        ("topic", "a.*.b", (prefix("a."),)),
        ("topic", "a.b.#", (prefix("a.b."), key("a.b"))),
        ("topic", "a*.#", (prefix("a*."), key("a*"))),
        ("topic", ".#", (prefix("."), key(""))),
    ],
)
def test_a_binding_has_a_say_about_these_keys(
    kind: str, binding_key: str, parts: tuple[KeyPart, ...]
) -> None:
    assert make_kind(kind).keys_of(binding_key) == parts
