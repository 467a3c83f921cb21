"""From definitions to the JSON that RabbitMQ's users keep, diff and load elsewhere.

Source: RabbitMQ 3.13, the shape of ``GET /api/definitions`` and ``GET /api/definitions/{vhost}``.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.steps import Steps, finish

SHOWN_PER_STEP: Final = 100

_OF_A_VHOST: Final = ("parameters", "policies", "queues", "exchanges", "bindings")
"""The lists that the export of one vhost has."""

_Sections = dict[str, list[object]]


def export_definitions(
    definitions: Iterable[Definition],
    product: str,
    version: str,
    cluster_name: str,
    table: DefinitionTable = TABLE,
) -> dict[str, object]:
    """Return a document that ``json.dumps`` takes and ``parse_definitions`` reads back.

    Args:
        definitions: what to export, as ``DefinitionTable.held`` returns it of a broker.
        product: that we announce, ``RabbitMQ`` unless configured otherwise.
        version: that we announce; tools look at it.
        cluster_name: where it came from.
        table: the kinds that there are.
    """
    sections = finish(_showing(definitions, table))
    return _of_cluster(sections, product, version, cluster_name)


def exporting(
    broker: BrokerTarget, product: str, version: str, cluster_name: str
) -> Steps[dict[str, object]]:
    """Return everything that a broker has, in steps; see ``export_definitions``."""
    sections = yield from _showing(TABLE.held(broker), TABLE)
    return _of_cluster(sections, product, version, cluster_name)


def exporting_vhost(
    broker: BrokerTarget, vhost: str, product: str, version: str
) -> Steps[dict[str, object]]:
    """Return what one vhost has, in steps; its items name no vhost."""
    definition = broker.vhost(vhost).definition
    limits = broker.vhost(vhost).limits.as_dict()
    sections = yield from _showing(TABLE.held(broker), TABLE, vhost)
    shown = TABLE.row_of(definition).show(definition)
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": product,
        "product_version": version,
        "rabbitmq_definition_format": "single_virtual_host",
        "original_vhost_name": vhost,
        "explanation": f"Definitions of virtual host '{vhost}'",
        "description": definition.description,
        "metadata": shown.get("metadata", {}),
        "limits": limits,
        **{name: _without_vhost(sections[name]) for name in _OF_A_VHOST},
    }


def _showing(
    definitions: Iterable[Definition], table: DefinitionTable, vhost: str | None = None
) -> Steps[_Sections]:
    """Show definitions, or only those of one vhost."""
    sections: _Sections = {section.name: [] for section in table.sections}
    for count, definition in enumerate(definitions, start=1):
        if vhost is None or getattr(definition, "vhost", None) == vhost:
            row = table.row_of(definition)
            sections[row.section].append(row.show(definition))
        if not count % SHOWN_PER_STEP:
            yield
    return sections


def _of_cluster(
    sections: _Sections, product: str, version: str, cluster_name: str
) -> dict[str, object]:
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": product,
        "product_version": version,
        "rabbitmq_definition_format": "cluster",
        "original_cluster_name": cluster_name,
        "explanation": f"Definitions of cluster '{cluster_name}'",
        **sections,
    }


def _without_vhost(items: list[object]) -> list[object]:
    for item in items:
        if isinstance(item, dict):
            item.pop("vhost", None)
    return items
