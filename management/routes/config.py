"""The settings in force: ``config/effective``."""

from typing import Final

from management.call import Call
from management.http.errors import OK
from management.http.response import Response
from management.routing.route import Right, Route

PLAIN_TEXT: Final = "text/plain; charset=utf-8"


async def effective(call: Call) -> Response:
    """Return all settings as a file would have them; secrets are hidden."""
    text = call.services.settings_text()
    return Response(OK, text.encode("utf-8", "surrogateescape"), content_type=PLAIN_TEXT)


ROUTES: Final = (
    Route(
        method="GET",
        path="config/effective",
        right=Right.ADMINISTRATOR,
        handler=effective,
        summary="The settings in force as YAML, without secrets.",
        media_type="text/plain",
    ),
)
