"""Exchanges as JSON."""

from typing import Any

from amqp_server.broker.views import ExchangeView
from management.bodies.stats import with_details
from management.lists.ranges import Ranges
from management.samples import series
from management.samples.details import Looks, Numbers


def exchange_body(view: ExchangeView) -> dict[str, Any]:
    """Return an exchange without its numbers."""
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
    if view.seen is not None:
        body["deduplication"] = view.seen._asdict()
    return body


def exchange_numbers(
    view: ExchangeView, numbers: Numbers | None, looks: Looks, ranges: Ranges
) -> dict[str, Any]:
    """Return the numbers of an exchange.

    Args:
        view: of the exchange.
        numbers: of it over time; None as long as it was not looked at.
        looks: when exchanges were looked at.
        ranges: samples that the request asks for.
    """
    stats, now = series.EXCHANGE_STATS, series.of_exchange(view)
    return {"message_stats": with_details(numbers, stats, looks, ranges.msg_rates, now)}
