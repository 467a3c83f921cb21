"""From definitions to the JSON that RabbitMQ's users keep, diff and load elsewhere.

Source: RabbitMQ 3.13, the shape of ``GET /api/definitions``.
"""

from collections.abc import Iterable

from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.table import TABLE, DefinitionTable


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
    sections: dict[str, list[object]] = {section.name: [] for section in table.sections}
    for definition in definitions:
        row = table.row_of(definition)
        sections[row.section].append(row.show(definition))
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
