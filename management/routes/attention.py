"""What needs a hand: ``attention``."""

from typing import Final

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
    shown = board.visible(call.account, set(call.enterable_vhosts()), SHOWN_MAX)
    return answer([concern.body(offset_ms) for concern in shown])


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
