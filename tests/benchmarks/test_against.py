"""The cases of the comparison with another checkout do what they say, on a node of this one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from benchmarks.against import HERE, Node, node_of
from benchmarks.requests import CASES, Client

UNITS = {"new-key": 100, "spread": 1_000, "burst": 200}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with node_of(HERE, counts_instructions=False) as started:
        yield started


@pytest.mark.parametrize("name", CASES)
def test_each_round_of_a_case_is_carried_out_and_costs_something(name: str, node: Node) -> None:
    count = UNITS.get(name, 5)
    with ExitStack() as stack:
        prepared = CASES[name].prepare(Client(node.endpoint, stack))
        for number in range(2):
            assert node.cost_of(prepared(number * count, count)) > 0
