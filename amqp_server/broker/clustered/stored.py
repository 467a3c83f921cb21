"""Definitions as they are in the metadata store: the rows of ``definitions.table``, by its keys.

    /mq/<cluster>/q/<vhost>/<queue>/def   {"v": 1, "id": 0, ..., "qid": "..."}

A value is what the journal of a single node has for it, with two fields more: ``durable`` where it
is false, as things that are not durable are here too, and ``qid``, which tells a queue from another
one that had its name before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from amqp_server.broker.definitions.definition import (
    Definition,
    ExchangeDefinition,
    QueueDefinition,
)
from amqp_server.broker.definitions.fields import Fields, flag, text
from amqp_server.broker.definitions.records import Key, RecordError, read_value, value_with
from amqp_server.broker.definitions.table import TABLE, AnyRow, DefinitionTable
from cluster.metadata.keys import DEFINITION, KeySpace, Place

_KINDS: Final[Mapping[str, str]] = {
    "user": "user",
    "vhost": "vhost",
    "permissions": "perm",
    "topic permissions": "topic-perm",
    "global parameter": "global-param",
    "parameter": "param",
    "operator policy": "operator-policy",
    "policy": "policy",
    "exchange": "x",
}
"""Kinds of keys by the words of rows, where the names are the same."""

_WORDS: Final[Mapping[str, str]] = {kind: word for word, kind in _KINDS.items()}
_LIMITS: Final = ("vhost-limits", "limits")
"""Component and name of the parameter that the limits of a vhost are."""

_DESTINATIONS: Final[Mapping[str, str]] = {"queue": "q", "exchange": "x"}
_DESTINATION_WORDS: Final[Mapping[str, str]] = {"q": "queue", "x": "exchange"}
_BEFORE_DIGEST: Final = "~"
"""Between routing key and digest; no digest has it, so the last one in a name is the one."""


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    """A definition, and which queue of its name it is; empty for what is no queue."""

    definition: Definition
    queue_id: str = ""


class StoredDefinitions:
    """Keys and values of definitions.

    Args:
        keys: of the cluster.
        table: the kinds that there are.
    """

    def __init__(self, keys: KeySpace, table: DefinitionTable = TABLE) -> None:
        self.keys = keys
        self._table = table

    def key_of(self, definition: Definition) -> bytes:
        """Return where a definition is."""
        word, *names = self._table.key_of(definition)
        match word:
            case "queue":
                return self.keys.queue_definition(*names)
            case "vhost limits":
                return self.keys.key("param", *names, *_LIMITS)
            case "binding":
                vhost, source, to, destination, routing_key, digest = names
                last = routing_key + _BEFORE_DIGEST + digest
                return self.keys.key("b", vhost, source, _DESTINATIONS[to], destination, last)
            case _:
                return self.keys.key(_KINDS[word], *names)

    def value_of(self, definition: Definition, queue_id: str = "") -> bytes:
        """Return what is stored of a definition beside its key."""
        fields: dict[str, object] = dict(self._table.row_of(definition).encode(definition))
        if isinstance(definition, QueueDefinition | ExchangeDefinition) and not definition.durable:
            fields["durable"] = False
        if queue_id:
            fields["qid"] = queue_id
        return value_with(fields)

    def definition_of(self, key: bytes, value: bytes) -> StoredDefinition | None:
        """Return what was stored; None where the key is of something else than a definition.

        Raises:
            RecordError: this version cannot read it; the text says why.
        """
        place = self.keys.place_of(key)
        if place is None:
            return None
        stored_key = _key_at(place)
        if stored_key is None:
            return None
        row = self._table.row_of_word(stored_key[0])
        return read_value(value, lambda fields: _read(row, stored_key[1:], fields))


def _key_at(place: Place) -> Key | None:
    """Return the key that the journal has for what is at a place."""
    kind, names = place
    if kind == "q":
        return ("queue", *names[:2]) if names[2] == DEFINITION else None
    if kind == "param" and names[1:] == _LIMITS:
        return ("vhost limits", names[0])
    if kind == "b":
        vhost, source, to, destination, last = names
        routing_key, between, digest = last.rpartition(_BEFORE_DIGEST)
        if to not in _DESTINATION_WORDS or not between:
            raise RecordError("it is the key of no binding")
        return ("binding", vhost, source, _DESTINATION_WORDS[to], destination, routing_key, digest)
    word = _WORDS.get(kind)
    return None if word is None else (word, *names)


def _read(row: AnyRow, names: Key, fields: Fields) -> StoredDefinition:
    definition = row.decode(names, fields)
    if not flag(fields.get("durable", True)):
        definition = replace(definition, durable=False)
    return StoredDefinition(definition, text(fields.get("qid", "")))
