"""How many logins there were: ``auth/attempts``.

Source: RabbitMQ 3.10 and 4.3, recorded answers: who monitors may reset the numbers too.
"""

from collections.abc import Sequence
from typing import Any, Final

from amqp_server.broker.views import AttemptsView
from management.call import Call
from management.http.errors import not_found
from management.http.response import Response, answer, empty
from management.routing.route import Right, Route


async def attempts(call: Call) -> Response:
    """Return the logins of each protocol."""
    _require_node(call)
    return answer([_body(view) for view in call.node.views.logins_by_protocol()])


async def attempts_by_source(call: Call) -> Response:
    """Return the logins of each address, name and protocol."""
    _require_node(call)
    found: Sequence[AttemptsView] = call.node.views.logins_by_source()
    sources = [{"remote_address": view.address, "username": view.username} for view in found]
    bodies = [_body(view) for view in found]
    return answer([source | body for source, body in zip(sources, bodies, strict=True)])


async def forget(call: Call) -> Response:
    """Begin to count anew."""
    return await _forgotten(call, sources_only=False)


async def forget_sources(call: Call) -> Response:
    """Begin to count the sources anew."""
    return await _forgotten(call, sources_only=True)


async def _forgotten(call: Call, *, sources_only: bool) -> Response:
    _require_node(call)
    await call.node.command("forget_logins", sources_only=sources_only)
    return empty()


def _require_node(call: Call) -> None:
    if call.names["node"] != call.services.identity.node:
        raise not_found()


def _body(view: AttemptsView) -> dict[str, Any]:
    return {
        "protocol": view.protocol,
        "auth_attempts": view.accepted + view.refused,
        "auth_attempts_failed": view.refused,
        "auth_attempts_succeeded": view.accepted,
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="auth/attempts/{node}",
        right=Right.MONITORING,
        handler=attempts,
        summary="How many logins there were, by protocol.",
        answer="login_attempts",
        is_list=True,
    ),
    Route(
        method="DELETE",
        path="auth/attempts/{node}",
        right=Right.MONITORING,
        handler=forget,
        summary="Begin to count logins anew.",
    ),
    Route(
        method="GET",
        path="auth/attempts/{node}/source",
        right=Right.MONITORING,
        handler=attempts_by_source,
        summary="How many logins there were, by address, name and protocol: the last 1,000.",
        answer="login_attempts",
        is_list=True,
    ),
    Route(
        method="DELETE",
        path="auth/attempts/{node}/source",
        right=Right.MONITORING,
        handler=forget_sources,
        summary="Begin to count the sources of logins anew.",
    ),
)
