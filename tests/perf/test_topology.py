"""Names are a window's own, and the key that is published matches one binding."""

from amqp_server.perf.topology import Topology, topology_of
from benchmarks.scenarios import Flow


def test_the_default_exchange_needs_only_a_queue() -> None:
    assert topology_of(Flow("f", "f"), "p") == Topology("", "p.0", ("p.0",))


def test_a_topic_key_names_the_binding_in_the_middle() -> None:
    topology = topology_of(Flow("f", "f", exchange_kind="topic", binding_count=1_000), "p")
    assert topology == Topology("p", "site.500.reading", ("p.0",))


def test_every_queue_has_a_name_of_its_own() -> None:
    flow = Flow("f", "f", exchange_kind="fanout", queue_count=3)
    assert topology_of(flow, "p").queues == ("p.0", "p.1", "p.2")
