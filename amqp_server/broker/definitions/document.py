"""The content of a definitions file, read and not applied yet.

The items of a ``Document`` are valid in themselves: every name, type, pattern and argument was
checked when it was parsed. Applying only adds. Things that exist stay as they are, and nothing is
deleted.

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
    """The content of a definitions file.

    Attributes:
        placed: items that can be applied, in order.
        left_out: a line for each other item, the path in front.
        names_users: whether it has users, even ones that were left out.
    """

    placed: tuple[Placed, ...] = ()
    left_out: tuple[str, ...] = ()
    names_users: bool = False

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The definitions that can be applied."""
        return tuple([item.definition for item in self.placed])

    def of(self, value_type: type[_Value]) -> tuple[_Value, ...]:
        """Return the definitions of one kind that can be applied."""
        found = self.definitions
        return tuple([each for each in found if isinstance(each, value_type)])
