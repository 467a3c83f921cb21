"""What needs a hand: ``attention``."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from management.attention.concern import CONNECTION, NODE, Concern
from management.call import Call
from management.http.response import Response, answer
from management.routing.route import Right, Route

SHOWN_MAX: Final = 100
"""Concerns in an answer: who mends the worst hundred sees the next ones."""


async def attention(call: Call) -> Response:
    """Return what needs a hand, of what the user may see, worst first."""
    board = call.services.attention
    await board.refresh()
    view = call.node.views.node()
    offset_ms = view.wall_ms - view.now_ms
    shown = islice(_visible(call, board.concerns), SHOWN_MAX)
    return answer([concern.body(offset_ms) for concern in shown])


def _visible(call: Call, concerns: tuple[Concern, ...]) -> Iterator[Concern]:
    """Yield what a user may see, as the lists of the same things would show it."""
    account, vhosts = call.account, set(call.enterable_vhosts())
    for concern in concerns:
        if concern.kind == NODE:
            is_shown = account.is_monitor
        elif concern.kind == CONNECTION:
            is_shown = account.is_monitor or concern.username == account.name
        else:
            is_shown = concern.vhost in vhosts
        if is_shown:
            yield concern


ROUTES: Final = (
    Route(
        method="GET",
        path="attention",
        right=Right.USER,
        handler=attention,
        summary="What needs a hand, worst first: at most 100.",
        answer="concern",
        is_list=True,
        extension=True,
    ),
)
