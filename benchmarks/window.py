"""The figures of one window, and the readings whose differences they are."""

from dataclasses import dataclass
from typing import NamedTuple

from amqp_server.perf.workers import Latencies

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Window:
    """What one scenario measured of one broker; None is what the scenario does not measure.

    Attributes:
        published_per_s: messages handed to the socket.
        confirmed_per_s: messages the broker confirmed.
        consumed_per_s: deliveries received, over all queues; replies, of a call.
        operations_per_s: connections opened, or queues declared and bound.
        connection_kib: memory of the broker that one idle connection takes.
        p50_us: median latency.
        p99_us: 99th percentile.
        broker_cpu_us: CPU time of the broker per message delivered, or per operation.
        generator_cpu_us: CPU time of publishers and consumers per message. Where it is near the
            inverse of the rate, the generator is what was measured.
        broker_rss_mib: resident memory of the broker at the end.
        elsewhere_cores: cores that worked for neither broker nor generator. Where it is not
            near 0, the machine was shared and the rates are too low.
    """

    published_per_s: float | None = None
    confirmed_per_s: float | None = None
    consumed_per_s: float | None = None
    operations_per_s: float | None = None
    connection_kib: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    broker_cpu_us: float | None = None
    generator_cpu_us: float | None = None
    broker_rss_mib: float | None = None
    elsewhere_cores: float | None = None


class Reading(NamedTuple):
    """Counters and CPU times at one instant; None is a process that cannot be seen."""

    at_s: float
    published_count: int
    confirmed_count: int
    consumed_count: int
    broker_cpu_s: float | None
    generator_cpu_s: float
    broker_rss_bytes: int | None
    machine_busy_s: float


def between(first: Reading, last: Reading, latencies: Latencies | None) -> Window:
    """Return the figures of the time between two readings.

    CPU time is given per delivery, since that is what a user pays for. A rate of 0 is a figure
    (nothing went through), except for confirms, which most scenarios do not ask for.
    """
    elapsed_s = last.at_s - first.at_s
    consumed_count = last.consumed_count - first.consumed_count
    confirmed_count = last.confirmed_count - first.confirmed_count
    return Window(
        published_per_s=(last.published_count - first.published_count) / elapsed_s,
        confirmed_per_s=confirmed_count / elapsed_s if last.confirmed_count else None,
        consumed_per_s=consumed_count / elapsed_s,
        p50_us=latencies.p50_us if latencies else None,
        p99_us=latencies.p99_us if latencies else None,
        broker_cpu_us=us_each(first.broker_cpu_s, last.broker_cpu_s, consumed_count),
        generator_cpu_us=us_each(first.generator_cpu_s, last.generator_cpu_s, consumed_count),
        broker_rss_mib=mib(last.broker_rss_bytes),
        elsewhere_cores=_elsewhere_cores(first, last),
    )


def _elsewhere_cores(first: Reading, last: Reading) -> float | None:
    """Return how many cores were busy with something else; None if the broker is unseen."""
    if first.broker_cpu_s is None or last.broker_cpu_s is None:
        return None
    broker_s = last.broker_cpu_s - first.broker_cpu_s
    generator_s = last.generator_cpu_s - first.generator_cpu_s
    busy_s = last.machine_busy_s - first.machine_busy_s
    return max(0.0, (busy_s - broker_s - generator_s) / (last.at_s - first.at_s))


def us_each(first_s: float | None, last_s: float | None, count: int) -> float | None:
    """Return the microseconds that each of ``count`` took; None where unknown or nothing ran."""
    if first_s is None or last_s is None or not count:
        return None
    return (last_s - first_s) * 1_000_000 / count


def mib(byte_count: int | None) -> float | None:
    """Return bytes as MiB."""
    return None if byte_count is None else byte_count / _MIB
