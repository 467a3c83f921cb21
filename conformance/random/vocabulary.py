"""What scripts are made of: names, keys, headers, and arguments that are taken or refused."""

from collections.abc import Mapping
from typing import Any

from conformance.fields import Typed
from conformance.random.script import NAME_MARK

CHANNELS = ("A1", "A2", "B1", "B2")
QUEUES = tuple(f"{NAME_MARK}q{number}" for number in range(1, 5))
EXCHANGES = tuple(f"{NAME_MARK}x{number}" for number in range(1, 4))
MISSING = f"{NAME_MARK}missing"
KEYS = ("a", "a.b", "a.b.c", "b", "")
PATTERNS = (*KEYS, "a.*", "#", "*.b", "a.#", "#.c")
TYPES = ("direct", "fanout", "topic", "headers")
HEADERS: tuple[Mapping[str, Any], ...] = ({}, {"h": 1}, {"h": "s"}, {"h": 1, "i": "s"})
DEATHS: tuple[Any, ...] = (
    "none",
    [],
    [{"queue": QUEUES[0], "reason": "rejected"}],
    [{"queue": QUEUES[0], "reason": "rejected", "count": Typed("l", 3), "exchange": ""}],
    [{"queue": QUEUES[1], "reason": "maxlen", "count": 2}, {"queue": QUEUES[0]}],
    [{"queue": QUEUES[0], "reason": "rejected"}, {"queue": QUEUES[0], "reason": "rejected"}],
)
"""Values of ``x-death`` that a client may send; some of them no broker would write."""

FAR_MS = 600_000
UNKNOWN_TAG = 4711

QUEUE_ARGUMENTS: tuple[Mapping[str, Any], ...] = (
    {},
    {"x-max-length": 0},
    {"x-max-length": 2},
    {"x-max-length": 2, "x-overflow": "reject-publish"},
    {"x-max-length": 2, "x-overflow": "reject-publish-dlx"},
    {"x-max-length-bytes": 6},
    {"x-message-ttl": 0},
    {"x-message-ttl": FAR_MS},
    {"x-expires": FAR_MS},
    {"x-max-priority": 3},
    {"x-max-priority": 3, "x-max-length": 2},
    {"x-single-active-consumer": True},
)
"""Arguments of classic queues; scripts add dead letter exchanges."""

QUORUM_ARGUMENTS: tuple[Mapping[str, Any], ...] = tuple(
    {"x-queue-type": "quorum", "x-delivery-limit": 20, **arguments}
    for arguments in (
        {},
        {"x-delivery-limit": 1},
        {"x-max-length": 2},
        {"x-max-length": 2, "x-overflow": "reject-publish"},
        {"x-single-active-consumer": True},
    )
)
"""Arguments of quorum queues. Without a delivery limit, HareMQ would apply its own."""

STRANGE_ARGUMENTS: tuple[Mapping[str, Any], ...] = (
    {"x-max-length": -1},
    {"x-max-length": "2"},
    {"x-message-ttl": -1},
    {"x-expires": 0},
    {"x-overflow": "burst"},
    {"x-max-priority": 256},
    {"x-dead-letter-routing-key": "a"},
    {"x-single-active-consumer": 1},
    {"x-queue-type": "wooden"},
)
"""Arguments that are refused."""
