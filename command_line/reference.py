"""The reference of all commands on a running node, made from the commands themselves."""

from importlib import import_module
from typing import Final

import click

from command_line.catalogue import COMMANDS
from command_line.lookalike.program import NOT_HERE, TOOLS, commands_of

HEAD: Final = """\
# Commands of `haremq` on a running node

This page is generated from the commands: `python -m command_line`. [The command line](cli.md) says
how the node is found, and what the options at the end mean that all commands have.
"""
SHARED: Final = frozenset(
    {
        "uri",
        "profile",
        "user",
        "password_file",
        "tls_ca",
        "insecure",
        "timeout",
        "vhost",
        "output",
        "columns",
        "no_head",
        "watch",
        "yes",
    }
)
"""Options that are said once, and not with each command."""


def reference() -> str:
    """Return the page."""
    parts = [HEAD]
    for section in dict.fromkeys(row.section for row in COMMANDS.values()):
        parts.append(f"## {section}\n")
        for name, row in COMMANDS.items():
            if row.section == section:
                parts += _command(f"haremq {name}", _loaded(row.place))
    parts += _shared()
    parts += _lookalikes()
    return "\n".join(parts)


def _loaded(place: str) -> click.Command:
    module, _, attribute = place.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command), "the catalogue names commands"
    return command


def _command(name: str, command: click.Command) -> list[str]:
    if isinstance(command, click.Group):
        inner = [_command(f"{name} {each}", found) for each, found in command.commands.items()]
        return [line for lines in inner for line in lines]
    arguments = " ".join(map(_argument, command.params)).strip()
    title = f"### `{name} {arguments}`\n" if arguments else f"### `{name}`\n"
    text = " ".join((command.help or "").split())
    options = [_option(each) for each in command.params if _is_own(each)]
    return [title, f"{text}\n", *(["\n".join(options) + "\n"] if options else [])]


def _is_own(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.name not in SHARED


def _argument(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Argument):
        return ""
    name = (parameter.name or "").upper()
    many = "..." if parameter.nargs == -1 else ""
    return f"{name}{many}" if parameter.required else f"[{name}{many}]"


def _option(parameter: click.Parameter) -> str:
    assert isinstance(parameter, click.Option), "an argument is in the title"
    value = "" if parameter.is_flag else f" {parameter.metavar or _kind(parameter)}"
    names = ", ".join(f"`{name}{value}`" for name in parameter.opts)
    return f"- {names}: {' '.join((parameter.help or '').split())}"


def _kind(parameter: click.Option) -> str:
    if isinstance(parameter.type, click.Choice):
        return "|".join(map(str, parameter.type.choices))
    return parameter.type.name.split()[0].upper()


def _shared() -> list[str]:
    """Return the options that commands share, once."""
    seen: dict[str, str] = {}
    for row in COMMANDS.values():
        command = _loaded(row.place)
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for each in leaves:
            for parameter in each.params:
                if parameter.name in SHARED and isinstance(parameter, click.Option):
                    seen.setdefault(parameter.name, _option(parameter))
    return ["## Options that commands share\n", "\n".join(seen.values()) + "\n"]


def _lookalikes() -> list[str]:
    lines = ["## RabbitMQ's tools\n", "`haremq as NAME`, or a link of that name to `haremq`.\n"]
    for tool in TOOLS:
        names = ", ".join(f"`{name}`" for name in sorted(commands_of(tool)))
        lines.append(f"- `{tool}`: {names}")
    refused = ", ".join(f"`{name}`" for name in sorted(NOT_HERE))
    return [*lines, "", f"Refused, with what there is in their place: {refused}.\n"]
