"""RabbitMQ's tools, typed on a node in memory."""

import pytest

from tests.support.typed_commands import Tool, Typed


@pytest.fixture
def tool(typed: Typed) -> Tool:
    return Tool(typed)
