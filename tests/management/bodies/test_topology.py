"""Where what dies in a queue goes."""

from amqp_server.broker.views import QueueCounts, QueueView
from management.bodies.topology import dead_letter_edge


def queue(**arguments: object) -> QueueView:
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    flags, nothing = (True, False, False), (None, None, None)
    policy = {"dead-letter-exchange": "by-policy"} if not arguments else {}
    return QueueView(
        "q", "/", "classic", *flags, given, *nothing, policy, QueueCounts(), None, None, False
    )


def test_it_is_an_argument_or_a_policy() -> None:
    edge = dead_letter_edge(queue())
    assert edge is not None
    assert edge.destination == "exchange by-policy"
    assert dead_letter_edge(queue(max_length=1)) is None


def test_through_the_default_exchange_it_is_a_queue() -> None:
    edge = dead_letter_edge(queue(dead_letter_exchange="", dead_letter_routing_key="dlq"))
    assert edge is not None
    assert (edge.destination, edge.body()["routing_keys"]) == ("queue dlq", ["dlq"])
