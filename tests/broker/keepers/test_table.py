from exchanges.keeping import KEEP_COPY, keeper_name
from tests.support.vhosts import VhostUnderTest

HISTORY = {"x-recent-history-length": 3}


def remembering(*bodies: bytes) -> VhostUnderTest:
    """Return a vhost whose exchange ``x`` was published to."""
    rig = VhostUnderTest()
    rig.exchange("x", "x-recent-history", arguments=HISTORY)
    rig.queue("jobs")
    if bodies:
        rig.publish(*bodies, exchange="x", routing_key="k")
    return rig


def test_a_new_binding_gets_what_is_remembered() -> None:
    rig = remembering(b"1", b"2", b"3", b"4")
    rig.bind("x", "jobs")
    assert rig.bodies() == [b"2", b"3", b"4"]
    rig.publish(b"5", exchange="x")
    assert rig.bodies() == [b"5"]


def test_each_binding_of_a_queue_gets_it_but_none_gets_it_twice() -> None:
    rig = remembering(b"1")
    rig.bind("x", "jobs", "a")
    rig.bind("x", "jobs", "b")
    rig.bind("x", "jobs", "b")
    assert rig.bodies() == [b"1", b"1"]


def test_messages_come_as_they_were_published() -> None:
    rig = remembering()
    rig.publish(b"1", exchange="x", routing_key="one", headers={"a": 1}, message_id="m")
    rig.bind("x", "jobs", "other")
    record = rig.take()[0]
    assert (record.exchange, record.routing_key, record.body) == ("x", "one", b"1")


def test_an_exchange_that_is_bound_routes_it_by_the_keys_of_the_messages() -> None:
    rig = remembering()
    rig.publish(b"1", exchange="x", routing_key="a.b")
    rig.publish(b"2", exchange="x", routing_key="c")
    rig.exchange("topic", "topic")
    rig.bind("topic", "jobs", "a.#")
    rig.bind_exchange("x", "topic", "whatever")
    assert rig.bodies() == [b"1"]


def test_a_message_for_nobody_is_unroutable_and_remembered() -> None:
    rig = remembering()
    assert [*rig.publish(b"1", b"2", exchange="x").unroutable] == [0, 1]
    rig.bind("x", "jobs")
    assert rig.bodies() == [b"1", b"2"]
    assert not rig.publish(b"3", exchange="x").unroutable


def test_a_way_out_counts_for_each_queue_and_none_for_the_history() -> None:
    rig = remembering()
    rig.bind("x", "jobs")
    rig.publish(b"1", b"2", exchange="x")
    assert rig.vhost.router.exchanges["x"].counters.routed_count == 2


def test_an_exchange_that_is_declared_again_remembers_nothing_of_the_old_one() -> None:
    rig = remembering(b"1")
    for _ in rig.vhost.exchanges.deleting("x", if_unused=False):
        pass
    rig.exchange("x", "x-recent-history", arguments=HISTORY)
    rig.bind("x", "jobs")
    assert rig.bodies() == []


def test_a_client_cannot_publish_to_a_keeper() -> None:
    rig = remembering()
    assert rig.publish(b"1", routing_key="x" + "." * 254).unroutable


def test_nothing_of_a_vhost_that_goes_is_counted_any_more() -> None:
    rig = remembering(b"1", b"2")
    for _ in rig.vhost.forgetting_all():
        pass
    assert rig.vhost.keepers.find(keeper_name("x", KEEP_COPY.name)) is None
