"""Where everything is in the metadata store: its keys, below ``/mq/<cluster>/``.

A key is a kind and so many names, with ``/`` between. A name may hold any octets; all but letters,
digits and ``_ . - ~`` are escaped as in a URI, so that ``/`` parts names and nothing else does.
Names are text; octets that are no UTF-8 are in it as Python's ``surrogateescape`` has them.

    meta/feature_level                    which forms of records, frames and data all nodes write
    meta/secret_check                     what is derived from the secret that all nodes share
    meta/<what>                           other facts of the whole cluster
    ctl                                   who elects leaders; under a lease
    live/<node>                           a node that runs; under a lease
    member/<node>                         a node that belongs to the cluster, and its disk
    gone/<queue id>                       a queue that was deleted; its data may be thrown away
    vhost/<vhost>                         definitions, down to ``param``
    x/<vhost>/<exchange>
    b/<vhost>/<source>/<q or x>/<destination>/<properties key>
    user/<user>
    perm/<vhost>/<user>
    topic-perm/<vhost>/<user>/<exchange>
    policy/<vhost>/<policy>
    operator-policy/<vhost>/<policy>
    param/<vhost>/<component>/<name>
    global-param/<name>
    q/<vhost>/<queue>/def                 a queue as it was declared
    q/<vhost>/<queue>/st                  its leader, epoch and in-sync set
"""

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

NAMES_COUNT: Final = {
    "meta": 1,
    "ctl": 0,
    "live": 1,
    "member": 1,
    "gone": 1,
    "vhost": 1,
    "x": 2,
    "b": 5,
    "user": 1,
    "perm": 2,
    "topic-perm": 3,
    "policy": 2,
    "operator-policy": 2,
    "param": 3,
    "global-param": 1,
    "q": 3,
}
"""How many names follow each kind."""

DEFINITION: Final = "def"
STATE: Final = "st"

FEATURE_LEVEL: Final = "feature_level"
SECRET_CHECK: Final = "secret_check"  # noqa: S105 - the name of a key

NAMES_KEPT: Final = 4096
"""Names whose escaped form is kept: each change of a queue needs it some ten times on each node."""

_ROOT: Final = "/mq/"
_LANES: Final = "/mq-lanes/"


class Place(NamedTuple):
    """What a key is about: a kind of ``NAMES_COUNT``, and its names."""

    kind: str
    names: tuple[str, ...]


class KeySpace:
    """The keys of one cluster.

    Args:
        cluster: its name; several may share a store.
    """

    def __init__(self, cluster: str) -> None:
        self.prefix = f"{_ROOT}{_escaped(cluster)}/".encode()
        self._lanes = f"{_LANES}{_escaped(cluster)}/"

    def key(self, kind: str, *names: str) -> bytes:
        """Return a key.

        Raises:
            ValueError: there is no such kind, or it has another number of names.
        """
        if NAMES_COUNT.get(kind) != len(names):
            raise ValueError(f"expected a kind with its names, got {kind!r} with {len(names)}")
        return self.prefix + "/".join((kind, *map(_escaped, names))).encode()

    def prefix_of(self, kind: str, *names: str) -> bytes:
        """Return what all keys of a kind begin with, whose first names are these.

        Raises:
            ValueError: there is no such kind, or no name would be left open.
        """
        if len(names) >= NAMES_COUNT.get(kind, 0):
            raise ValueError(f"expected a kind and some of its names, got {kind!r}")
        return self.prefix + "".join(f"{each}/" for each in (kind, *map(_escaped, names))).encode()

    def lane(self, node: str, number: int) -> bytes:
        """Return a lane of a node, which is not below ``prefix``: nobody follows it."""
        return f"{self._lanes}{_escaped(node)}/{number}".encode()

    def queue_definition(self, vhost: str, queue: str) -> bytes:
        """Return where a queue is as it was declared."""
        return self.key("q", vhost, queue, DEFINITION)

    def queue_state(self, vhost: str, queue: str) -> bytes:
        """Return where leader, epoch and in-sync set of a queue are."""
        return self.key("q", vhost, queue, STATE)

    def place_of(self, key: bytes) -> Place | None:
        """Return what a key is about; None where this version would not write such a key."""
        if not key.startswith(self.prefix):
            return None
        kind, *names = key[len(self.prefix) :].split(b"/")
        place = Place(kind.decode("latin-1"), tuple(map(_unescaped, names)))
        if NAMES_COUNT.get(place.kind) != len(names) or self.key(*_flat(place)) != key:
            return None
        return place


def _flat(place: Place) -> tuple[str, ...]:
    return (place.kind, *place.names)


@lru_cache(maxsize=NAMES_KEPT)
def _escaped(name: str) -> str:
    return quote_from_bytes(name.encode("utf-8", "surrogateescape"), safe="")


@lru_cache(maxsize=NAMES_KEPT)
def _unescaped(name: bytes) -> str:
    return unquote_to_bytes(name).decode("utf-8", "surrogateescape")
