"""What an attack is: something prepared, and then done at once."""

import struct
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from benchmarks.bystander.client import Worst
from benchmarks.bystander.hasty import Hasty
from load_generator import wire
from load_generator.session import Endpoint

QUEUE: Final = "bystander.attacked"
"""The queue that most attacks need."""

_CHANNEL_CLOSE_OK: Final = b"\x00\x14\x00\x29"

ClientT = TypeVar("ClientT", bound=Hasty)

Prepare: TypeAlias = Callable[[Endpoint], Worst]
Strike: TypeAlias = Callable[[Endpoint, Worst], None]


class Attack(NamedTuple, Generic[ClientT]):
    """One attack of a client.

    Attributes:
        name: on the command line.
        title: in the table.
        prepare: makes the queues and messages that it needs; returns the client.
        strike: attacks, and returns when the broker has carried it out.
    """

    name: str
    title: str
    prepare: Callable[[Endpoint], ClientT]
    strike: Callable[[Endpoint, ClientT], None]


AnyAttack: TypeAlias = Attack[Any]
"""An attack by a client of whatever protocol."""


def pushes(make: Callable[[], Iterable[bytes]]) -> Strike:
    """Return an attack that writes these octets at once."""
    return lambda _endpoint, worst: worst.push(b"".join(make()))


def leave_channel(_endpoint: Endpoint, worst: Worst) -> None:
    """Close the channel, and wait until it is closed."""
    worst.write(wire.method(1, wire.CHANNEL_CLOSE, struct.pack(">HBHH", 200, 0, 0, 0)))
    worst.await_octets(_CHANNEL_CLOSE_OK)
