"""The figures of one window."""

from dataclasses import dataclass

from load_generator.readings import Figures

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Window:
    """The figures of one scenario on one broker; None is a figure that it does not measure.

    Attributes:
        published_per_s: messages handed to the socket.
        confirmed_per_s: messages the broker confirmed.
        consumed_per_s: deliveries received, over all queues; in a call, replies.
        operations_per_s: connections opened, or queues declared and bound.
        serving_s: from the start of a killed broker until its message counts are right.
        first_message_s: from its start until a consumer has a message.
        connection_kib: memory of the broker for one idle connection.
        stream_kib: memory of the broker for one stream that gets messages.
        descriptor_count: files that the broker has open at the end; sockets are none.
        p50_us: median latency.
        p99_us: 99th percentile.
        broker_cpu_us: CPU time of the broker per message delivered, or per operation.
        generator_cpu_us: CPU time of publishers and consumers per message.
        generator_cores: cores that the busier of publisher and consumer used. If it is near 1, the
            figures are the generator's limit.
        broker_rss_mib: resident memory of the broker at the end.
        grown_mib: how much more memory the broker has at the end than before.
        written_bytes: octets that the disk wrote, for all processes, per message delivered; only
            for persistent messages.
        disk_sync_us: median time that the disk took for a write of 128 octets and fdatasync, just
            after the window.
        elsewhere_cores: cores that worked for other processes. If it is not near 0, the machine was
            shared and the rates are too low.
    """

    published_per_s: float | None = None
    confirmed_per_s: float | None = None
    consumed_per_s: float | None = None
    operations_per_s: float | None = None
    serving_s: float | None = None
    first_message_s: float | None = None
    connection_kib: float | None = None
    stream_kib: float | None = None
    descriptor_count: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    broker_cpu_us: float | None = None
    generator_cpu_us: float | None = None
    generator_cores: float | None = None
    broker_rss_mib: float | None = None
    grown_mib: float | None = None
    written_bytes: float | None = None
    disk_sync_us: float | None = None
    elsewhere_cores: float | None = None


def window_of(figures: Figures) -> Window:
    """Return the window for the figures of the workers.

    CPU time is per delivery, because users pay for deliveries. A rate of 0 is a figure (nothing
    went through), except for confirms, because most scenarios have none.
    """
    counts, latencies = figures.counts, figures.latencies
    elapsed_s, consumed_count = figures.elapsed_s, counts.consumed_count
    confirmed_per_s = figures.per_s(counts.confirmed_count)
    broker_s = None if figures.broker_cores is None else figures.broker_cores * elapsed_s
    return Window(
        published_per_s=figures.per_s(counts.published_count),
        confirmed_per_s=confirmed_per_s or None,
        consumed_per_s=figures.per_s(consumed_count),
        p50_us=latencies.p50_us if latencies else None,
        p99_us=latencies.p99_us if latencies else None,
        broker_cpu_us=us_each(0, broker_s, consumed_count),
        generator_cpu_us=us_each(0, sum(figures.generator_cores) * elapsed_s, consumed_count),
        generator_cores=max(figures.generator_cores, default=None),
        broker_rss_mib=mib(figures.broker_rss_bytes),
        elsewhere_cores=figures.elsewhere_cores,
    )


def us_each(first_s: float | None, last_s: float | None, count: int) -> float | None:
    """Return the microseconds that each of ``count`` took; None if unknown or ``count`` is 0."""
    each_s = each(first_s, last_s, count)
    return None if each_s is None else each_s * 1_000_000


def each(first: float | None, last: float | None, count: int) -> float | None:
    """Return the increase for each of ``count``; None if unknown or ``count`` is 0."""
    return None if first is None or last is None or not count else (last - first) / count


def mib(byte_count: int | None) -> float | None:
    """Return bytes as MiB."""
    return None if byte_count is None else byte_count / _MIB
