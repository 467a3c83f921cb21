"""From RabbitMQ's JSON to a ``Document``: an item is taken, or left out with a line that says why.

Files of RabbitMQ 3.6 to 4.x are read: keys that a file does not have are defaults, keys that we
do not know are left alone, as there.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from amqp_server.broker.definitions.definition import Definition, Document, Placed
from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.readers import (
    KnownUser,
    RandomBytes,
    read_binding,
    read_exchange,
    read_global_parameter,
    read_parameter,
    read_permissions,
    read_policy,
    read_queue,
    read_topic_permissions,
    read_user,
    read_vhost,
)

_Reader: TypeAlias = Callable[[Item], Definition]


def _nobody(_name: str) -> None:
    return None


def parse_definitions(
    raw: object,
    random_bytes: RandomBytes,
    vhost: str | None = None,
    known_user: KnownUser = _nobody,
) -> Document:
    """Return what a parsed JSON document defines.

    Args:
        raw: the document, as ``json.loads`` returns it.
        random_bytes: unpredictable octets, for users that come with a plain password.
        vhost: of the items that name none (the export of one vhost); None is every item must.
        known_user: returns the user of a name that is there already, or None. Whose plain password
            is the one that he has keeps its hash, so that loading a file again changes nothing.

    Raises:
        DefinitionsError: the document is no object.
    """
    top = Item(raw, "definitions")
    sections: dict[str, _Reader] = {
        "users": partial(read_user, random_bytes=random_bytes, known_user=known_user),
        "vhosts": read_vhost,
        "permissions": partial(read_permissions, vhost=vhost),
        "topic_permissions": partial(read_topic_permissions, vhost=vhost),
        "global_parameters": read_global_parameter,
        "parameters": partial(read_parameter, vhost=vhost),
        "policies": partial(read_policy, vhost=vhost),
        "exchanges": partial(read_exchange, vhost=vhost),
        "queues": partial(read_queue, vhost=vhost),
        "bindings": partial(read_binding, vhost=vhost),
    }
    placed: list[Placed] = []
    left_out: list[str] = []
    for name, reader in sections.items():
        _read_section(top, name, reader, placed, left_out)
    return Document(tuple(placed), tuple(left_out), names_users=top.has_any("users"))


def _read_section(
    top: Item, name: str, reader: _Reader, placed: list[Placed], left_out: list[str]
) -> None:
    """Add what a section defines, and lines about the rest."""
    try:
        entries = top.entries(name)
    except DefinitionsError as error:
        left_out.append(str(error))
        return
    for path, raw in entries:
        try:
            item = Item(raw, path)
            definition = reader(item)
        except DefinitionsError as error:
            left_out.append(str(error))
        else:
            placed.append(Placed(path, definition))
            left_out += item.left_out
