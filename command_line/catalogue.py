"""All commands on a running node by name: where they are, and a line on each.

The help of the program is written from here, so that it loads none of them.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

OBJECTS: Final = "What a node has"
MESSAGES: Final = "Messages"
NODE: Final = "How a node is"
TOOLS: Final = "More"


class Row(NamedTuple):
    """A command.

    Attributes:
        section: of the help.
        place: ``module:attribute``.
        text: a line on what it does.
    """

    section: str
    place: str
    text: str


_IN: Final = "command_line.commands"

COMMANDS: Final[Mapping[str, Row]] = {
    "status": Row(NODE, f"{_IN}.node:status", "What it is, holds and uses."),
    "health": Row(NODE, f"{_IN}.node:health", "Whether it is well."),
    "top": Row(NODE, f"{_IN}.top:top", "Its rates and busiest queues, live."),
    "ping": Row(NODE, f"{_IN}.node:ping", "Whether it answers."),
    "check": Row(NODE, f"{_IN}.node:check", "One health check, for probes."),
    "whoami": Row(NODE, f"{_IN}.node:whoami", "As whom you are logged in."),
    "attention": Row(NODE, f"{_IN}.explain:attention", "What needs a hand."),
    "logs": Row(NODE, f"{_IN}.logs:logs", "Its log, also live."),
    "cluster": Row(
        NODE, f"{_IN}.cluster:cluster", "status, in-danger, rebalance, upgrade-check, finalize."
    ),
    "nodes": Row(NODE, f"{_IN}.cluster:nodes", "list, drain, undrain, forget."),
    "queues": Row(
        OBJECTS, f"{_IN}.queues:queues", "list, show, declare, delete, purge, peek, tail, move."
    ),
    "streams": Row(
        OBJECTS, f"{_IN}.streams:streams", "info, read, consumers, publishers, declare-super."
    ),
    "exchanges": Row(OBJECTS, f"{_IN}.exchanges:exchanges", "list, show, declare, delete, tail."),
    "bindings": Row(OBJECTS, f"{_IN}.exchanges:bindings", "list, declare, delete."),
    "connections": Row(OBJECTS, f"{_IN}.connections:connections", "list, show, close."),
    "channels": Row(OBJECTS, f"{_IN}.connections:channels", "list, show."),
    "consumers": Row(OBJECTS, f"{_IN}.connections:consumers", "list, cancel."),
    "vhosts": Row(OBJECTS, f"{_IN}.vhosts:vhosts", "list, show, declare, delete."),
    "users": Row(
        OBJECTS, f"{_IN}.users:users", "list, show, declare, delete, set-password, set-tags."
    ),
    "permissions": Row(OBJECTS, f"{_IN}.users:permissions", "list, declare, delete."),
    "topic-permissions": Row(OBJECTS, f"{_IN}.users:topic_permissions", "list, declare, delete."),
    "policies": Row(OBJECTS, f"{_IN}.policies:policies", "list, show, declare, delete."),
    "operator-policies": Row(
        OBJECTS, f"{_IN}.policies:operator_policies", "list, show, declare, delete."
    ),
    "parameters": Row(OBJECTS, f"{_IN}.policies:parameters", "list, declare, delete."),
    "global-parameters": Row(
        OBJECTS, f"{_IN}.policies:global_parameters", "list, declare, delete."
    ),
    "limits": Row(OBJECTS, f"{_IN}.vhosts:limits", "list, declare, delete."),
    "federation": Row(
        OBJECTS, f"{_IN}.federation:federation", "list, restart, upstreams, declare, delete."
    ),
    "jobs": Row(OBJECTS, f"{_IN}.jobs:jobs", "list, show, cancel."),
    "definitions": Row(OBJECTS, f"{_IN}.definitions:definitions", "export, import."),
    "publish": Row(MESSAGES, f"{_IN}.messages:publish", "A message in."),
    "get": Row(MESSAGES, f"{_IN}.messages:get", "Messages out, as a client gets them."),
    "explain": Row(MESSAGES, f"{_IN}.explain:explain", "Why a queue moves or does not."),
    "route": Row(MESSAGES, f"{_IN}.explain:route", "Where a message would go."),
    "as": Row(TOOLS, "command_line.lookalike.command:as_tool", "RabbitMQ's own tools, by name."),
    "completion": Row(TOOLS, f"{_IN}.completion:completion", "Completion for a shell."),
}

ALIASES: Final[Mapping[str, str]] = {
    "node": "nodes",
    "queue": "queues",
    "exchange": "exchanges",
    "binding": "bindings",
    "connection": "connections",
    "channel": "channels",
    "consumer": "consumers",
    "vhost": "vhosts",
    "user": "users",
    "permission": "permissions",
    "topic-permission": "topic-permissions",
    "policy": "policies",
    "operator-policy": "operator-policies",
    "parameter": "parameters",
    "global-parameter": "global-parameters",
    "limit": "limits",
    "stream": "streams",
    "job": "jobs",
}
"""One of a thing may be typed, too."""
