"""Lists: filtered, sorted and cut by the node."""

from tests.support.typed_commands import Typed


def names(typed: Typed, *words: str) -> list[str]:
    said = typed("queues", "list", "-o", "json", "-c", "name", *words)
    assert said.status == 0, said.err
    return [row["name"] for row in said.json]


def test_a_list_of_one_vhost_or_of_all(typed: Typed) -> None:
    typed("vhosts", "declare", "w")
    typed("permissions", "declare", "guest", "-p", "w")
    typed("queues", "declare", "a")
    typed("queues", "declare", "b", "-p", "w")
    assert (names(typed), names(typed, "-p", "w")) == (["a", "b"], ["b"])


def test_the_node_filters_sorts_and_cuts(typed: Typed) -> None:
    for name in ("a1", "a2", "b1"):
        typed("queues", "declare", name)
    typed("publish", "a2", "hello")
    assert names(typed, "--match", "^a") == ["a1", "a2"]
    assert names(typed, "--limit", "1") == ["a1"]
    assert names(typed, "--sort", "messages", "--reverse")[0] == "a2"
    assert names(typed, "--sort", "name", "--reverse") == ["b1", "a2", "a1"]
    assert "columns=name" in typed.asked[-1][1]


def test_a_pattern_that_is_none_is_refused(typed: Typed) -> None:
    typed("queues", "declare", "a")
    assert typed("queues", "list", "--match", "(").status in {0, 65}


def test_a_list_of_a_vhost_that_is_not_there(typed: Typed) -> None:
    assert typed("queues", "list", "-p", "none").status == 65
