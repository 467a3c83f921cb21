"""How late the event loop was, as JSON: classes of probes, and what they say about most of them."""

from typing import Any, Final

from amqp_server.broker.views import LagView

US_PER_MS: Final = 1_000


def loop_lag_body(view: LagView, node: str) -> dict[str, Any]:
    """Return the histogram; ``counts`` has one class more than ``bounds_ms``, of all that is later.

    ``p50_ms`` and ``p99_ms`` are worked out within their class, as Prometheus does it, and are
    never above ``max_ms``.
    """
    probes = sum(view.counts)
    return {
        "node": node,
        "step_ms": view.step_ms,
        "span_ms": view.span_ms,
        "bounds_ms": [bound / US_PER_MS for bound in view.bounds_us],
        "counts": list(view.counts),
        "probes": probes,
        "mean_ms": view.total_us / probes / US_PER_MS if probes else 0.0,
        "p50_ms": _quantile_us(view, 0.5) / US_PER_MS,
        "p99_ms": _quantile_us(view, 0.99) / US_PER_MS,
        "max_ms": view.max_us / US_PER_MS,
    }


def _quantile_us(view: LagView, share: float) -> float:
    """Return the lag that a share of the probes is within."""
    wanted = share * sum(view.counts)
    below = 0
    lower_us = 0
    for bound_us, count in zip((*view.bounds_us, view.max_us), view.counts, strict=True):
        upper_us = max(min(bound_us, view.max_us), lower_us)
        if count and below + count >= wanted:
            return lower_us + (upper_us - lower_us) * (wanted - below) / count
        below += count
        lower_us = upper_us
    return 0.0
