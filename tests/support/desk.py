"""Carries commands of management out by their names."""

from typing import Any, cast

from amqp_server.broker.admin import COMMANDS, Admin
from amqp_server.broker.steps import Steps, finish
from amqp_server.broker.views import Views
from tests.support.peer import Node

JOBS = {"vhost": "/", "name": "jobs"}
PLAIN: dict[str, Any] = {"username": None, "durable": True, "auto_delete": False, "arguments": {}}


class Desk:
    """A node, its views, and its commands."""

    def __init__(self, node: Node | None = None) -> None:
        self.node = node or Node()
        self.admin = Admin(self.node.broker)
        self.views = Views(self.node.broker)

    def do(self, what: str, /, **given: Any) -> Any:  # noqa: ANN401 -- each command has its own
        """Carry a command out, with all its steps."""
        command = COMMANDS[what]
        assert set(given) == set(command.needs), "the table says what it needs"
        steps = command.carry_out(self.admin, self.node.now_ms, **given)
        result = finish(cast("Steps[object]", steps))
        self.node.end_turns()
        return result
