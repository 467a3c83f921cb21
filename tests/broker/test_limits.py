"""Limits of vhosts, users and the node; negative is none, zero lets nobody in."""

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.errors import BrokerError, NotAllowedError, PreconditionFailedError
from amqp_server.broker.limits import (
    USER_LIMITS,
    VhostLimits,
    check_node_queue,
    check_node_vhost,
    check_user_channel,
    check_user_connection,
    validated,
)


def refused(error: type[BrokerError], text: str) -> "pytest.RaisesExc[BrokerError]":
    return pytest.raises(error, check=lambda raised: str(raised) == text)


def test_a_new_vhost_has_no_limits() -> None:
    limits = VhostLimits()
    limits.check_connection("/", "u", 10**6)
    limits.check_queue("/", "q", 10**6)
    assert limits.as_dict() == {}


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_a_vhost_at_its_limit_lets_no_more_in(limit: int) -> None:
    limits = VhostLimits({"max-connections": limit, "max-queues": limit})
    if limit:
        limits.check_connection("/", "u", limit - 1)
        limits.check_queue("/", "q", limit - 1)
    with refused(
        NotAllowedError,
        f"access to vhost '/' refused for user 'u': connection limit ({limit}) is reached",
    ):
        limits.check_connection("/", "u", limit)
    with refused(
        PreconditionFailedError,
        f"cannot declare queue 'q': queue limit in vhost '/' ({limit}) is reached",
    ):
        limits.check_queue("/", "q", limit)


def test_negative_is_no_limit_and_is_shown() -> None:
    limits = VhostLimits({"max-queues": -5})
    limits.check_queue("/", "q", 10**6)
    assert limits.as_dict() == {"max-queues": -5}


def test_limits_are_replaced_as_a_whole_and_lifted_one_by_one() -> None:
    limits = VhostLimits({"max-queues": 1, "max-connections": 2})
    assert limits.clear("max-queues")
    assert not limits.clear("max-queues")
    assert limits.as_dict() == {"max-connections": 2}
    limits.replace({"max-queues": 3})
    assert limits.as_dict() == {"max-queues": 3}


def test_a_wrong_limit_leaves_those_that_held() -> None:
    limits = VhostLimits({"max-queues": 1})
    with refused(PreconditionFailedError, 'max-queues should be a number, actually was <<"a">>'):
        limits.replace({"max-connections": 4, "max-queues": "a"})
    with refused(PreconditionFailedError, 'Unrecognised terms [{<<"foo">>,3}] in limits'):
        limits.replace({"foo": 3})
    with refused(PreconditionFailedError, "max-queues should be a number, actually was true"):
        limits.replace({"max-queues": True})
    assert limits.as_dict() == {"max-queues": 1}


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_a_user_at_its_limit_gets_no_more(limit: int) -> None:
    user = User("u", "", limits={"max-connections": limit, "max-channels": limit})
    if limit:
        check_user_connection(user, limit - 1)
        check_user_channel(user, limit - 1)
    with refused(
        NotAllowedError,
        f"connection refused for user 'u': user connection limit ({limit}) is reached",
    ):
        check_user_connection(user, limit)
    with refused(
        NotAllowedError,
        "number of channels opened for user 'u' has reached the maximum allowed user limit of "
        f"({limit})",
    ):
        check_user_channel(user, limit)


def test_a_user_without_limits_has_none() -> None:
    for user in (User("u", ""), User("u", "", limits={"max-connections": -1, "max-channels": -7})):
        check_user_connection(user, 10**6)
        check_user_channel(user, 10**6)


def test_the_node_has_limits_too_and_zero_is_none_there() -> None:
    check_node_queue(0, "q", 10**6)
    check_node_queue(5, "q", 4)
    check_node_vhost(0, "v", 10**6)
    check_node_vhost(5, "v", 4)
    with refused(PreconditionFailedError, "cannot create vhost 'v': vhost limit of 5 is reached"):
        check_node_vhost(5, "v", 5)
    with refused(
        PreconditionFailedError, "cannot declare queue 'q': queue limit in cluster (5) is reached"
    ):
        check_node_queue(5, "q", 5)


def test_user_limits_are_told_by_their_own_name() -> None:
    assert validated({"max-channels": 1}, USER_LIMITS, "user-limits") == {"max-channels": 1}
    with refused(
        PreconditionFailedError, 'Unrecognised terms [{<<"max-queues">>,1}] in user-limits'
    ):
        validated({"max-queues": 1}, USER_LIMITS, "user-limits")
