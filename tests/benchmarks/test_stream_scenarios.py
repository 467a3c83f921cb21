"""The scenarios with streams are a table, and their loads can be carried out."""

import pytest

from benchmarks.scenarios import SCENARIOS, chosen
from benchmarks.stream_scenarios import STREAM_SCENARIOS, Replay, StreamFlow
from benchmarks.streams import ACK_EVERY, PREFETCH_COUNT, flow_load, replay_load
from load_generator.load import Settle

FLOWS = [scenario for scenario in STREAM_SCENARIOS if isinstance(scenario, StreamFlow)]
REPLAYS = [scenario for scenario in STREAM_SCENARIOS if isinstance(scenario, Replay)]


def test_they_are_chosen_by_name() -> None:
    assert not set(STREAM_SCENARIOS) & set(SCENARIOS)
    for scenario in STREAM_SCENARIOS:
        assert chosen(scenario.name) == (scenario,)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_frame_fits_into_window_and_backlog(flow: StreamFlow) -> None:
    load = flow_load(flow, "s")
    assert load.consumer_queues == ["s"]
    assert min(load.confirm_window, load.backlog_max) >= flow.batch_count
    assert (load.streaming is not None) == flow.speaks_streams
    assert load.settle is (Settle.AUTO if flow.speaks_streams else Settle.MULTIPLE)


@pytest.mark.parametrize("replay", REPLAYS, ids=lambda replay: replay.name)
def test_a_replay_begins_at_the_first_and_publishes_nothing(replay: Replay) -> None:
    load = replay_load(replay, "s")
    assert load.offset == "first"
    assert not load.publisher_keys
    assert len(load.consumer_queues) == replay.reader_count


def test_an_ack_waits_for_less_than_the_prefetch() -> None:
    assert ACK_EVERY < PREFETCH_COUNT
