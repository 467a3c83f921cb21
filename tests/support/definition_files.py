"""Definitions files into a broker, and what is there afterwards."""

import json
from pathlib import Path
from typing import Any

from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import apply_definitions
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.queue import Queue

FOLDER = Path(__file__).parents[1] / "broker" / "definitions"
NOW_MS = 5_000


def zeros(size_bytes: int) -> bytes:
    return bytes(size_bytes)


def export(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def apply(broker: Broker, raw: object, vhost: str | None = None) -> tuple[str, ...]:
    """Return what was left out."""
    return apply_definitions(broker, parse_definitions(raw, zeros, vhost), NOW_MS)


def queue_of(broker: Broker, name: str, vhost: str = "/") -> Queue:
    queue = broker.vhost(vhost).queues.find(name)
    assert queue is not None, f"queue {name}"
    return queue


def route(broker: Broker, exchange: str, key: str, vhost: str = "/", **headers: object) -> set[str]:
    return set(broker.vhost(vhost).router.route(exchange, (key,), headers or None).queue_names)


def everything_of(broker: Broker) -> dict[str, object]:
    """Return all that definitions can change, in a form that compares."""
    vhosts = list(broker.vhosts())
    return {
        "users": list(broker.users.list()),
        "permissions": list(broker.users.permissions()),
        "topic permissions": list(broker.users.topic_permissions()),
        "parameters": dict(broker.parameters),
        "global parameters": dict(broker.global_parameters),
        "vhosts": [
            (held.name, held.description, held.tags, held.default_queue_kind) for held in vhosts
        ],
        "limits": [held.limits.as_dict() for held in vhosts],
        "policies": [
            [*held.policies.list(), *held.policies.list(operator=True)] for held in vhosts
        ],
        "exchanges": [
            (name, held.exchanges.properties_of(name))
            for held in vhosts
            for name in held.router.exchanges
        ],
        "queues": [
            (queue.name, queue.properties, queue.engine.options)
            for held in vhosts
            for queue in held.queues
        ],
        "bindings": [set(held.router.bindings) for held in vhosts],
    }
