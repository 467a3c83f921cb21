"""``haremq policies``, ``operator-policies``, ``parameters`` and ``global-parameters``."""

from typing import Any

import click

from command_line.api import path_of
from command_line.commands.fields import json_object, json_value
from command_line.commands.listing import listing
from command_line.leaf import argument, group, leaf, option
from command_line.session import Session

COLUMNS = ("vhost", "name", "pattern", "apply-to", "priority", "definition")


def _policies(place: str, applies_to: str, what: str) -> click.Group:
    """Return the commands on policies, or on operator policies: only their path differs."""

    @leaf(argument("name"), shows=True)
    def show(session: Session, name: str) -> None:
        session.output.thing(session.api.thing(path_of(place, session.vhost, name)))

    @leaf(
        argument("name"),
        argument("pattern"),
        argument("definition"),
        option("--priority", text="The highest that matches counts.", type=int, default=0),
        option("--apply-to", text="What it is for.", default=applies_to, metavar="KIND"),
    )
    def declare(
        session: Session,
        name: str,
        pattern: str,
        definition: str,
        **given: Any,  # noqa: ANN401 -- of options
    ) -> None:
        body = {"pattern": pattern, "definition": json_object(definition, "the definition")}
        body |= {"priority": given["priority"], "apply-to": given["apply_to"]}
        session.api.call("PUT", path_of(place, session.vhost, name), body)

    @leaf(argument("name"), asks=True)
    def delete(session: Session, name: str) -> None:
        path = path_of(place, session.vhost, name)
        session.api.thing(path)
        session.agree(f"delete the {what} {name} of the vhost {session.vhost}")
        session.api.call("DELETE", path)

    show.help = f"Show the {what} of this name."
    declare.help = (
        f"Create or replace the {what} of this name; the pattern is of names of queues and"
        ' exchanges, the definition JSON, such as {"max-length": 5}.'
    )
    delete.help = f"Delete the {what} of this name."
    return group(
        place,
        f"{place.replace('-', ' ').capitalize()}: list, show, declare, delete.",
        listing(place, COLUMNS, f"List each {what}: of all vhosts, or of one.", is_paged=False),
        show,
        declare,
        delete,
    )


@leaf(argument("component", required=False), name="list", shows=True)
def list_parameters(session: Session, component: str | None) -> None:
    """List parameters: all of them, or those of a component; of all vhosts, or of one."""
    rows = session.api.things(path_of("parameters", *([component] if component else [])))
    if session.named_vhost is not None:
        rows = [row for row in rows if row.get("vhost") == session.named_vhost]
    session.output.rows(rows, ("vhost", "component", "name", "value"))


@leaf(argument("component"), argument("name"), argument("value"), name="declare")
def set_parameter(session: Session, component: str, name: str, value: str) -> None:
    """Set a parameter; the value is JSON."""
    path = path_of("parameters", component, session.vhost, name)
    session.api.call("PUT", path, {"value": json_value(value, "the value")})


@leaf(argument("component"), argument("name"), name="delete", asks=True)
def clear_parameter(session: Session, component: str, name: str) -> None:
    """Delete a parameter."""
    session.agree(f"delete the parameter {name} of {component} in the vhost {session.vhost}")
    session.api.call("DELETE", path_of("parameters", component, session.vhost, name))


@leaf(argument("name"), argument("value"), name="declare")
def set_global(session: Session, name: str, value: str) -> None:
    """Set a parameter of the cluster; the value is JSON."""
    path = path_of("global-parameters", name)
    session.api.call("PUT", path, {"value": json_value(value, "the value")})


@leaf(argument("name"), name="delete", asks=True)
def clear_global(session: Session, name: str) -> None:
    """Delete a parameter of the cluster."""
    session.agree(f"delete the parameter {name} of the cluster")
    session.api.call("DELETE", path_of("global-parameters", name))


@leaf(name="list", shows=True)
def list_globals(session: Session) -> None:
    """List the parameters of the cluster."""
    session.output.rows(session.api.things(path_of("global-parameters")), ("name", "value"))


policies: click.Group = _policies("policies", "all", "policy")
operator_policies: click.Group = _policies("operator-policies", "all", "operator policy")
parameters: click.Group = group(
    "parameters",
    "Parameters of vhosts: list, declare, delete.",
    list_parameters,
    set_parameter,
    clear_parameter,
)
global_parameters: click.Group = group(
    "global-parameters",
    "Parameters of the cluster: list, declare, delete.",
    list_globals,
    set_global,
    clear_global,
)
