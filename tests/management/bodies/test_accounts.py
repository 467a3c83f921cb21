"""Users and their rights as JSON."""

from amqp_server.broker.views import LimitsView, TopicPermissions, User, VhostPermissions
from management.bodies.accounts import (
    limits_body,
    permissions_body,
    routing_permissions_body,
    user_body,
)


def test_accounts() -> None:
    user = User("eve", "hash", tags=("b", "a"), limits={"max-channels": 1})
    assert user_body(user) == {
        "name": "eve",
        "password_hash": "hash",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["b", "a"],
        "limits": {"max-channels": 1},
    }
    assert list(permissions_body(VhostPermissions("eve", "/", "c", "w", "r")).values()) == [
        "eve",
        "/",
        "c",
        "w",
        "r",
    ]
    assert list(routing_permissions_body(TopicPermissions("eve", "/", "x", "w", "r")).values()) == [
        "eve",
        "/",
        "x",
        "w",
        "r",
    ]
    assert limits_body(LimitsView("eve", {"max-channels": 1}), "user") == {
        "user": "eve",
        "value": {"max-channels": 1},
    }
