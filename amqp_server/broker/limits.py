"""Limits on vhosts and users: how many connections, channels and queues they may have.

A negative or absent limit is no limit. Zero refuses everything.

Source: RabbitMQ, vhost-limits and user-limits; texts measured on 3.10.
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.access.rights import User
from amqp_server.broker.errors import NotAllowedError, PreconditionFailedError
from amqp_server.broker.terms import json_term, proplist

MAX_CONNECTIONS: Final = "max-connections"
MAX_QUEUES: Final = "max-queues"
MAX_CHANNELS: Final = "max-channels"

VHOST_LIMITS: Final = (MAX_CONNECTIONS, MAX_QUEUES)
USER_LIMITS: Final = (MAX_CONNECTIONS, MAX_CHANNELS)


class VhostLimits:
    """The limits of one vhost."""

    def __init__(self, limits: Mapping[str, object] | None = None) -> None:
        self._limits: dict[str, int] = {}
        self.replace(limits or {})

    def __bool__(self) -> bool:
        """Whether any limit was set."""
        return bool(self._limits)

    def replace(self, limits: Mapping[str, object]) -> None:
        """Put these limits in place of all that held.

        Raises:
            PreconditionFailedError: a key that is no vhost limit, or a value that is no integer.
        """
        self._limits = validated(limits, VHOST_LIMITS, "limits")

    def clear(self, name: str) -> bool:
        """Lift one limit; return whether it stood."""
        return self._limits.pop(name, None) is not None

    def as_dict(self) -> dict[str, int]:
        """Return the limits that were set, including those that mean no limit."""
        return dict(self._limits)

    def check_connection(self, vhost: str, username: str, connections_open: int) -> None:
        """Check that one more connection is allowed.

        Args:
            vhost: the one to open.
            username: of the user who opens it.
            connections_open: open connections in the vhost.

        Raises:
            NotAllowedError: the limit is reached (530).
        """
        limit = self._limits.get(MAX_CONNECTIONS, -1)
        if _is_reached(limit, connections_open):
            raise NotAllowedError(
                f"access to vhost '{vhost}' refused for user '{username}': "
                f"connection limit ({limit}) is reached"
            )

    def check_queue(self, vhost: str, queue_name: str, queues_declared: int) -> None:
        """Check that one more queue is allowed.

        Args:
            vhost: of the new queue.
            queue_name: of the new queue.
            queues_declared: queues in the vhost.

        Raises:
            PreconditionFailedError: the limit is reached (406).
        """
        limit = self._limits.get(MAX_QUEUES, -1)
        if _is_reached(limit, queues_declared):
            raise PreconditionFailedError(
                f"cannot declare queue '{queue_name}': "
                f"queue limit in vhost '{vhost}' ({limit}) is reached"
            )


def check_user_connection(user: User, connections_open: int) -> None:
    """Check that a user may open one more connection.

    Raises:
        NotAllowedError: ``connections_open`` of the user have reached it (530).
    """
    limit = user.limits.get(MAX_CONNECTIONS, -1)
    if _is_reached(limit, connections_open):
        raise NotAllowedError(
            f"connection refused for user '{user.name}': user connection limit ({limit}) is reached"
        )


def check_user_channel(user: User, channels_open: int) -> None:
    """Check that a user may open one more channel, over all its connections.

    Raises:
        NotAllowedError: ``channels_open`` of the user have reached it (530).
    """
    limit = user.limits.get(MAX_CHANNELS, -1)
    if _is_reached(limit, channels_open):
        raise NotAllowedError(
            f"number of channels opened for user '{user.name}' has reached the maximum allowed "
            f"user limit of ({limit})"
        )


def check_node_queue(queues_max: int, queue_name: str, queues_declared: int) -> None:
    """Check that the node may have one more queue, over all vhosts; 0 is no limit.

    Raises:
        PreconditionFailedError: the limit is reached (406).
    """
    if queues_max and queues_declared >= queues_max:
        raise PreconditionFailedError(
            f"cannot declare queue '{queue_name}': queue limit in cluster ({queues_max}) is reached"
        )


def check_node_vhost(vhosts_max: int, vhost: str, vhosts_created: int) -> None:
    """Check that the node may have one more vhost; 0 is no limit.

    Raises:
        PreconditionFailedError: the limit is reached.
    """
    if vhosts_max and vhosts_created >= vhosts_max:
        raise PreconditionFailedError(
            f"cannot create vhost '{vhost}': vhost limit of {vhosts_max} is reached"
        )


def validated(limits: Mapping[str, object], known: tuple[str, ...], place: str) -> dict[str, int]:
    """Return limits whose keys and values are right.

    Args:
        limits: as parsed from JSON.
        known: VHOST_LIMITS or USER_LIMITS.
        place: their name in RabbitMQ's text: ``limits`` or ``user-limits``.

    Raises:
        PreconditionFailedError: a key that is unknown, or a value that is no integer.
    """
    numbers: dict[str, int] = {}
    unknown: dict[str, object] = {}
    for key, value in limits.items():
        if key not in known:
            unknown[key] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            numbers[key] = value
        else:
            raise PreconditionFailedError(
                f"{key} should be a number, actually was {json_term(value)}"
            )
    if unknown:
        raise PreconditionFailedError(f"Unrecognised terms {proplist(unknown)} in {place}")
    return numbers


def _is_reached(limit: int, count: int) -> bool:
    return 0 <= limit <= count
