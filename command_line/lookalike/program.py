"""A look-alike by its name: reads the command line, prints, and returns the exit status."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from command_line import exit_status
from command_line.address import Wanted, resolve
from command_line.api import Api
from command_line.errors import CommandError
from command_line.escape import escaped_lines
from command_line.leaf import TIMEOUT_S
from command_line.lookalike.banners import banner
from command_line.lookalike.results import written
from command_line.lookalike.words import (
    Call,
    Command,
    PlainError,
    Typed,
    WrongWordsError,
    taken_apart,
    wrong,
)
from command_line.output import Output, ReaderLeftError
from command_line.session import Surface, own_surface

TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "rabbitmqctl": ("accounts", "lists", "settings", "changes", "node", "federation"),
    "rabbitmq-diagnostics": ("diagnostics", "node", "lists"),
    "rabbitmq-plugins": ("plugins",),
    "rabbitmq-queues": ("queues",),
    "rabbitmq-streams": ("streams",),
    "rabbitmq-upgrade": ("upgrade",),
}
"""The modules that have the commands of each tool."""

ADMIN: Final = "rabbitmqadmin"
NAMES: Final = (*TOOLS, ADMIN)

NOT_HERE: Final[Mapping[str, str]] = {
    "eval": "HareMQ does not run Erlang",
    "eval_file": "HareMQ does not run Erlang",
    "remote_shell": "HareMQ does not run Erlang",
    "observer": "HareMQ does not run Erlang",
    "environment": "see haremq explain-config for the settings",
    "stop": "stop the service, or send SIGTERM to the process",
    "shutdown": "stop the service, or send SIGTERM to the process",
    "stop_app": "stop the service; a node has no part that stops alone",
    "start_app": "start the service; a node has no part that starts alone",
    "reset": "stop the node and remove its data directory",
    "force_reset": "stop the node and remove its data directory",
    "join_cluster": "there are no clusters yet",
    "change_cluster_node_type": "there are no clusters yet",
    "rename_cluster_node": "there are no clusters yet",
    "sync_queue": "there are no mirrors",
    "cancel_sync_queue": "there are no mirrors",
    "log_tail": "read the log of the service, or haremq logs",
    "log_location": "the log is the standard error of the node",
    "rotate_logs": "the log is the standard error of the node",
    "set_log_level": "log levels are settings of the service",
    "set_vm_memory_high_watermark": "set broker.memory_high_watermark_ratio in the settings file",
    "set_disk_free_limit": "set broker.disk_free_limit_bytes in the settings file",
    "encode": "settings hold no encrypted values",
    "decode": "settings hold no encrypted values",
}
"""Commands of RabbitMQ that HareMQ does not have, and what there is in their place."""


def run(tool: str, words: Sequence[str], surface: Surface | None = None) -> int:
    """Carry out a command line of a tool; return the exit status.

    Args:
        tool: one of ``NAMES``.
        words: behind its name.
        surface: the process around it; None is this one.
    """
    around = own_surface() if surface is None else surface
    try:
        if tool == ADMIN:
            from command_line.lookalike.admin import run_admin  # noqa: PLC0415 -- seldom

            return run_admin(words, around)
        return _run(tool, words, around)
    except ReaderLeftError:
        return exit_status.OK
    except KeyboardInterrupt:
        return exit_status.INTERRUPTED


def commands_of(tool: str) -> dict[str, Command]:
    """Return the commands of a tool, by name."""
    found: dict[str, Command] = {}
    for module in reversed(TOOLS[tool]):
        found |= import_module(f"command_line.lookalike.{module}").COMMANDS
    return found


def _run(tool: str, words: Sequence[str], surface: Surface) -> int:
    commands = commands_of(tool)
    typed = taken_apart(words, commands)
    if {"--help", "-h"} & set(words):
        return _help(tool, commands, surface, status=exit_status.OK)
    command = commands.get(typed.name)
    if command is None:
        return _unknown(tool, typed.name, commands, surface)
    problem = wrong(typed, command)
    try:
        if problem:
            raise WrongWordsError(problem, exit_status.USAGE)  # noqa: TRY301 -- said as the others
        return _carry_out(typed, command, surface)
    except WrongWordsError as error:
        given = " ".join(words)
        text = f"Error (argument validation): {error}\nArguments given:\n\t{given}\n\n"
        return _failed(surface, text + _usage(tool, typed.name), error.status)


def _carry_out(typed: Typed, command: Command, surface: Surface) -> int:
    form = typed.options.get("formatter", "")
    is_silent = "silent" in typed.options
    is_quiet = is_silent or "quiet" in typed.options or form in {"json", "csv", "json_stream"}
    output = Output(_Out(surface))
    try:
        call = _call(typed, surface)
        if command.check is not None:
            command.check(call)
        if command.banner and not is_quiet:
            output.text(banner(call, command) + "\n")
            output.flush()
        result = command.run(call)
        has_head = not is_silent and "no-table-headers" not in typed.options
        output.raw(written(result, form, has_head=has_head, is_silent=is_silent))
        output.flush()
    except WrongWordsError:
        raise
    except CommandError as error:
        return _failed(surface, _error_text(error), error.status)
    return exit_status.OK


def _call(typed: Typed, surface: Surface) -> Call:
    address, vhost = resolve(Wanted(), surface.around())
    timeout = typed.options.get("timeout", "")
    try:
        timeout_s = float(timeout) if timeout not in {"", "infinity"} else TIMEOUT_S
    except ValueError as error:
        raise CommandError(f"the timeout must be a number, not {timeout}", 64) from error
    if timeout_s <= 0:
        text = f"Error: operation {typed.name} timed out. Timeout value used: {timeout}"
        raise CommandError(text, exit_status.TEMPORARY)
    options = {**({"vhost": vhost} if vhost else {}), **typed.options}
    api = Api(surface.connect(address, timeout_s))
    call = Call(typed.name, typed.args, options, api, surface)
    wanted = typed.options.get("node", "")
    if wanted and wanted != call.node and wanted != call.node.partition("@")[0]:
        text = (
            f"Error: unable to perform an operation on node '{wanted}'."
            f" The node at {api.shown} is {call.node}."
        )
        raise CommandError(text, exit_status.UNAVAILABLE)
    return call


def _error_text(error: CommandError) -> str:
    text = str(error)
    is_whole = isinstance(error, PlainError) or text.startswith("Error")
    return text if is_whole else f"Error:\n{text}"


def _failed(surface: Surface, text: str, status: int) -> int:
    if surface.err is not None and text:
        try:
            surface.err.write(escaped_lines(text) + "\n")
            surface.err.flush()
        except (OSError, ValueError):
            pass
    return status


def _unknown(tool: str, name: str, commands: Mapping[str, Command], surface: Surface) -> int:
    if name in {"help", "--help", ""}:
        return _help(tool, commands, surface, status=exit_status.OK if name else exit_status.USAGE)
    reason = NOT_HERE.get(name)
    text = f"\nCommand '{name}' not found. \n"
    if reason is not None:
        text = f"\nCommand '{name}' is none of HareMQ: {reason}. \n"
    return _failed(surface, f"{text}\n{_usage(tool, '')}", exit_status.USAGE)


def _help(tool: str, commands: Mapping[str, Command], surface: Surface, *, status: int) -> int:
    lines = [_usage(tool, ""), "", "Commands:", *(f"   {name}" for name in sorted(commands))]
    if status:
        return _failed(surface, "\n" + "\n".join(lines), status)
    Output(_Out(surface)).text("\n".join(lines) + "\n")
    return status


def _usage(tool: str, name: str) -> str:
    return f"Usage\n\n{tool} [--node <node>] [--quiet] {name or '<command>'} [<arguments>]\n"


class _Out:
    """The output of a surface. What is drawn is the tools' own, so that no form is chosen by it."""

    def __init__(self, surface: Surface) -> None:
        self.out = surface.out
        self.is_terminal = False


def main(tool: str) -> None:
    """Run a tool with the command line of this process, and end with its status."""
    sys.exit(run(tool, sys.argv[1:]))
