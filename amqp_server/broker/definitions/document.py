"""What a definitions file holds, read and not applied yet.

What a ``Document`` has placed is right in itself: every name, type, pattern and argument was
checked when it was parsed. Applying adds: what exists already stays as it is, nothing is deleted.

Source: RabbitMQ, rabbit_definitions.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from amqp_server.broker.definitions.definition import Definition

_Value = TypeVar("_Value")


class Placed(NamedTuple):
    """A definition, and the path of where it stands in its file."""

    path: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class Document:
    """What a definitions file holds.

    Attributes:
        placed: what can be applied, in the order in which it is.
        left_out: what cannot, a line each, the path in front.
        names_users: whether it has users, be they left out.
    """

    placed: tuple[Placed, ...] = ()
    left_out: tuple[str, ...] = ()
    names_users: bool = False

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """What can be applied."""
        return tuple([item.definition for item in self.placed])

    def of(self, value_type: type[_Value]) -> tuple[_Value, ...]:
        """Return what can be applied of one kind."""
        found = self.definitions
        return tuple([each for each in found if isinstance(each, value_type)])
