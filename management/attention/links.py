"""Which exchanges and queues get nothing from an upstream, because the link is down."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from amqp_server.broker.views import LinkState
from management.attention.concern import BAD, Concern

ERROR: Final = "error"
"""The state of a link that waits to connect again."""


def of_links(held: Iterable[LinkState], now_ms: int) -> Iterator[Concern]:
    """Yield the exchanges and queues with links that are down.

    Args:
        held: all links, those of one thing behind each other.
        now_ms: the time.
    """
    for (vhost, kind, name), states in groupby(held, _thing):
        down = [state for state in states if state.status == ERROR]
        if down:
            names = ", ".join(state.link.upstream.name for state in down[:3])
            text = f"gets nothing from its upstream {names}"
            amount = down[0].error if len(down) == 1 else f"{len(down):,} links are down"
            yield Concern(
                BAD, kind, vhost, name, "link_down", text, amount, float(len(down)), now_ms
            )


def _thing(state: LinkState) -> tuple[str, str, str]:
    link = state.link
    return link.vhost, link.kind, link.name
