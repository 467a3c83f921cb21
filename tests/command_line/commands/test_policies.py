"""``haremq policies`` and ``haremq parameters``."""

import pytest

from tests.support.typed_commands import Typed


@pytest.mark.parametrize("noun", ["policies", "operator-policies"])
def test_a_policy_comes_is_shown_and_goes(typed: Typed, noun: str) -> None:
    words = (noun, "declare", "p", "^a", '{"max-length": 5}', "--priority", "3")
    assert typed(*words, "--apply-to", "queues").status == 0
    shown = typed(noun, "show", "p", "-o", "json").json
    assert (shown["priority"], shown["definition"]) == (3, {"max-length": 5})
    assert [row["name"] for row in typed(noun, "list", "-o", "json").json] == ["p"]
    assert typed(noun, "delete", "p").status == 64
    assert typed(noun, "delete", "p", "-y").status == 0
    assert typed(noun, "delete", "p", "-y").status == 65


def test_a_definition_that_is_none_is_refused(typed: Typed) -> None:
    assert typed("policies", "declare", "p", "^a", "{").status == 65
    assert typed("policies", "declare", "p", "^a", '{"zork": 1}').status == 65


def test_parameters_are_listed_and_refused(typed: Typed) -> None:
    typed("operator-policies", "declare", "p", "^a", '{"max-length": 5}')
    rows = typed("parameters", "list", "-p", "/", "-o", "json").json
    assert [row["component"] for row in rows] == ["operator_policy"]
    assert typed("parameters", "list", "operator_policy").status == 0
    assert typed("parameters", "declare", "zork", "n", "1").status == 65
    assert typed("parameters", "delete", "zork", "n", "-y").status == 65


def test_parameters_of_the_cluster_come_and_go(typed: Typed) -> None:
    assert typed("global-parameters", "declare", "g", '{"a": 1}').status == 0
    rows = typed("global-parameters", "list", "-o", "json").json
    assert {"name": "g", "value": {"a": 1}} in rows
    assert typed("global-parameters", "delete", "g").status == 64
    assert typed("global-parameters", "delete", "g", "-y").status == 0
