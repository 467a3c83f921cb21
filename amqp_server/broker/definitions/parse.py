"""From RabbitMQ's JSON to a ``Document``: an item is taken, or left out with a line that says why.

Files of RabbitMQ 3.6 to 4.x are read: keys that a file does not have are defaults, keys that we
do not know are left alone, as there.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from amqp_server.broker.definitions.document import Document, Placed
from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.row import KnownUser, RandomBytes, Reading, nobody
from amqp_server.broker.definitions.table import TABLE, DefinitionTable, Section
from amqp_server.broker.steps import Steps, finish


def parse_definitions(
    raw: object,
    random_bytes: RandomBytes,
    vhost: str | None = None,
    known_user: KnownUser = nobody,
    table: DefinitionTable = TABLE,
) -> Document:
    """Return the definitions of a parsed JSON document at once; see ``parsing``."""
    return finish(parsing(raw, random_bytes, vhost, known_user, table))


def parsing(
    raw: object,
    random_bytes: RandomBytes,
    vhost: str | None = None,
    known_user: KnownUser = nobody,
    table: DefinitionTable = TABLE,
) -> Steps[Document]:
    """Return the definitions of a parsed JSON document; each step reads one item.

    Args:
        raw: the document, as ``json.loads`` returns it.
        random_bytes: unpredictable octets, for users that come with a plain password.
        vhost: of the items that name none (the export of one vhost); None is every item must.
        known_user: returns the user of a name that is there already, or None. A user whose plain
            password is unchanged keeps the hash, so that loading a file again changes nothing.
        table: the kinds that there are.

    Raises:
        DefinitionsError: the document is no object.
    """
    top = Item(raw, "definitions")
    reading = Reading(random_bytes, vhost, known_user)
    placed: list[Placed] = []
    left_out: list[str] = []
    for section in table.sections:
        yield from _reading(top, section, reading, placed, left_out)
    return Document(tuple(placed), tuple(left_out), names_users=top.has_any("users"))


def _reading(
    top: Item, section: Section, reading: Reading, placed: list[Placed], left_out: list[str]
) -> Steps[None]:
    """Add the definitions of a section, and lines about the rest."""
    try:
        items = top.items(section.name)
    except DefinitionsError as error:
        left_out.append(str(error))
        return
    for path, raw in items:
        try:
            item = Item(raw, path)
            definition = section.row_of(item).read(item, reading)
        except DefinitionsError as error:
            left_out.append(str(error))
        else:
            placed.append(Placed(path, definition))
            left_out += item.left_out
        yield
