"""A broker in memory and a client of it, for the tests of everything that a client reaches."""

import os
from pathlib import Path

import hypothesis.internal.conjecture.optimiser  # noqa: F401 (see below)
import pytest
from hypothesis import HealthCheck, settings

from tests.support.peer import Client, Node
from tests.support.ports import free_port

# No test fails because a machine is busy: neither an example nor its making has a time limit.
settings.register_profile("haremq", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("haremq")

# hypothesis imports its optimiser in the middle of a test. CPython 3.11 cannot always parse a
# module there: where the garbage collector runs Python code meanwhile, "AST constructor recursion
# depth mismatch" ends the test.


LONG = ("jepsen", "proving", "migrating", "simulation", "clustering", "crash", "clients", "web")
"""Folders of tests that take long, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several workers an epmd of its own: it ends with a worker's RabbitMQ."""
    if hasattr(config, "workerinput"):
        os.environ["ERL_EPMD_PORT"] = str(free_port())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers run the tests, begin with what takes long: none ends far behind."""
    if hasattr(config, "workerinput"):
        tests = Path(__file__).parent
        ranks = {folder: rank for rank, folder in enumerate(LONG)}
        items.sort(key=lambda item: ranks.get(item.path.relative_to(tests).parts[0], len(LONG)))


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> Client:
    """A client that has declared the queue ``jobs``."""
    client = node.open()
    client.declare()
    return client
