"""Users and their rights as JSON."""

from typing import Any

from amqp_server.broker.views import LimitsView, TopicPermissions, User, VhostPermissions


def user_body(user: User) -> dict[str, Any]:
    """Return a user; the hash of the password is shown to administrators only, who alone ask."""
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.hashing_algorithm,
        "tags": list(user.tags),
        "limits": dict(user.limits),
    }


def permissions_body(held: VhostPermissions) -> dict[str, Any]:
    """Return the rights of a user in a vhost."""
    return {
        "user": held.user,
        "vhost": held.vhost,
        "configure": held.configure,
        "write": held.write,
        "read": held.read,
    }


def routing_permissions_body(held: TopicPermissions) -> dict[str, Any]:
    """Return the rights of a user on the routing keys of an exchange."""
    return {
        "user": held.user,
        "vhost": held.vhost,
        "exchange": held.exchange,
        "write": held.write,
        "read": held.read,
    }


def limits_body(held: LimitsView, owner: str) -> dict[str, Any]:
    """Return the limits of a vhost or a user.

    Args:
        held: the limits.
        owner: ``vhost`` or ``user``.
    """
    return {owner: held.name, "value": dict(held.limits)}
