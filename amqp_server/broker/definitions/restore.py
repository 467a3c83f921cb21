"""Stored definitions back into a broker, at start.

This uses the same functions as clients and files, in the order of ``definitions.apply``, with the
journal muted. A definition that cannot be applied any more is left out, reported, and stays stored.
A later version may be able to apply it, and the messages of such a queue must be kept.

Source: RabbitMQ, rabbit_vhost:recover; expiry of an unused queue begins anew at a start, there too.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from amqp_server.broker.arguments.declare import validate_queue
from amqp_server.broker.arguments.options import queue_options
from amqp_server.broker.arguments.rules import MAX_PRIORITY, QUEUE_TYPE
from amqp_server.broker.definitions.apply import applying_each
from amqp_server.broker.definitions.definition import (
    Definition,
    ExchangeDefinition,
    QueueDefinition,
)
from amqp_server.broker.definitions.journal import StoredJournal
from amqp_server.broker.definitions.records import (
    QUEUE_IDS_KEY,
    Key,
    RecordError,
    read_queue_ids_end,
)
from amqp_server.broker.definitions.row import Applying
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import BrokerError
from amqp_server.wire.tables import INTEGER_KINDS, longstr
from exchanges.delayed_message import TYPE as DELAYED
from queues.delayed.waiting import WAITING_OPTIONS
from queues.kinds import DEFAULT_KIND, KINDS, QueueKind
from queues.options import QueueOptions

_KEEPING_KEYS: Final[frozenset[Key]] = frozenset({(), ("queue",), ("exchange",)})
"""The first words of keys of what may have messages on the disk."""


class Skipped(NamedTuple):
    """A stored definition that was left out; the reason is a sentence's end."""

    key: Key
    reason: str

    def __str__(self) -> str:
        kind, *names = self.key or ("definition without a key",)
        return f"{kind} {names}: {self.reason}"


class Stored(NamedTuple):
    """What is stored, as far as this version can read it.

    Attributes:
        definitions: with their keys.
        unreadable: the others.
        queue_ids_end: above every id that a queue has, or may have had.
    """

    definitions: tuple[tuple[Key, Definition], ...]
    unreadable: tuple[Skipped, ...]
    queue_ids_end: int

    @property
    def queues(self) -> dict[int, QueueDefinition | ExchangeDefinition]:
        """The stored queues by id, and exchanges that keep: those whose messages must be kept."""
        return {
            definition.queue_id: definition
            for _, definition in self.definitions
            if isinstance(definition, QueueDefinition | ExchangeDefinition) and definition.queue_id
        }

    @property
    def queue_kinds(self) -> dict[int, tuple[QueueKind, QueueOptions]]:
        """Kind and options of the stored queues by their arguments alone, by id.

        Policies come later.
        """
        return {queue_id: _kind_of(queue) for queue_id, queue in self.queues.items()}

    @property
    def knows_every_queue(self) -> bool:
        """Whether messages of a queue that is not in ``queues`` have no owner."""
        return not any(each.key[:1] in _KEEPING_KEYS for each in self.unreadable)


class Restored(NamedTuple):
    """The result of restoring the definitions.

    Attributes:
        applied_count: how many are there again.
        skipped: the others, unreadable ones too.
    """

    applied_count: int
    skipped: tuple[Skipped, ...]


def read_stored(items: Iterable[tuple[Key, bytes]], table: DefinitionTable = TABLE) -> Stored:
    """Return what keys and values of the store stand for."""
    definitions: list[tuple[Key, Definition]] = []
    unreadable: list[Skipped] = []
    queue_ids_end = 1
    for key, value in items:
        try:
            if key == QUEUE_IDS_KEY:
                queue_ids_end = max(queue_ids_end, read_queue_ids_end(value))
                continue
            definition = table.definition_of(key, value)
        except RecordError as error:
            unreadable.append(Skipped(key, str(error)))
            continue
        definitions.append((key, definition))
        if isinstance(definition, QueueDefinition | ExchangeDefinition):
            queue_ids_end = max(queue_ids_end, definition.queue_id + 1)
    return Stored(tuple(definitions), tuple(unreadable), queue_ids_end)


def restore(
    broker: BrokerTarget,
    journal: StoredJournal,
    stored: Stored,
    now_ms: int,
    table: DefinitionTable = TABLE,
) -> Restored:
    """Apply what is stored to a broker that has nothing yet.

    Args:
        broker: made with this journal, as its users are.
        journal: gives ids to queues above all that are stored, from now on.
        stored: what is to come back.
        now_ms: the time.
        table: the kinds that there are.
    """
    by_word: dict[str, list[tuple[Key, Definition]]] = {row.word: [] for row in table.rows}
    for key, definition in stored.definitions:
        by_word[key[0]].append((key, definition))
    ordered = [each for held in by_word.values() for each in held]
    journal.skip_queue_ids(stored.queue_ids_end)
    how = Applying(now_ms, is_restored=True)
    with journal.muted():
        steps = applying_each(broker, [each for _, each in ordered], how, table)
        refusals = [each for each in steps if each is not None]
    skipped = [Skipped(ordered[each.number][0], each.reason) for each in refusals]
    return Restored(len(ordered) - len(refusals), (*stored.unreadable, *skipped))


def _kind_of(queue: QueueDefinition | ExchangeDefinition) -> tuple[QueueKind, QueueOptions]:
    if isinstance(queue, ExchangeDefinition):
        # Messages that wait, or the keys of one that deduplicates.
        is_delaying = queue.exchange_type == DELAYED
        return DEFAULT_KIND, WAITING_OPTIONS if is_delaying else QueueOptions()
    arguments = queue.arguments
    try:
        kind = validate_queue(
            queue.name,
            queue.vhost,
            arguments,
            durable=True,
            exclusive=False,
            auto_delete=queue.auto_delete,
        )
    except BrokerError:
        # Definitions that this version cannot read are left out; the messages are kept.
        bands = {key: arguments[key] for key in arguments.keys() & {MAX_PRIORITY}}
        kept = {key: field for key, field in bands.items() if field.kind in INTEGER_KINDS}
        named = [kind for kind in KINDS.values() if arguments.get(QUEUE_TYPE) == longstr(kind.name)]
        kind = named[0] if named else DEFAULT_KIND
        return kind, queue_options(kind, kept, {})
    return kind, queue_options(kind, arguments, {})
