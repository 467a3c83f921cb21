"""A row of the table of definitions: everything about one kind of them.

a file ── read ──▶ value ── missing, apply ──▶ broker ── held ──▶ value ── show ──▶ a file
the store ── decode ──▶ value                                     value ── encode ──▶ the store
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from amqp_server.broker.access.rights import User
from amqp_server.broker.definitions.fields import Fields
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.steps import Steps

Names: TypeAlias = tuple[str, ...]
"""What is stored of a definition in its key, behind the word of its kind."""

RandomBytes: TypeAlias = Callable[[int], bytes]
KnownUser: TypeAlias = Callable[[str], User | None]

_Value = TypeVar("_Value")


def nobody(_name: str) -> None:
    """Return that there is no user of this name."""
    return


@dataclass(frozen=True, slots=True)
class Reading:
    """How a definitions file is read.

    Attributes:
        random_bytes: unpredictable octets, for users that come with a plain password.
        vhost: of the items that name none (the export of one vhost); None is every item must.
        known_user: returns the user of a name that is there already, or None.
    """

    random_bytes: RandomBytes
    vhost: str | None = None
    known_user: KnownUser = nobody

    def vhost_of(self, item: Item) -> str:
        """Return the vhost that an item is in."""
        return item.name("vhost", self.vhost)


@dataclass(slots=True)
class Applying:
    """How definitions are applied, and what there is to do after them.

    Attributes:
        now_ms: the time.
        is_restored: they were there before a restart: ids and arguments are what they were, and a
            limit that was lowered since does not hold.
        changed_vhosts: where policies changed that do not hold yet for what is there.
    """

    now_ms: int
    is_restored: bool = False
    changed_vhosts: dict[str, None] = field(default_factory=dict)


class Row(Protocol[_Value]):
    """One kind of definition. ``definitions.table`` says which there are, and in which order."""

    @property
    def word(self) -> str:
        """What the keys of the store begin with; never another kind's."""

    @property
    def value_type(self) -> type[_Value]:
        """The class of its values; never another kind's."""

    @property
    def section(self) -> str:
        """The list of a definitions file that it is in."""

    @property
    def component(self) -> str | None:
        """Which items of that list it takes, where kinds share one.

        Those that name this ``component``; None are all that no other row takes.
        """

    @property
    def obeys_policies(self) -> bool:
        """Whether policies apply to it, which must hold for all that is there when it comes."""

    # -- the store --

    def names(self, value: _Value) -> Names:
        """Return the names that identify it."""

    def encode(self, value: _Value) -> Fields:
        """Return its stored value, without its names."""

    def decode(self, names: Names, fields: Fields) -> _Value:
        """Return what was stored.

        Raises:
            KeyError, TypeError, ValueError, MethodSyntaxError: this version cannot read it.
        """

    # -- a definitions file --

    def read(self, item: Item, reading: Reading) -> _Value:
        """Return what an item of the file defines, checked in itself.

        Raises:
            DefinitionsError: it cannot be taken.
        """

    def show(self, value: _Value) -> dict[str, object]:
        """Return the item of the file that ``read`` takes."""

    def missing(self, place: Place, value: _Value) -> str | None:
        """Say what it refers to and is not there, behind its path; None can be applied.

        What can be applied is noted in the place, for what refers to it.

        Raises:
            BrokerError, ExchangeError: it cannot be applied, for this reason.
        """

    # -- a broker --

    def apply(self, broker: BrokerTarget, value: _Value, applying: Applying) -> None:
        """Have it exist; from a file, what exists already stays, or is replaced, as in RabbitMQ.

        Raises:
            BrokerError, ExchangeError: the broker refuses it.
        """

    def remove(self, broker: BrokerTarget, value: _Value, now_ms: int) -> Steps[object]:
        """Remove it, with everything that depends on it; nothing happens if there is none.

        Raises:
            BrokerError: the broker refuses it.
        """

    def held(self, broker: BrokerTarget) -> Iterable[_Value]:
        """Return all that the broker has, without those of a connection and predeclared ones."""
