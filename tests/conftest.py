"""A broker in memory and a client of it, for the tests of everything that a client reaches."""

import pytest

from tests.support.peer import Client, Node


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> Client:
    """A client that has declared the queue ``jobs``."""
    client = node.open()
    client.declare()
    return client
