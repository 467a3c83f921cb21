"""A journal that tells events of what it is told, and passes it on."""

from typing import Final

from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.journal import Journal
from amqp_server.broker.events import EventKind, Events
from queues.commits import CommitPoint

_WITH_EVENTS_OF_THEIR_OWN: Final = (
    BindingDefinition,
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)


class TellingJournal:
    """A ``Journal``: users, rights, policies, limits and parameters change by no other way."""

    def __init__(self, journal: Journal, events: Events) -> None:
        self._journal = journal
        self._events = events

    @property
    def safe_at(self) -> CommitPoint:
        """When all changes up to now are safe."""
        return self._journal.safe_at

    def save(self, definition: Definition) -> int:
        """Take down that this exists from now on; told just before it holds.

        Raises:
            PreconditionFailedError: it is too large to be stored (406).
        """
        lsn = self._journal.save(definition)
        if not isinstance(definition, _WITH_EVENTS_OF_THEIR_OWN):
            self._events.note(EventKind.DEFINITION_SAVED, definition=definition)
        return lsn

    def forget(self, definition: Definition) -> int:
        """Take down that this does not exist any more."""
        lsn = self._journal.forget(definition)
        if not isinstance(definition, _WITH_EVENTS_OF_THEIR_OWN):
            self._events.note(EventKind.DEFINITION_FORGOTTEN, definition=definition)
        return lsn

    def new_queue_id(self) -> int:
        """Return an id that no stored queue had before; 0 where queues are not stored."""
        return self._journal.new_queue_id()
