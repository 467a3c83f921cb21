"""A declared queue: what its kind refuses."""

import pytest

from amqp_server.broker.errors import NotSupportedError, ResourceLockedError
from queues.kinds import Request
from tests.support.vhosts import VhostUnderTest


def test_a_kind_refuses_in_its_own_words() -> None:
    place = VhostUnderTest()
    place.queue("jobs").check_granted(Request.DELETE_IF_EMPTY)
    quorum = place.queue("safe", queue_type="quorum")
    with pytest.raises(NotSupportedError) as caught:
        quorum.check_granted(Request.SHARED_PREFETCH)
    assert str(caught.value) == "queue 'safe' in vhost '/' does not support global qos"


def test_a_refusal_may_be_for_some_of_a_kind() -> None:
    place = VhostUnderTest()
    place.queue("many", queue_type="quorum").check_granted(Request.GET)
    one = place.queue("one", queue_type="quorum", single_active_consumer=True)
    with pytest.raises(
        ResourceLockedError, match="cannot obtain access to locked queue 'one' in vhost '/'"
    ):
        one.check_granted(Request.GET)
