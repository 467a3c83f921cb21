"""The journal that tells: it passes all on, and tells of what has no event of its own."""

from amqp_server.broker.definitions.definition import GlobalParameterDefinition, VhostDefinition
from amqp_server.broker.definitions.journal import NO_JOURNAL
from amqp_server.broker.events import Event, Events
from amqp_server.broker.telling_journal import TellingJournal


def test_what_has_an_event_of_its_own_is_not_told_again() -> None:
    events, told = Events(), list[Event]()
    events.subscribe(told.append)
    journal = TellingJournal(NO_JOURNAL, events)
    parameter = GlobalParameterDefinition("cluster_name", "hare")
    assert journal.save(VhostDefinition("/")) == 0
    assert (journal.save(parameter), journal.forget(parameter)) == (0, 0)
    assert [event.definition for event in told] == [parameter, parameter]
    assert journal.safe_at == NO_JOURNAL.safe_at
    assert journal.new_queue_id() == NO_JOURNAL.new_queue_id()
