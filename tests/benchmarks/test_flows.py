"""Names are a window's own, and each key that is published matches one binding of a queue."""

from fnmatch import fnmatchcase

import pytest

from benchmarks.flows import flood_load, load_of, paced_load, single_queue, topology_of
from benchmarks.scenarios import SCENARIOS, Flow, Paced
from load_generator import wire
from load_generator.load import Topology

FLOWS = [scenario for scenario in SCENARIOS if isinstance(scenario, Flow)]


def test_the_default_exchange_needs_only_a_queue() -> None:
    assert topology_of(Flow("f", "f"), "p") == Topology(("p.0",))
    assert load_of(Flow("f", "f"), Topology(("p.0",))).publisher_keys == [("p.0",)]


def test_every_queue_has_a_name_and_a_consumer_of_its_own() -> None:
    flow = Flow("f", "f", exchange_kind="fanout", queue_count=3)
    topology = topology_of(flow, "p")
    assert topology.queues == ("p.0", "p.1", "p.2")
    assert load_of(flow, topology).consumer_queues == topology.queues


def test_without_an_exchange_the_queues_are_published_to_in_turn() -> None:
    flow = Flow("f", "f", queue_count=11, publisher_count=2)
    load = load_of(flow, topology_of(flow, "p"))
    assert load.publisher_keys == [tuple(f"p.{index:02d}" for index in range(11))] * 2
    assert load.copies == 1


def test_a_persistent_flow_survives_a_restart_and_others_do_not() -> None:
    for is_persistent in (False, True):
        flow = Flow("f", "f", exchange_kind="fanout", is_persistent=is_persistent)
        topology = topology_of(flow, "p")
        assert topology.durable is is_persistent
        persistent = wire.properties(persistent=is_persistent)
        assert load_of(flow, topology).properties == persistent


def test_spread_keys_reach_one_queue_each() -> None:
    flow = Flow("f", "f", exchange_kind="direct", queue_count=3, is_spread=True)
    topology = topology_of(flow, "p")
    load = load_of(flow, topology)
    assert [(bound.queue, bound.key) for bound in topology.bindings] == list(
        zip(topology.queues, load.publisher_keys[0], strict=True)
    )
    assert len(set(load.publisher_keys[0])) == 3
    assert load.copies == 1


@pytest.mark.parametrize("key_count", [1, 2_500])
def test_a_topic_key_matches_one_binding_and_keys_spread_over_all(key_count: int) -> None:
    flow = Flow("f", "f", exchange_kind="topic", binding_count=25, key_count=key_count)
    topology = topology_of(flow, "p")
    keys = load_of(flow, topology).publisher_keys[0]
    matched = [
        [bound.key for bound in topology.bindings if fnmatchcase(key, bound.key)] for key in keys
    ]
    assert {len(names) for names in matched} == {1}
    assert len({names[0] for names in matched}) == min(key_count, 25)
    assert len(set(keys)) == key_count


def test_headers_match_one_binding() -> None:
    flow = Flow("f", "f", exchange_kind="headers", binding_count=20)
    topology = topology_of(flow, "p")
    properties = load_of(flow, topology).properties
    assert {bound.arguments["x-match"] for bound in topology.bindings} == {"all"}
    assert b"x-match" not in properties
    kinds = [str(bound.arguments["kind"]) for bound in topology.bindings]
    assert len(kinds) == len(set(kinds)) == 20
    assert [kind for kind in kinds if wire.longstr(kind.encode()) in properties] == ["kind 10"]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_messages_of_a_flow_have_one_size_so_that_they_can_be_counted(flow: Flow) -> None:
    load = load_of(flow, topology_of(flow, "p"))
    assert len({len(key) for keys in load.publisher_keys for key in keys}) == 1


def test_a_flood_waits_for_nothing_and_has_a_queue_of_its_own() -> None:
    load = flood_load(single_queue("p.flood"))
    assert (load.backlog_max, load.confirm_window, load.rate_per_s) == (0, 0, 0)
    assert load.publisher_keys == [("p.flood.0",)]
    assert load.consumer_queues == ()


def test_a_paced_publisher_writes_instants_and_keeps_its_rate() -> None:
    load = paced_load(Paced("p", "p", rate_per_s=50), single_queue("p"))
    assert (load.has_instants, load.rate_per_s, load.confirm_window) == (True, 50, 0)
