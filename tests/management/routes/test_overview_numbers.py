"""The overview shows a user what is in the vhosts that it may enter, and no more."""

from management.routes.overview_numbers import Sum
from management.samples.history import History
from tests.management.samples.test_sampler import look
from tests.support.management_api import Api


def test_numbers_of_others_stay_hidden(api: Api) -> None:
    api.broker.add_vhost("w")
    api.add_user("eve", "management", vhosts=("w",))
    api.add_user("mon", "monitoring", vhosts=())
    look(api)
    peer = api.node.open()
    peer.declare()
    peer.publish(b"x", routing_key="jobs")
    look(api)
    for user, messages, queues, connections in (("eve", 0, 0, 0), ("mon", 1, 1, 1)):
        body = api.get("overview", user=user).json
        assert body["queue_totals"]["messages"] == messages
        assert body["message_stats"]["publish"] == messages
        assert body["object_totals"]["queues"] == queues
        assert body["object_totals"]["connections"] == connections
        assert ("node" in body) == ("listeners" in body) == (user == "mon")


def test_own_connections_count(api: Api) -> None:
    api.add_user("eve", "management")
    peer = api.node.open(user="eve")
    peer.declare()
    peer.consume()
    totals = api.get("overview", user="eve").json["object_totals"]
    assert (totals["connections"], totals["channels"], totals["consumers"]) == (1, 1, 1)


def test_a_sum_of_numbers_over_time() -> None:
    one, two = History(1), History(1)
    one.note(5, (3,))
    two.note(10, (4,))
    assert [Sum([one, two]).at(0, at_ms) for at_ms in (0, 5, 10)] == [0, 3, 7]
