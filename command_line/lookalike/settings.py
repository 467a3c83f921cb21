"""Policies, parameters, limits and definitions of ``rabbitmqctl``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.commands.definitions import write_file
from command_line.commands.fields import json_object
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.accounts import NOT_FOUND, require_vhost, user_of
from command_line.lookalike.results import Done, Result, Rows, Told
from command_line.lookalike.terms import compact
from command_line.lookalike.words import FLAG, TEXT, Call, Command, WrongWordsError, number
from command_line.output import json_text

_POLICY_FIELDS: Final = ("vhost", "name", "pattern", "apply-to", "definition", "priority")


def _decoded(text: str) -> Any:  # noqa: ANN401 -- JSON is anything
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(
            "JSON decoding error. Reason: badarg", exit_status.UNAVAILABLE
        ) from error


def _put(call: Call, path: str, body: object) -> Result:
    """Set something; a refusal is said as the tools say it."""
    try:
        call.api.call("PUT", path, body)
    except RefusedError as error:
        raise CommandError(str(error).rstrip(), exit_status.UNAVAILABLE) from error
    return Done(call.node)


def _clear(call: Call, path: str) -> Result:
    try:
        call.api.call("DELETE", path)
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        raise CommandError("Parameter does not exist", exit_status.UNAVAILABLE) from error
    return Done(call.node)


def _set_policy(place: str, applies_to: str) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        name, pattern, definition = call.args
        require_vhost(call, call.vhost)
        body = {
            "pattern": pattern,
            "definition": _decoded(definition),
            "priority": number(call.options.get("priority", "0"), "the priority"),
            "apply-to": call.options.get("apply-to", applies_to),
        }
        return _put(call, path_of(place, call.vhost, name), body)

    return run


def _clear_policy(place: str) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        require_vhost(call, call.vhost)
        path = path_of(place, call.vhost, call.args[0])
        try:
            call.api.thing(path)
        except RefusedError as error:
            if error.http_status != NOT_FOUND:
                raise
            raise CommandError("Parameter does not exist", exit_status.UNAVAILABLE) from error
        return _clear(call, path)

    return run


def _list_policies(place: str) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        require_vhost(call, call.vhost)
        rows = call.api.things(path_of(place, call.vhost))
        return Rows(
            _POLICY_FIELDS, [{**row, "definition": compact(row["definition"])} for row in rows]
        )

    return run


def set_parameter(call: Call) -> Result:
    """Set a parameter of a component."""
    component, name, value = call.args
    path = path_of("parameters", component, call.vhost, name)
    return _put(call, path, {"value": _decoded(value)})


def clear_parameter(call: Call) -> Result:
    """Delete a parameter of a component."""
    component, name = call.args
    return _clear(call, path_of("parameters", component, call.vhost, name))


def list_parameters(call: Call) -> Result:
    """List the parameters of a vhost."""
    require_vhost(call, call.vhost)
    rows = [row for row in call.api.things(path_of("parameters")) if row["vhost"] == call.vhost]
    shown = [{**row, "value": compact(row["value"])} for row in rows]
    return Rows(("component", "name", "value"), shown)


def set_global_parameter(call: Call) -> Result:
    """Set a parameter of the cluster."""
    name, value = call.args
    return _put(call, path_of("global-parameters", name), {"value": _decoded(value)})


def clear_global_parameter(call: Call) -> Result:
    """Delete a parameter of the cluster."""
    path = path_of("global-parameters", call.args[0])
    try:
        call.api.thing(path)
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        raise CommandError("Parameter does not exist", exit_status.UNAVAILABLE) from error
    return _clear(call, path)


def list_global_parameters(call: Call) -> Result:
    """List the parameters of the cluster."""
    rows = call.api.things(path_of("global-parameters"))
    return Rows(("name", "value"), [{**row, "value": compact(row["value"])} for row in rows])


def _set_limits(call: Call, path: str, definition: str) -> Result:
    limits = _decoded(definition)
    if not isinstance(limits, dict):
        raise CommandError("JSON decoding error. Reason: badarg", exit_status.UNAVAILABLE)
    for name, value in limits.items():
        _put(call, f"{path}/{path_of(name)[5:]}", {"value": value})
    return Done(call.node)


def set_vhost_limits(call: Call) -> Result:
    """Set limits of a vhost."""
    require_vhost(call, call.vhost)
    return _set_limits(call, path_of("vhost-limits", call.vhost), call.args[0])


def clear_vhost_limits(call: Call) -> Result:
    """Lift all limits of a vhost."""
    found = _limits(call, path_of("vhost-limits", call.vhost))
    if not found:
        raise CommandError("Parameter does not exist", exit_status.UNAVAILABLE)
    for name in found:
        _clear(call, path_of("vhost-limits", call.vhost, name))
    return Done(call.node)


def _limits(call: Call, path: str) -> dict[str, Any]:
    rows = call.api.things(path)
    return dict(rows[0]["value"]) if rows else {}


def list_vhost_limits(call: Call) -> Result:
    """List the limits of a vhost, or of all."""
    if call.has("global"):
        return Rows(
            ("vhost", "limits"), _limit_rows(call.api.things(path_of("vhost-limits")), "vhost")
        )
    require_vhost(call, call.vhost)
    found = _limits(call, path_of("vhost-limits", call.vhost))
    text = compact(found).text if found else ""
    return Told(text, {"node": call.node, "result": "ok", "value": text} if found else [])


def _limit_rows(rows: list[Thing], key: str) -> list[dict[str, object]]:
    return [{key: row[key], "limits": compact(row["value"])} for row in rows]


def set_user_limits(call: Call) -> Result:
    """Set limits of a user."""
    user_of(call, call.args[0])
    return _set_limits(call, path_of("user-limits", call.args[0]), call.args[1])


def clear_user_limits(call: Call) -> Result:
    """Lift a limit of a user, or ``all``."""
    name, limit = call.args
    user_of(call, name)
    names = list(_limits(call, path_of("user-limits", name))) if limit == "all" else [limit]
    for each in names:
        call.api.call("DELETE", path_of("user-limits", name, each))
    return Done(call.node)


def list_user_limits(call: Call) -> Result:
    """List the limits of a user, or of all."""
    if call.has("global") or "user" not in call.options:
        return Rows(
            ("user", "limits"), _limit_rows(call.api.things(path_of("user-limits")), "user")
        )
    name = call.options["user"]
    user_of(call, name)
    text = compact(_limits(call, path_of("user-limits", name))).text
    return Told(text, {"message": text})


def export_definitions(call: Call) -> Result:
    """Write all definitions to a file; ``-`` prints them."""
    found = call.api.thing(path_of("definitions"))
    if not call.args or call.args[0] == "-":
        return Told(json_text(found), found)
    write_file(call.args[0], json.dumps(found, ensure_ascii=False))
    return Done(call.node)


def import_definitions(call: Call) -> Result:
    """Add the definitions of a file, or of standard input."""
    name = call.args[0] if call.args else "-"
    text = call.surface.read(name).removeprefix("\ufeff")
    call.api.call("POST", path_of("definitions"), json_object(text, name))
    return Done(call.node)


def _check_file(call: Call) -> None:
    if call.args and call.args[0] != "-" and not Path(call.args[0]).exists():
        text = f"Bad argument: File {call.args[0]} does not exist"
        raise WrongWordsError(text, exit_status.DATA)


_APPLY: Final = {"--priority": TEXT, "--apply-to": TEXT}
_SET: Final = (
    'Setting {what} "{{0}}" for pattern "{{1}}" to "{{2}}" with priority "{{priority}}" for vhost'
    ' "{{call.vhost}}" ...'
)
_PARAMETER: Final = 'runtime parameter "{1}" for component "{0}"'

COMMANDS: Final[Mapping[str, Command]] = {
    "set_policy": Command(
        _set_policy("policies", "all"), _SET.format(what="policy"), least=3, most=3, options=_APPLY
    ),
    "set_operator_policy": Command(
        _set_policy("operator-policies", "all"),
        _SET.format(what="operator policy override"),
        least=3,
        most=3,
        options=_APPLY,
    ),
    "clear_policy": Command(
        _clear_policy("policies"),
        'Clearing policy "{0}" on vhost "{call.vhost}" ...',
        least=1,
        most=1,
    ),
    "clear_operator_policy": Command(
        _clear_policy("operator-policies"),
        'Clearing operator policy "{0}" on vhost "{call.vhost}" ...',
        least=1,
        most=1,
    ),
    "list_policies": Command(
        _list_policies("policies"), 'Listing policies for vhost "{call.vhost}" ...'
    ),
    "list_operator_policies": Command(
        _list_policies("operator-policies"),
        'Listing operator policy overrides for vhost "{call.vhost}" ...',
    ),
    "set_parameter": Command(
        set_parameter,
        f'Setting {_PARAMETER} to "{{2}}" in vhost "{{call.vhost}}" ...',
        least=3,
        most=3,
    ),
    "clear_parameter": Command(
        clear_parameter, f'Clearing {_PARAMETER} on vhost "{{call.vhost}}" ...', least=2, most=2
    ),
    "list_parameters": Command(
        list_parameters, 'Listing runtime parameters for vhost "{call.vhost}" ...'
    ),
    "set_global_parameter": Command(
        set_global_parameter,
        'Setting global runtime parameter "{0}" to "{1}" ...',
        least=2,
        most=2,
    ),
    "clear_global_parameter": Command(
        clear_global_parameter, 'Clearing global runtime parameter "{0}" ...', least=1, most=1
    ),
    "list_global_parameters": Command(
        list_global_parameters, "Listing global runtime parameters ..."
    ),
    "set_vhost_limits": Command(
        set_vhost_limits,
        'Setting vhost limits to "{0}" for vhost "{call.vhost}" ...',
        least=1,
        most=1,
    ),
    "clear_vhost_limits": Command(clear_vhost_limits, 'Clearing vhost "{call.vhost}" limits ...'),
    "list_vhost_limits": Command(
        list_vhost_limits, "Listing limits for {vhosts} ...", options={"--global": FLAG}
    ),
    "set_user_limits": Command(
        set_user_limits, 'Setting user limits to "{1}" for user "{0}" ...', least=2, most=2
    ),
    "clear_user_limits": Command(
        clear_user_limits, 'Clearing "{1}" limit for user "{0}" ...', least=2, most=2
    ),
    "list_user_limits": Command(
        list_user_limits,
        "Listing limits for {users} ...",
        options={"--global": FLAG, "--user": TEXT},
    ),
    "export_definitions": Command(export_definitions, most=1, options={"--format": TEXT}),
    "import_definitions": Command(
        import_definitions,
        "Importing definitions in JSON from {file} ...",
        most=1,
        options={"--format": TEXT, "--skip-if-unchanged": FLAG},
        check=_check_file,
    ),
}
