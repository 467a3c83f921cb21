"""The scenarios are a table that the command line chooses from."""

import pytest

from benchmarks.flows import load_of, topology_of
from benchmarks.scenarios import RESTARTS, SCENARIOS, Flow, chosen
from load_generator.load import publishes_per_write
from load_generator.messages import rings_of
from load_generator.wire import FRAME_MAX_BYTES

FLOWS = [scenario for scenario in SCENARIOS if isinstance(scenario, Flow)]


def test_names_are_unique() -> None:
    everything = (*SCENARIOS, *RESTARTS)
    assert len({scenario.name for scenario in everything}) == len(everything)


def test_choosing_keeps_the_tables_order() -> None:
    assert [scenario.name for scenario in chosen("rpc,idle")] == ["idle", "rpc"]


def test_choosing_nothing_is_choosing_all_but_restarts() -> None:
    assert chosen("") == SCENARIOS


def test_restarts_are_chosen_by_name() -> None:
    names = [scenario.name for scenario in chosen("restart-queues,restart-1m,rpc")]
    assert names == ["rpc", "restart-1m", "restart-queues"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        chosen("rpc,nonsense")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_write_fits_many_times_into_backlog_and_window(flow: Flow) -> None:
    load = load_of(flow, topology_of(flow, "p"))
    octets, _ = rings_of(load, [0], FRAME_MAX_BYTES)[0].take(1)
    count = publishes_per_write(load, len(octets))
    assert count >= 1
    assert not flow.backlog_max or count <= max(1, flow.backlog_max // 8)
    assert count == 1 or not flow.confirm_window or count * 20 <= flow.confirm_window


def test_only_a_flood_has_no_bound() -> None:
    assert [flow.name for flow in FLOWS if not flow.backlog_max] == ["flood-acked"]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_prefetch_is_not_smaller_than_what_one_ack_waits_for(flow: Flow) -> None:
    """Else the consumer would wait for deliveries, and the broker for the ack."""
    assert flow.prefetch_count == 0 or flow.prefetch_count >= flow.ack_every
