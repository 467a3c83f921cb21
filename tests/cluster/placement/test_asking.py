"""How many replicas a queue asks for, and where."""

import pytest

from cluster.placement.asking import REPLICAS_MAX, RULES, Asked, Locator, ReplicaRules, asked_of
from tests.support.placements import node

MIRRORED = {"ha-mode": "exactly", "ha-params": 2}


def asked(
    kind: str = "classic", *, durable: bool = True, exclusive: bool = False, **given: object
) -> Asked:
    arguments = given.get("arguments", {})
    policy = given.get("policy", {})
    return asked_of(kind, arguments, policy, durable=durable, exclusive=exclusive)  # type: ignore[arg-type]


def test_a_classic_queue_without_a_policy_has_one_replica() -> None:
    assert asked() == Asked(1)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"ha-mode": "all"}, Asked(None)),
        (MIRRORED, Asked(2)),
        ({"ha-mode": "nodes", "ha-params": ["b", "a", "b"]}, Asked(2, ("b", "a"))),
        ({"ha-params": 3}, Asked(1)),
        ({"ha-mode": "exactly", "ha-params": "three"}, Asked(1)),
        ({"ha-mode": "nodes", "ha-params": 3}, Asked(1)),
        ({"ha-mode": "exactly", "ha-params": 10**9}, Asked(REPLICAS_MAX)),
    ],
)
def test_a_policy_of_mirrors_says_how_many(policy: dict[str, object], expected: Asked) -> None:
    assert asked(policy=policy) == expected


def test_what_does_not_outlive_its_node_has_no_mirror() -> None:
    assert asked(policy=MIRRORED, durable=False) == Asked(1)
    assert asked(policy=MIRRORED, exclusive=True) == Asked(1)
    assert asked("quorum", exclusive=True) == Asked(1)


@pytest.mark.parametrize(
    ("kind", "argument", "key"),
    [
        ("quorum", "x-quorum-initial-group-size", "target-group-size"),
        ("stream", "x-initial-cluster-size", "initial-cluster-size"),
    ],
)
def test_quorum_queues_and_streams_have_their_own_words(kind: str, argument: str, key: str) -> None:
    assert asked(kind) == Asked(RULES.replicas_count)
    assert asked(kind, policy={key: 5}) == Asked(5)
    assert asked(kind, arguments={argument: 1}, policy={key: 5}) == Asked(1)
    assert asked(kind, policy=MIRRORED) == Asked(RULES.replicas_count)
    assert asked(kind, policy={key: 0}) == Asked(RULES.replicas_count)


@pytest.mark.parametrize(
    ("arguments", "policy", "expected"),
    [
        ({}, {}, Locator.LOCAL),
        ({"x-queue-leader-locator": "balanced"}, {}, Locator.BALANCED),
        ({"x-queue-master-locator": "min-masters"}, {}, Locator.BALANCED),
        ({}, {"queue-leader-locator": "balanced"}, Locator.BALANCED),
        ({}, {"queue-master-locator": "random"}, Locator.BALANCED),
        (
            {"x-queue-leader-locator": "client-local"},
            {"queue-leader-locator": "balanced"},
            Locator.LOCAL,
        ),
    ],
)
def test_the_locator_is_that_of_the_arguments_then_of_the_policy(
    arguments: dict[str, object], policy: dict[str, object], expected: Locator
) -> None:
    assert asked(arguments=arguments, policy=policy).locator is expected


@pytest.mark.parametrize(("replicas", "expected"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (7, 4)])
def test_half_of_the_replicas_have_to_be_in_sync(replicas: int, expected: int) -> None:
    assert RULES.min_isr(replicas) == expected


def test_a_number_of_the_cluster_is_bounded_by_the_replicas() -> None:
    assert ReplicaRules(members_min=2).min_isr(2) == 2
    assert ReplicaRules(members_min=2).min_isr(1) == 1
    assert ReplicaRules(members_min=1).min_isr(5) == 1


def test_among_nodes_the_named_ones_are_taken_and_others_only_where_none_is_there() -> None:
    a, b, c = node("a"), node("b"), node("c")
    assert Asked(2, ("b", "x")).among([a, b, c]) == ([b], 1)
    assert Asked(2, ("x", "y")).among([a, b, c], 3) == ([a, b, c], 3)
    assert Asked(None).among([a, b, c]) == ([a, b, c], 3)
    assert Asked(9).among([a, b, c]) == ([a, b, c], 9)
