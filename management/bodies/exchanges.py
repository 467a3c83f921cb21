"""Exchanges as JSON."""

from typing import Any

from amqp_server.broker.views import ExchangeView


def exchange_body(view: ExchangeView) -> dict[str, Any]:
    """Return an exchange without its statistics."""
    body: dict[str, Any] = {
        "name": view.name,
        "vhost": view.vhost,
        "type": view.type,
        "durable": view.durable,
        "auto_delete": view.auto_delete,
        "internal": view.internal,
        "arguments": dict(view.arguments),
    }
    if view.policy is not None:
        body["policy"] = view.policy
    return body
