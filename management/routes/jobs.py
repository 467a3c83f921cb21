"""Jobs: ``queues/…/move`` begins one; ``jobs`` shows them and ends them."""

import json
from operator import itemgetter
from typing import Any, Final, cast

from amqp_server.broker.admin import (
    RATE_MAX,
    AccessRefusedError,
    JobView,
    NodeLimitError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
)
from management.access.account import OPERATOR
from management.bodies.looks import filter_of
from management.call import Call
from management.forwarding import Forwarded, Forwarding
from management.http.body import integer_of, text_of, truth_of
from management.http.errors import (
    CONFLICT,
    UNAVAILABLE,
    HttpError,
    bad_request,
    missing,
    not_authorised,
    not_found,
)
from management.http.request import Request
from management.http.response import Response, answer, empty
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import change, require_vhost

ORIGIN: Final = "origin"

_DIGITS_MAX: Final = 18
_OK: Final = 200


async def move(call: Call) -> Response:
    """Begin to move or copy messages."""
    require_vhost(call)
    body = call.body()
    if "dest" not in body:
        raise bad_request("[{key_missing,dest}]")
    dest = text_of(body, "dest")
    count = None if body.get("count") is None else integer_of(body, "count")
    if count is not None and count < 0:
        raise bad_request("count: expected 0 or more")
    rate = None if body.get("rate") is None else integer_of(body, "rate")
    if rate is not None and not 1 <= rate <= RATE_MAX:
        raise bad_request(f"rate: expected 1 to {RATE_MAX} messages a second")
    given = {
        "dest": None if dest == ORIGIN else dest,
        "count": count,
        "matching": filter_of(body),
        "rate": rate,
        "copies": truth_of(body, "copy", default=False),
        "wake": call.node.request_turn,
    }
    try:
        came = await change(call, "move", name=call.names["queue"], **given)
    except NotSupportedError as error:
        raise bad_request(str(error)) from error
    except NodeLimitError as error:
        raise HttpError(UNAVAILABLE, "unavailable", str(error)) from error
    return answer(_body_of(call, cast("JobView", came)))


async def jobs(call: Call) -> Response:
    """List the user's jobs; those of everyone for one who monitors."""
    return answer(await _jobs(call))


async def job(call: Call) -> Response:
    """Return one job."""
    found = [body for body in await _jobs(call) if str(body["id"]) == call.names["job"]]
    if not found:
        raise not_found()
    return answer(found[0])


async def cancel(call: Call) -> Response:
    """End a job before its next piece."""
    await _carry_out(call, "cancel_job")
    return empty()


async def pause(call: Call) -> Response:
    """Have a job stand still before its next piece."""
    return answer(_body_of(call, cast("JobView", await _carry_out(call, "pause_job", is_on=True))))


async def resume(call: Call) -> Response:
    """Have a job go on that stands still."""
    return answer(_body_of(call, cast("JobView", await _carry_out(call, "pause_job", is_on=False))))


async def _carry_out(call: Call, command: str, **given: object) -> object:
    """Carry out a command on the job of the path, as one who began it or may do so with all."""
    number = call.names["job"]
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS_MAX):
        raise not_found()
    user = None if call.account.is_administrator else call.account.name
    try:
        return await call.node.command(command, number=int(number), username=user, **given)
    except NotFoundError as error:
        raise missing(str(error)) from error
    except AccessRefusedError as error:
        raise not_authorised("User not authorised to access object") from error
    except PreconditionFailedError as error:
        raise HttpError(CONFLICT, "conflict", str(error)) from error


async def _jobs(call: Call) -> list[dict[str, Any]]:
    """Return the jobs of all nodes that the user may see, in the order in which they began."""
    user = None if call.account.is_monitor else call.account.name
    views = cast("tuple[JobView, ...]", await call.node.command("list_jobs", username=user))
    own = [_body_of(call, view) for view in views]
    services = call.services
    if services.peers is None or call.is_forwarded:
        return own
    forwarding = Forwarding(services.node, services.identity.node, services.peers)
    request = Request("GET", "/api/jobs")
    nodes = [each.name for each in forwarding.others()]
    answers = await forwarding.answers_of_all(Forwarded(request, call.account))
    told: set[str] = set()
    for node, came in zip(nodes, answers, strict=True):
        if came is not None and came.status == _OK and isinstance(came.body, bytes):
            rows = json.loads(came.body)
            services.jobs_elsewhere.tell(node, rows, user)
            told.add(node)
            own += rows
    seen = {body["id"] for body in own}
    for body in services.jobs_elsewhere.rows(nodes, told):
        if body["id"] not in seen and user in {None, body["user"]}:
            own.append(body)
    return sorted(own, key=itemgetter("started_at", "id"))


def _body_of(call: Call, view: JobView) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": view.number,
        "node": call.services.identity.node,
        "vhost": view.vhost,
        "source": view.source,
        "dest": ORIGIN if view.dest is None else view.dest,
        "copy": view.copies,
        "user": view.username or OPERATOR.name,
        "state": view.state,
        "total": view.total,
        "moved": view.moved,
        "skipped": view.skipped,
        "unmatched": view.unmatched,
        "started_at": view.begun_at_ms,
    }
    if view.rate is not None:
        body["rate"] = view.rate
    if view.error:
        body["error"] = view.error
    return body


ROUTES: Final = (
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/move",
        right=Right.USER,
        handler=move,
        summary="Begin to move or copy messages to a queue, or to where each died first.",
        body="move",
        answer="job",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="GET",
        path="jobs",
        right=Right.USER,
        handler=jobs,
        summary="List the jobs that go on, and the last ones that are over.",
        answer="job",
        is_list=True,
        extension=True,
    ),
    Route(
        method="GET",
        path="jobs/{job}",
        right=Right.USER,
        handler=job,
        summary="Show a job, and how far it has come.",
        answer="job",
        extension=True,
    ),
    Route(
        method="DELETE",
        path="jobs/{job}",
        right=Right.USER,
        handler=cancel,
        summary="End a job; what it has moved stays moved.",
        extension=True,
        answered_by=AnsweredBy.ANY_NODE,
    ),
    Route(
        method="PUT",
        path="jobs/{job}/pause",
        right=Right.USER,
        handler=pause,
        summary="Have a job stand still before its next piece.",
        answer="job",
        extension=True,
        answered_by=AnsweredBy.ANY_NODE,
    ),
    Route(
        method="PUT",
        path="jobs/{job}/resume",
        right=Right.USER,
        handler=resume,
        summary="Have a job go on that stands still.",
        answer="job",
        extension=True,
        answered_by=AnsweredBy.ANY_NODE,
    ),
)
