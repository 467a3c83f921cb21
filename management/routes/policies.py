"""Policies: ``policies`` and ``operator-policies``."""

from functools import partial
from typing import Any, Final, NamedTuple

from amqp_server.broker.admin import Policy, PreconditionFailedError
from management.bodies.policies import policy_body
from management.call import Call
from management.http.body import require_keys
from management.http.errors import bad_request, not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route
from management.vhost_commands import require_vhost


class _Held(NamedTuple):
    """A policy, and its vhost."""

    vhost: str
    policy: Policy


async def policies(call: Call, *, operator: bool) -> Response:
    """Return the policies of the vhosts that the user may enter."""
    return await _listed(call, call.enterable_vhosts(), operator=operator)


async def policies_of_vhost(call: Call, *, operator: bool) -> Response:
    """Return the policies of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, [call.vhost], operator=operator)


async def _listed(call: Call, vhosts: list[str], *, operator: bool) -> Response:
    views = call.node.views
    held = (
        _Held(vhost, policy)
        for vhost in vhosts
        if call.node.has_vhost(vhost)
        for policy in views.policies(vhost, operator=operator)
    )
    rows = Rows(held, lambda each: policy_body(*each), lambda each: each.policy.name)
    return await listed(call, rows._replace(is_paged=False))


async def policy(call: Call, *, operator: bool) -> Response:
    """Return a policy."""
    found = call.node.views.policy(call.vhost, call.names["policy"], operator=operator)
    if found is None:
        raise not_found()
    return call.answer(policy_body(call.vhost, found))


async def put_policy(call: Call, *, operator: bool) -> Response:
    """Create a policy, or replace the one of that name."""
    require_vhost(call)
    body, name = call.body(), call.names["policy"]
    require_keys(body, "pattern", "definition")
    made = Policy(
        name,
        _pattern_of(body),
        _definition_of(body),
        _priority_of(body),
        _scope_of(body),
    )
    is_new = call.node.views.policy(call.vhost, name, operator=operator) is None
    try:
        await call.node.command("set_policy", vhost=call.vhost, policy=made, operator=operator)
    except PreconditionFailedError as error:
        raise _invalid(str(error)) from error
    return created_or_changed(is_new=is_new)


async def delete_policy(call: Call, *, operator: bool) -> Response:
    """Delete a policy."""
    name = call.names["policy"]
    if call.node.views.policy(call.vhost, name, operator=operator) is None:
        raise not_found()
    await call.node.command("clear_policy", vhost=call.vhost, name=name, operator=operator)
    return empty()


def _pattern_of(body: dict[str, Any]) -> str:
    pattern = body["pattern"]
    if not isinstance(pattern, str):
        shown = "null" if pattern is None else pattern
        raise _invalid(f"pattern should be a binary but was {shown}")
    return pattern


def _definition_of(body: dict[str, Any]) -> dict[str, Any]:
    definition = body["definition"]
    if not isinstance(definition, dict):
        raise _invalid("definition should be an object")
    return definition


def _priority_of(body: dict[str, Any]) -> int:
    priority = body.get("priority", 0)
    if isinstance(priority, float) and priority.is_integer():
        priority = int(priority)
    if isinstance(priority, bool) or not isinstance(priority, int):
        shown = "null" if priority is None else f'<<"{priority}">>'
        raise _invalid(f"priority should be a number, actually was {shown}")
    return priority


def _scope_of(body: dict[str, Any]) -> str:
    scope = body.get("apply-to", "all")
    return "null" if scope is None else str(scope)


def _invalid(text: str) -> Exception:
    return bad_request(f"Validation failed\n\n{text}\n")


def _routes(path: str, right: Right, *, operator: bool) -> tuple[Route, ...]:
    """Return the routes of policies, or of operator policies.

    Args:
        path: of the list.
        right: to look at one, and to change it.
        operator: which ones.
    """
    noun = "operator policy" if operator else "policy"
    nouns = "operator policies" if operator else "policies"
    one = f"{path}/{{vhost}}/{{policy}}"
    return (
        Route(
            method="GET",
            path=path,
            right=Right.USER,
            handler=partial(policies, operator=operator),
            summary=f"The {nouns} of all vhosts that the user may enter.",
            answer="policy",
            is_list=True,
        ),
        Route(
            method="GET",
            path=f"{path}/{{vhost}}",
            right=Right.USER,
            handler=partial(policies_of_vhost, operator=operator),
            summary=f"The {nouns} of a vhost.",
            answer="policy",
            is_list=True,
        ),
        Route(
            method="GET",
            path=one,
            right=right,
            handler=partial(policy, operator=operator),
            summary=f"One {noun}.",
            answer="policy",
        ),
        Route(
            method="PUT",
            path=one,
            right=right,
            handler=partial(put_policy, operator=operator),
            summary=f"Create or replace one {noun}.",
            body="policy",
            needs_json_type=operator,
        ),
        Route(
            method="DELETE",
            path=one,
            right=right,
            handler=partial(delete_policy, operator=operator),
            summary=f"Delete one {noun}.",
        ),
    )


ROUTES: Final = (
    *_routes("policies", Right.POLICYMAKER, operator=False),
    *_routes("operator-policies", Right.ADMINISTRATOR, operator=True),
)
