"""Which policy applies to what, and what two layers make together (RabbitMQ 3.10's answers)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.policies.table import Policy, PolicyTable, merge


def policy(
    name: str = "p",
    pattern: str = ".*",
    definition: dict[str, object] | None = None,
    priority: int = 0,
    apply_to: str = "all",
) -> Policy:
    return Policy(name, pattern, definition or {"max-length": 1}, priority, apply_to)


def applied(table: PolicyTable, queue_type: str | None, name: str) -> str | None:
    target = "queue" if queue_type is not None else "exchange"
    found, _ = table.match(target, queue_type, name)  # type: ignore[arg-type] # one of the two
    return found.name if found is not None else None


def complaint(wrong: Policy, *, operator: bool = False) -> str:
    table = PolicyTable()
    with pytest.raises(PreconditionFailedError) as caught:
        table.set(wrong, operator=operator)
    assert table.list(operator=operator) == []
    assert table.generation == 0
    return str(caught.value)


# ── matching ──


def test_the_pattern_is_searched_not_matched_whole() -> None:
    table = PolicyTable()
    table.set(policy(pattern="b"))
    assert applied(table, "classic", "abc") == "p"
    assert applied(table, "classic", "ac") is None


@pytest.mark.parametrize(
    ("apply_to", "applies"),
    [
        ("all", {"classic", "quorum", "stream", None}),
        ("queues", {"classic", "quorum", "stream"}),
        ("exchanges", {None}),
        ("classic_queues", {"classic"}),
        ("quorum_queues", {"quorum"}),
        ("streams", {"stream"}),
    ],
)
def test_apply_to_says_what_it_is_for(apply_to: str, applies: set[str | None]) -> None:
    table = PolicyTable()
    table.set(policy(definition={"max-length-bytes": 1}, apply_to=apply_to))
    kinds = ("classic", "quorum", "stream", None)
    assert {kind for kind in kinds if applied(table, kind, "n") == "p"} == applies


def test_the_highest_priority_applies_alone() -> None:
    table = PolicyTable()
    table.set(policy("low", definition={"max-length": 1, "expires": 5}, priority=-1))
    table.set(policy("high", "^q", {"max-length": 2}, priority=7))
    table.set(policy("zero"))
    assert applied(table, "classic", "q") == "high"
    assert table.effective("queue", "classic", "q") == {"max-length": 2}
    assert applied(table, "classic", "x") == "zero"


def test_of_equal_priorities_it_is_always_the_same() -> None:
    for names in (["a", "b"], ["b", "a"]):
        table = PolicyTable()
        for name in names:
            table.set(policy(name))
        assert applied(table, "classic", "q") == "a"


@pytest.mark.parametrize(
    ("definition", "queue_type"),
    [
        ({"max-length": 5, "delivery-limit": 3}, "classic"),
        ({"dead-letter-strategy": "at-most-once"}, "classic"),
        ({"max-age": "1D"}, "classic"),
        ({"max-length": 5, "ha-mode": "all"}, "quorum"),
        ({"queue-mode": "lazy"}, "quorum"),
        ({"queue-master-locator": "random"}, "quorum"),
        ({"initial-cluster-size": 1}, "quorum"),
    ],
)
def test_one_key_the_queue_type_cannot_have_keeps_the_whole_policy_away(
    definition: dict[str, object], queue_type: str
) -> None:
    table = PolicyTable()
    table.set(policy("wrong", definition=definition, priority=1))
    table.set(policy("next"))
    assert applied(table, queue_type, "q") == "next"
    assert applied(table, None, "x") == "wrong"


def test_changes_are_seen_at_once_and_counted() -> None:
    table = PolicyTable()
    table.set(policy())
    table.set(policy(definition={"max-length": 9}))
    assert table.effective("queue", "classic", "q") == {"max-length": 9}
    assert len(table.list()) == 1
    generation = table.generation
    assert table.clear("p")
    assert table.generation > generation
    generation = table.generation
    assert not table.clear("p")
    assert table.generation == generation
    assert table.effective("queue", "classic", "q") == {}


def test_the_layers_have_names_of_their_own() -> None:
    table = PolicyTable()
    table.set(policy("b"))
    table.set(policy("a"))
    table.set(policy("b"), operator=True)
    assert [held.name for held in table.list()] == ["a", "b"]
    assert [held.name for held in table.list(operator=True)] == ["b"]
    assert table.clear("b", operator=True)
    assert [held.name for held in table.list()] == ["a", "b"]
    assert table.match("queue", "classic", "q")[1] is None


# ── two layers together ──


def test_of_two_classes_the_operators_holds() -> None:
    table = PolicyTable()
    table.set(policy(definition={"durability": "os"}))
    table.set(policy("o", definition={"durability": "fsync"}), operator=True)
    assert table.effective("queue", "classic", "q") == {"durability": "fsync"}
    table.set(policy("o", definition={"durability": "os"}), operator=True)
    table.set(policy(definition={"durability": "fsync"}))
    assert table.effective("queue", "quorum", "q") == {"durability": "os"}


def test_an_operator_can_only_tighten() -> None:
    table = PolicyTable()
    table.set(policy(definition={"max-length": 5, "message-ttl": 10}))
    table.set(
        policy("o", definition={"max-length": 3, "message-ttl": 90, "expires": 9}), operator=True
    )
    assert table.effective("queue", "classic", "q") == {
        "max-length": 3,
        "message-ttl": 10,
        "expires": 9,
    }
    table.clear("p")
    assert table.effective("queue", "classic", "q") == {
        "max-length": 3,
        "message-ttl": 90,
        "expires": 9,
    }


@pytest.mark.parametrize(
    ("key", "ours", "operators", "merged"),
    [
        ("delivery-limit", 5, -1, 5),
        ("delivery-limit", -1, 5, 5),
        ("delivery-limit", 5, 7, 5),
        ("queue-version", 1, 2, 2),
        ("queue-version", 2, 1, 1),
        ("overflow", "drop-head", "reject-publish", "reject-publish"),
        ("ha-params", 2, 3, 3),
        ("ha-mode", "all", "exactly", "exactly"),
    ],
)
def test_what_is_no_limit_is_the_operators(
    key: str, ours: object, operators: object, merged: object
) -> None:
    assert merge({key: ours}, {key: operators}) == {key: merged}


_LIMITS = st.dictionaries(
    st.sampled_from(["max-length", "max-length-bytes", "message-ttl", "expires"]),
    st.integers(0, 100),
)


@given(ours=_LIMITS, operators=_LIMITS)
def test_merged_limits_are_never_above_either(
    ours: dict[str, object], operators: dict[str, object]
) -> None:
    merged = merge(ours, operators)
    assert merged.keys() == ours.keys() | operators.keys()
    for key, value in merged.items():
        given_values = [layer[key] for layer in (ours, operators) if key in layer]
        assert value == min(given_values)  # type: ignore[type-var] # integers, as drawn above


# ── what cannot be set ──


def test_pattern_and_scope_are_checked_and_told_together() -> None:
    assert complaint(policy(pattern="((", apply_to="z", definition={"max-length": "x"})) == (
        '<<"x">> is not a valid maximum length\n'
        "apply-to 'z' unrecognised; should be one of: 'queues', 'classic_queues', "
        "'quorum_queues', 'streams', 'exchanges', or 'all'\n"
        'pattern should be regular expression but is invalid: {"missing closing '
        'parenthesis",2}'
    )


def test_an_empty_definition_is_no_policy() -> None:
    assert complaint(Policy("p", ".*", {})) == "no policy provided"


def test_an_operator_may_not_set_everything() -> None:
    table = PolicyTable()
    table.set(policy(definition={"overflow": "drop-head", "queue-version": 2}), operator=True)
    assert complaint(policy(definition={"queue-mode": "lazy"}), operator=True) == (
        '[{<<"queue-mode">>,<<"lazy">>}] are not recognised policy settings'
    )
