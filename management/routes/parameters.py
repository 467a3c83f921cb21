"""Parameters: ``parameters`` of components in vhosts, and ``global-parameters``.

RabbitMQ keeps the limits of vhosts and the operator policies as parameters, too; they are shown
here. The component ``shovel`` defines shovels, ``federation-upstream`` and its sets where links
take messages from. Others are those of plugins that this node does not have: what was imported for
them is kept and shown, and nothing new is taken.
"""

from collections.abc import Iterator
from typing import Any, Final

from amqp_server.broker.admin import (
    FEDERATION_COMPONENTS,
    GlobalParameterDefinition,
    ParameterDefinition,
    PreconditionFailedError,
    local_vhosts,
)
from management.bodies.policies import (
    global_parameter_body,
    kept_parameter_body,
    parameter_body,
    policy_value,
)
from management.call import Call
from management.http.body import require_keys
from management.http.errors import HttpError, bad_request, not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route
from management.vhost_commands import require_vhost

LIMITS: Final = "vhost-limits"
SHOVEL: Final = "shovel"
LIMITS_NAME: Final = "limits"
OPERATOR_POLICY: Final = "operator_policy"
POLICY: Final = "policy"
"""Policies are parameters too; only a request for this component shows them so."""


def _parameters(
    call: Call, component: str | None = None, vhost: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the parameters of one component or all, in one vhost or those the user may enter."""
    views = call.node.views
    vhosts = call.enterable_vhosts() if vhost is None else [vhost]
    seen = set(vhosts)
    if component in {None, LIMITS}:
        for limits in views.vhost_limits():
            if limits.name in seen:
                yield parameter_body(limits.name, LIMITS, LIMITS_NAME, dict(limits.limits))
    for kind in (OPERATOR_POLICY, POLICY):
        if component == kind or (component is None and kind == OPERATOR_POLICY):
            for name in vhosts:
                for policy in views.policies(name, operator=kind == OPERATOR_POLICY):
                    yield parameter_body(name, kind, policy.name, policy_value(policy))
    for parameter in views.parameters(component=component, vhost=vhost):
        if parameter.vhost in seen:
            yield kept_parameter_body(parameter)


async def _listed(call: Call, found: Iterator[dict[str, Any]]) -> Response:
    rows = Rows(found, dict, lambda body: str(body["name"]), is_paged=False)
    return await listed(call, rows)


async def parameters(call: Call) -> Response:
    """Return the parameters of the vhosts that the user may enter."""
    return await _listed(call, _parameters(call))


async def parameters_of_component(call: Call) -> Response:
    """Return the parameters of a component."""
    return await _listed(call, _parameters(call, call.names["component"]))


async def parameters_of_vhost(call: Call) -> Response:
    """Return the parameters of a component in a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, _parameters(call, call.names["component"], call.vhost))


async def parameter(call: Call) -> Response:
    """Return a parameter."""
    return call.answer(_named(call))


def _named(call: Call) -> dict[str, Any]:
    """Return the parameter of the path.

    Raises:
        HttpError: 404, there is none.
    """
    if call.node.has_vhost(call.vhost):
        for body in _parameters(call, call.names["component"], call.vhost):
            if body["name"] == call.names["parameter"]:
                return body
    raise not_found()


async def put_parameter(call: Call) -> Response:
    """Set the limits of a vhost, a shovel or an upstream; no other component is there."""
    body, component = call.body(), call.names["component"]
    require_vhost(call)
    require_keys(body, "value")
    if component in {POLICY, OPERATOR_POLICY}:
        raise bad_request("policies may not be set using this method")
    if component == SHOVEL or component in FEDERATION_COMPONENTS:
        return await _put_checked(call, component, body["value"])
    if component != LIMITS:
        raise _invalid(f"component {component} not found")
    limits, name = body["value"], call.names["parameter"]
    if name != LIMITS_NAME:
        raise bad_request(f"{LIMITS}: expected the name {LIMITS_NAME}")
    if not isinstance(limits, dict):
        raise _invalid(f"{name} not a list {'null' if limits is None else limits}")
    held = any(each.name == call.vhost for each in call.node.views.vhost_limits())
    try:
        await call.node.command("set_vhost_limits", vhost=call.vhost, limits=limits)
    except PreconditionFailedError as error:
        raise _invalid(str(error)) from error
    return created_or_changed(is_new=not held)


def _invalid(text: str) -> HttpError:
    return bad_request(f"Validation failed\n\n{text}\n")


async def _put_checked(call: Call, component: str, value: object) -> Response:
    """Create a shovel, an upstream or a set of them, or replace the one of that name.

    Raises:
        HttpError: 400, it is not valid; each fault is a line.
    """
    name = call.names["parameter"]
    held = call.node.views.parameters(component=component, vhost=call.vhost)
    is_new = all(each.name != name for each in held)
    made = ParameterDefinition(call.vhost, component, name, value)
    _check_local_vhosts(call, value)
    try:
        await call.node.command("set_parameter", parameter=made)
    except PreconditionFailedError as error:
        raise _invalid(str(error)) from error
    return created_or_changed(is_new=is_new)


def _check_local_vhosts(call: Call, value: object) -> None:
    """Refuse a shovel or an upstream in a vhost of this node that the user may not enter.

    Raises:
        HttpError: 400, with RabbitMQ's text.
    """
    for vhost in local_vhosts(value):
        if not call.may_enter(vhost):
            raise _invalid(f'user "{call.account.name}" may not connect to vhost "{vhost}"')


async def delete_parameter(call: Call) -> Response:
    """Delete a parameter."""
    found = _named(call)
    component, name = found["component"], found["name"]
    if component == LIMITS:
        await call.node.command("set_vhost_limits", vhost=call.vhost, limits={})
    elif component in {POLICY, OPERATOR_POLICY}:
        # RabbitMQ lets a policymaker clear an operator policy so.
        raise bad_request("policies may not be cleared using this method")
    else:
        await call.node.command("clear_parameter", name=name, component=component, vhost=call.vhost)
    return empty()


# ── of the cluster ──


async def global_parameters(call: Call) -> Response:
    """Return the parameters of the cluster."""
    found = [global_parameter_body(each) for each in call.node.views.global_parameters()]
    return await _listed(call, iter(found))


def _named_global(call: Call) -> GlobalParameterDefinition | None:
    name = call.names["parameter"]
    held = call.node.views.global_parameters()
    return next((each for each in held if each.name == name), None)


async def global_parameter(call: Call) -> Response:
    """Return a parameter of the cluster."""
    found = _named_global(call)
    if found is None:
        raise not_found()
    return call.answer(global_parameter_body(found))


async def put_global_parameter(call: Call) -> Response:
    """Create a parameter of the cluster, or replace the one of that name."""
    body = call.body()
    require_keys(body, "value")
    is_new = _named_global(call) is None
    made = GlobalParameterDefinition(call.names["parameter"], body["value"])
    await call.node.command("set_parameter", parameter=made)
    return created_or_changed(is_new=is_new)


async def delete_global_parameter(call: Call) -> Response:
    """Delete a parameter of the cluster."""
    found = _named_global(call)
    if found is None:
        raise not_found()
    await call.node.command("clear_parameter", name=found.name, component=None, vhost="")
    return empty()


_ONE: Final = "parameters/{component}/{vhost}/{parameter}"
_GLOBAL: Final = "global-parameters/{parameter}"

ROUTES: Final = (
    Route(
        method="GET",
        path="parameters",
        right=Right.POLICYMAKER,
        handler=parameters,
        summary="The parameters of all vhosts that the user may enter.",
        answer="parameter",
        is_list=True,
    ),
    Route(
        method="GET",
        path="parameters/{component}",
        right=Right.POLICYMAKER,
        handler=parameters_of_component,
        summary="The parameters of a component.",
        answer="parameter",
        is_list=True,
    ),
    Route(
        method="GET",
        path="parameters/{component}/{vhost}",
        right=Right.POLICYMAKER,
        handler=parameters_of_vhost,
        summary="The parameters of a component in a vhost.",
        answer="parameter",
        is_list=True,
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.POLICYMAKER,
        handler=parameter,
        summary="A parameter.",
        answer="parameter",
    ),
    Route(
        method="PUT",
        path=_ONE,
        right=Right.POLICYMAKER,
        handler=put_parameter,
        summary="Set the limits of a vhost, or define a shovel or an upstream.",
        body="value",
    ),
    Route(
        method="DELETE",
        path=_ONE,
        right=Right.POLICYMAKER,
        handler=delete_parameter,
        summary="Delete a parameter.",
    ),
    Route(
        method="GET",
        path="global-parameters",
        right=Right.POLICYMAKER,
        handler=global_parameters,
        summary="The parameters of the cluster.",
        answer="global_parameter",
        is_list=True,
    ),
    Route(
        method="GET",
        path=_GLOBAL,
        right=Right.POLICYMAKER,
        handler=global_parameter,
        summary="A parameter of the cluster.",
        answer="global_parameter",
    ),
    Route(
        method="PUT",
        path=_GLOBAL,
        right=Right.POLICYMAKER,
        handler=put_global_parameter,
        summary="Set a parameter of the cluster.",
        body="value",
    ),
    Route(
        method="DELETE",
        path=_GLOBAL,
        right=Right.POLICYMAKER,
        handler=delete_global_parameter,
        summary="Delete a parameter of the cluster.",
    ),
)
