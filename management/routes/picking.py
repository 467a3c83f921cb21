"""Single messages, as an answer of ``peek`` showed them: they are deleted, or moved elsewhere.

A message goes only while it is the one that was seen: see ``broker.commands.picking``.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from amqp_server.broker.admin import (
    Fate,
    LookPlace,
    NodeLimitError,
    NotSupportedError,
    Picked,
    TakenOut,
    Target,
)
from management.bodies.looks import place_of
from management.call import Call
from management.http.body import text_of
from management.http.errors import CONFLICT, UNAVAILABLE, HttpError, bad_request, missing
from management.http.response import Response, answer
from management.routes.jobs import ORIGIN
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import change, require_vhost

PICKED_MAX: Final = 500
"""Messages of one request; as many as one look shows."""

_NOT_FOUND: Final = 404
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{24}", re.ASCII)
_UNACKED: Final = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
_DONE: Final = frozenset({Fate.DELETED, Fate.MOVED})

_WHY: Final[Mapping[Fate, str]] = {
    Fate.GONE: "the message is not ready any more: it was delivered, has expired or was taken out",
    Fate.CHANGED: "another message has this place now: look again",
    Fate.REFUSED: "the other queue is full",
    Fate.NOWHERE: "the message does not say where it died, or that queue is gone",
}


async def delete(call: Call) -> Response:
    """Delete messages."""
    return await _take_out(call, None)


async def move(call: Call) -> Response:
    """Move messages to a queue, or back to where each of them died first."""
    body = call.body()
    if "dest" not in body:
        raise bad_request("[{key_missing,dest}]")
    dest = text_of(body, "dest")
    return await _take_out(call, Target(None if dest == ORIGIN else dest))


async def _take_out(call: Call, target: Target | None) -> Response:
    require_vhost(call)
    picked = _picked_of(call.body())
    name = call.names["queue"]
    if call.node.views.queue(call.vhost, name) is None:
        raise missing("queue_not_found")
    try:
        came = await change(call, "take_out", name=name, picked=picked, target=target)
    except NotSupportedError as error:
        raise bad_request(str(error)) from error
    except NodeLimitError as error:
        raise HttpError(UNAVAILABLE, "unavailable", str(error)) from error
    fates = cast("TakenOut", came).fates
    if not _DONE.intersection(fates):
        _refuse(fates)
    results = [
        {"place": f"{each.place.lane}.{each.place.position}", "result": fate.value}
        for each, fate in zip(picked, fates, strict=True)
    ]
    return answer({"done": sum([fate in _DONE for fate in fates]), "messages": results})


def _refuse(fates: tuple[Fate, ...]) -> None:
    """Say why nothing was done.

    Raises:
        HttpError: 404, all of them are gone; 409 otherwise.
    """
    first = next((fate for fate in fates if fate is not Fate.GONE), Fate.GONE)
    if first is Fate.GONE:
        raise HttpError(_NOT_FOUND, "not_found", _WHY[first])
    raise HttpError(CONFLICT, "conflict", _WHY[first])


def _picked_of(body: Mapping[str, Any]) -> list[Picked]:
    """Return the messages that a request names, each once.

    Raises:
        HttpError: 400, it names none or too many, or not as an answer showed them; 409, one of
            them is unacked.
    """
    given = body.get("messages")
    if not isinstance(given, list) or not 1 <= len(given) <= PICKED_MAX:
        raise bad_request(f"messages: expected a list of 1 to {PICKED_MAX} messages")
    picked: dict[LookPlace, Picked] = {}
    for each in given:
        if not isinstance(each, dict):
            raise bad_request("messages: expected objects with place and fingerprint")
        if _UNACKED.fullmatch(str(each.get("place"))):
            why = "the message is unacked: it belongs to its consumer until that settles it"
            raise HttpError(CONFLICT, "conflict", why)
        place = place_of(each)
        mark = text_of(each, "fingerprint", "")
        if place is None or not _FINGERPRINT.fullmatch(mark):
            raise bad_request("messages: expected place and fingerprint as an answer showed them")
        picked[place] = Picked(place, mark)
    return list(picked.values())


ROUTES: Final = (
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/messages/delete",
        right=Right.USER,
        handler=delete,
        summary="Delete ready messages that a look showed; what is another one now stays.",
        body="picked",
        answer="taken_out",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/messages/move",
        right=Right.USER,
        handler=move,
        summary="Move ready messages that a look showed to a queue, or to where each died first.",
        body="picked_move",
        answer="taken_out",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
