"""An account and the rights in a vhost, as values.

What they allow is decided by ``broker.access.users``; see there for what a pattern is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias

from amqp_server.broker.access.passwords import DEFAULT_ALGORITHM, SALT_BYTES, hash_password
from amqp_server.broker.errors import PreconditionFailedError

ResourceKind: TypeAlias = Literal["queue", "exchange"]

IMPERSONATOR: Final = "impersonator"


class Permission(Enum):
    """The three rights on a resource; the value is RabbitMQ's word in its error texts."""

    CONFIGURE = "configure"
    WRITE = "write"
    READ = "read"

    # Members are equal by identity, and Enum's own hash would cost a Python call.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class User:
    """One account.

    Attributes:
        password_hash: see ``passwords``; empty is no login by password.
        tags: management roles and free words, each once, in the order given.
        limits: ``max-connections`` and ``max-channels``; negative or absent is no limit.
    """

    name: str
    password_hash: str
    hashing_algorithm: str = DEFAULT_ALGORITHM
    tags: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VhostPermissions:
    """A user's rights in a vhost, as patterns; an empty pattern grants nothing."""

    user: str
    vhost: str
    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class TopicPermissions:
    """A user's rights on the routing keys of one exchange, as patterns.

    ``{username}``, ``{vhost}`` and ``{client_id}`` in a pattern stand for the connection's own.
    """

    user: str
    vhost: str
    exchange: str
    write: str
    read: str


class RightsJournal(Protocol):
    """Hears of every change before it is made; ``broker.definitions.journal`` implements it."""

    def save(self, definition: User | VhostPermissions | TopicPermissions) -> int:
        """Take down that this holds from now on.

        Raises:
            PreconditionFailedError: it is too large to be stored (406).
        """

    def forget(self, definition: User | VhostPermissions | TopicPermissions) -> int:
        """Take down that this holds no more."""


def new_user(
    name: str, password: str, random_bytes: Callable[[int], bytes], tags: Iterable[str] = ()
) -> User:
    """Return a user whose password is hashed with a fresh salt.

    Args:
        name: not empty.
        password: empty is no login by password.
        random_bytes: returns that many unpredictable octets (``secrets.token_bytes``).
        tags: management roles and free words.
    """
    stored = hash_password(password, random_bytes(SALT_BYTES)) if password else ""
    return User(name, stored, tags=tuple(dict.fromkeys(tags)))


def check_user_id(user: User, user_id: str) -> None:
    """Refuse a message whose ``user-id`` property names somebody else than its publisher.

    Raises:
        PreconditionFailedError: it does, and the user may not impersonate (406).

    Source: RabbitMQ, validated user-id; the tag ``impersonator`` lifts it.
    """
    if user_id != user.name and IMPERSONATOR not in user.tags:
        raise PreconditionFailedError(
            f"user_id property set to '{user_id}' but authenticated user was '{user.name}'"
        )
