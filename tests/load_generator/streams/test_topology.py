"""Streams are created before a run and deleted after it."""

from load_generator.load import Topology
from load_generator.streams import commands
from load_generator.streams.topology import declared
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, log_in


def test_streams_are_created_with_arguments_and_deleted(broker: ScriptedBroker) -> None:
    broker.say(log_in(), answer(commands.CREATE))
    broker.say(log_in(), answer(commands.DELETE))
    with declared(Topology(["s"], queue_arguments={"x-max-age": "1h"}), broker.endpoint):
        pass
    body = commands.string("s") + commands.string_map({"max-age": "1h"})
    assert commands.request(commands.CREATE, body) in broker.read(0)
    assert commands.request(commands.DELETE, commands.string("s")) in broker.read(1)


def test_a_super_stream_is_one_request(broker: ScriptedBroker) -> None:
    broker.say(log_in(), answer(commands.CREATE_SUPER_STREAM))
    with declared(Topology(["s-0", "s-1"], super_stream="s"), broker.endpoint, keep=True):
        pass
    parts = commands.strings(["s-0", "s-1"]) + commands.strings(["0", "1"])
    body = commands.string("s") + parts + commands.string_map({})
    assert commands.request(commands.CREATE_SUPER_STREAM, body) in broker.read()
