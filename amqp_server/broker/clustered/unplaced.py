"""Queues that the store has without leader and replicas: those of `haremq move-to-etcd`.

The move knows no node of the cluster. So whoever sweeps the definitions places them, as if they had
been declared then. A queue that is declared in a cluster has its state from the same transaction.
"""

from collections.abc import Callable

from amqp_server.broker.clustered.declaring import PlaceQueue
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import QueueDefinition
from cluster.definitions.inquiry import Inquiry, looking_up, transacting
from cluster.definitions.references import References
from cluster.metadata.keys import DEFINITION, KeySpace
from cluster.metadata.port import Absent, Done, Item, ModRevision, Put, Transaction
from cluster.metadata.records import encode_queue_state


def is_unplaced(keys: KeySpace, item: Item, copy: Callable[[bytes], Item | None]) -> bool:
    """Return whether something is the definition of a queue that lacks its state.

    Args:
        keys: of the cluster.
        item: any.
        copy: what this node has of a key.
    """
    if item.lease or not item.key.endswith(f"/{DEFINITION}".encode()):
        return False
    place = keys.place_of(item.key)
    if place is None or place.kind != "q":
        return False
    return copy(keys.queue_state(*place.names[:2])) is None


def placing(stored: StoredDefinitions, place: PlaceQueue, key: bytes) -> Inquiry[bool]:
    """Give a queue its first state unless it has one; return whether it got one now.

    Args:
        stored: keys and values of definitions.
        place: says on which nodes it is.
        key: of its definition.

    Raises:
        ValueError: no node may hold a replica now.
        NotFoundError: its vhost is not in the tables of this node (404).
    """
    known = stored.keys.place_of(key)
    assert known is not None, key
    state_key = stored.keys.queue_state(*known.names[:2])
    references = References(stored.keys)
    found = yield from looking_up((*references.needed_by(key), key, state_key))
    item = found[key]
    if item is None or found[state_key] is not None or not references.holds(item, found.get):
        return False
    read = stored.definition_of(item.key, item.value)
    assert read is not None, key
    assert isinstance(read.definition, QueueDefinition), key
    state = place(read.definition, read.queue_id) if read.queue_id else None
    if state is None:
        return False
    compared = (ModRevision(key, item.mod_revision), Absent(state_key))
    put = Put(state_key, encode_queue_state(state))
    answer = yield from transacting(Transaction(compared, (put,)))
    return isinstance(answer, Done)
