"""Measures a window of a scenario on a broker; each kind of scenario has its own function."""

import itertools
import os
from collections.abc import Iterator
from typing import Final, assert_never

from benchmarks.brokers import Broker
from benchmarks.lifecycle import measure_connects, measure_declares, measure_idle
from benchmarks.scenarios import (
    Connects,
    Declares,
    Flow,
    IdleConnections,
    Paced,
    Rpc,
    Running,
    is_tls,
)
from benchmarks.stream_scenarios import ManyStreams, Replay, Seek, Stored, StreamFlow
from benchmarks.streams import measure_of_streams
from benchmarks.traffic import measure_flow, measure_paced, measure_rpc
from benchmarks.window import Window

_NUMBERS: Final[Iterator[int]] = itertools.count(1)


def measure(scenario: Running, broker: Broker, seconds: float) -> Window:
    """Run one window of ``seconds``, with unique names.

    Raises:
        LoadError: the broker refused, or stopped answering.
        OSError: no connection, or it broke.
    """
    if is_tls(scenario):
        broker = broker.over_tls()
    prefix = f"benchmark.{os.getpid()}.{next(_NUMBERS)}"
    match scenario:
        case Flow():
            return measure_flow(scenario, broker, prefix, seconds)
        case Paced():
            return measure_paced(scenario, broker, prefix, seconds)
        case Rpc():
            return measure_rpc(scenario, broker, prefix, seconds)
        case Connects():
            return measure_connects(scenario, broker, seconds)
        case Declares():
            return measure_declares(scenario, broker, prefix, seconds)
        case IdleConnections():
            return measure_idle(scenario, broker)
        case StreamFlow() | Replay() | Stored() | Seek() | ManyStreams():
            return measure_of_streams(scenario, broker, prefix, seconds)
        case _:
            assert_never(scenario)
