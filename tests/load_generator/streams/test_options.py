"""Options of the stream protocol are checked, and make a load."""

from dataclasses import replace

import pytest

from load_generator.load import Streaming
from load_generator.options import OptionError, Options, load_of, topology_of
from load_generator.streams.options import StreamOptions, refuse_without_streams, streaming_of


def test_defaults() -> None:
    assert streaming_of(StreamOptions(), Options()) == Streaming(batch_count=100, credit=10)


def test_a_load_has_partitions_and_keys() -> None:
    options = Options(queues=3, key_count=50, streaming=Streaming(), is_super_stream=True)
    topology = topology_of(options, "perf")
    load = load_of(options, topology)
    assert topology.super_stream == "perf"
    assert topology.durable
    assert load.streaming is not None
    assert load.streaming.partitions == ["perf.1", "perf.2", "perf.3"]
    assert len(load.publisher_keys[0]) == 50
    assert load.consumer_queues == topology.queues


@pytest.mark.parametrize(
    ("given", "options", "text"),
    [
        (StreamOptions(), Options(mandatory=True, prefetch_count=1), "--mandatory, --prefetch"),
        (StreamOptions(batch_count=10, sub_entry_count=3), Options(), "whole numbers"),
        (StreamOptions(sub_entry_count=2), Options(message_count=3), "whole numbers"),
        (StreamOptions(sub_entry_count=2, filter_values=("a",)), Options(), "different forms"),
        (StreamOptions(is_super_stream=True, sub_entry_count=2), Options(), "share"),
        (StreamOptions(is_super_stream=True), Options(queues=257), "256"),
        (StreamOptions(), Options(confirm_window=99), "--confirm 99"),
        (StreamOptions(), Options(backlog=99), "--backlog 99"),
        (StreamOptions(), Options(body=bytes(20_000)), "1 MiB"),
        (StreamOptions(), Options(offset="soon"), "--offset soon"),
    ],
)
def test_contradictions(given: StreamOptions, options: Options, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        streaming_of(given, options)


def test_amqp_has_none_of_them() -> None:
    refuse_without_streams(StreamOptions())
    with pytest.raises(OptionError, match="rabbitmq-stream://"):
        refuse_without_streams(replace(StreamOptions(), batch_count=1))
