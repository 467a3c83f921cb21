"""Feeds as they change: ``live``."""

from functools import partial
from typing import Final

from management.call import Call
from management.http.event_stream import EVENT_STREAM, event_stream
from management.http.response import Response
from management.live.feeds import feeds_of, require_feeds
from management.live.hub import Audience, Hub
from management.live.listeners import Listener
from management.routing.route import Right, Route


async def live(call: Call) -> Response:
    """Send a picture of each feed, and each second what has changed."""
    services = call.services
    feeds = feeds_of(call.request.query.get("topics") or "overview")
    require_feeds(feeds, call.account)
    services.listeners.require_room()
    listener = Listener(call.still_stands)
    audience = Audience(listener, call.account, feeds)
    begin = partial(_begin, services.hub, audience)
    return event_stream(services.listeners.serve(listener, begin, services.hub.end))


def _begin(hub: Hub, audience: Audience, _listener: Listener) -> None:
    hub.begin(audience)


ROUTES: Final = (
    Route(
        method="GET",
        path="live",
        right=Right.USER,
        handler=live,
        summary="Feeds as they change each second, as server-sent events.",
        extension=True,
        media_type=EVENT_STREAM,
    ),
)
