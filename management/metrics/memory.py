"""Where the memory of the node is, as far as it is known: in messages, or elsewhere."""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.views import QueueCounts
from management.metrics.family import GAUGE, Family, Group, itself

PARTS: Final = {
    "classic": "memory_classic_queue_erlang_process_bytes",
    "quorum": "memory_quorum_queue_erlang_process_bytes",
    "stream": "memory_stream_erlang_process_bytes",
}
OTHER: Final = "memory_other_system_bytes"


def memory_groups(queues: Mapping[str, QueueCounts], resident_bytes: int) -> list[Group]:
    """Return where the memory is.

    Args:
        queues: the numbers of queues, by their kind.
        resident_bytes: of the whole process; 0 is not known.
    """
    left = resident_bytes
    groups = []
    for kind, name in PARTS.items():
        known = min(queues[kind].memory_bytes if kind in queues else 0, left)
        left -= known
        groups.append(_gauge(name, f"Ready messages in memory, of queues of kind {kind}", known))
    groups.append(_gauge(OTHER, "All other memory of the process", left))
    return groups


def _gauge(name: str, text: str, value: int) -> Group:
    return Group((Family(name, GAUGE, text, itself),), (("", value),))
