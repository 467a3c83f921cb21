"""Families of metrics: a name, a type, and the samples of all things that have it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

Number: TypeAlias = int | float

RABBITMQ: Final = "rabbitmq_"
DETAILED: Final = "rabbitmq_detailed_"
CLUSTER: Final = "rabbitmq_cluster_"
HAREMQ: Final = "haremq_"
HAREMQ_DETAILED: Final = "haremq_detailed_"
PLAIN: Final = ""
"""Prefixes of names: of the node, of chosen families, of what a cluster shares, of what RabbitMQ
does not count, of that in chosen families, of others."""

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
UNTYPED: Final = "untyped"
HISTOGRAM: Final = "histogram"
SUMMARY: Final = "summary"


class Family(NamedTuple):
    """What is shown of each thing.

    Attributes:
        name: behind the prefix.
        type: see above.
        help: one line.
        pick: returns the value of a thing; None is no sample.
    """

    name: str
    type: str
    help: str
    pick: Callable[[Any], Number | None]


Item: TypeAlias = tuple[str, Any]
"""A thing that has samples: its key, and what the values are picked from.

The key is what stands behind the name: labels in braces, or nothing; see ``text.labels``. There may
be a hundred thousand of them, and plain tuples of texts and numbers cost the collector nothing.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Families of the same things.

    Attributes:
        families: in the order in which they are shown.
        items: the things.
        prefix: of the names; None is that of the endpoint.
        key_of: returns the key of an item; None is its own.
    """

    families: Sequence[Family]
    items: Sequence[Item]
    prefix: str | None = None
    key_of: Callable[[Item], str] | None = None


def itself(value: Number) -> Number:
    """Return a thing that is its own value."""
    return value
