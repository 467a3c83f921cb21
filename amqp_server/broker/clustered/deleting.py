"""A queue that is deleted in the store: by a client, or by its leader because nobody uses it.

A leader that slept too long is none any more, and does not know it yet. It sees its links end, and
so the last consumer go. The consumers are with the next leader by then, and the queue must stay. So
a leader's delete compares who leads, in the same transaction.
"""

from amqp_server.broker.clustered.stored import StoredDefinitions
from cluster.definitions.inquiry import Inquiry
from cluster.definitions.references import References
from cluster.definitions.removing import Beside, NothingThere, Removed, removing
from cluster.metadata.port import Delete, Item, Operation, Put
from cluster.metadata.records import StoredGone, decode_queue_state, encode_gone


def deleting_queue(
    stored: StoredDefinitions,
    references: References,
    queue: tuple[str, str],
    queue_id: str,
    led_by: str,
) -> Inquiry[Removed | NothingThere]:
    """Delete a queue; its bindings end at the same moment.

    Args:
        stored: keys and values of definitions.
        references: what needs what.
        queue: its vhost and name.
        queue_id: of the queue; another one of its name stays. Empty is any.
        led_by: the node that deletes it because it is unused; a mirrored queue that another node
            leads, or nobody, stays. Empty: whoever leads.
    """
    key = stored.keys.queue_definition(*queue)

    def is_it(item: Item) -> bool:
        found = stored.definition_of(item.key, item.value)
        return not queue_id or (found is not None and found.queue_id == queue_id)

    def is_led(state: Item) -> bool:
        return decode_queue_state(state.value).state.leader == led_by

    def along(item: Item) -> tuple[Operation, ...]:
        return ended_with_queue(stored, item)

    beside = Beside(stored.keys.queue_state(*queue), is_led) if led_by else None
    return removing(references, key, along=along, is_meant=is_it, beside=beside)


def ended_with_queue(stored: StoredDefinitions, queue: Item) -> tuple[Operation, ...]:
    """Return what goes with a queue: its state, and a note that its data may go."""
    found = stored.definition_of(queue.key, queue.value)
    place = stored.keys.place_of(queue.key)
    assert found is not None, queue.key
    assert place is not None, queue.key
    vhost, name, _ = place.names
    gone = stored.keys.key("gone", found.queue_id)
    return Delete(stored.keys.queue_state(vhost, name)), Put(gone, encode_gone(StoredGone()))
