"""``rabbitmq-plugins``: what plugins of RabbitMQ have is in the node, and is always on."""

import re
from collections.abc import Mapping
from typing import Any, Final

from command_line import exit_status
from command_line.api import path_of
from command_line.errors import CommandError
from command_line.lookalike.node import the_node
from command_line.lookalike.results import Result, Told
from command_line.lookalike.words import FLAG, Call, Command


def _enabled(call: Call) -> list[str]:
    return [str(each) for each in the_node(call).get("enabled_plugins") or []]


def show(call: Call) -> Result:
    """List plugins: those of RabbitMQ whose work the node does."""
    try:
        pattern = re.compile(call.args[0] if call.args else ".*")
    except re.error as error:
        raise CommandError(f"the pattern cannot be read: {error}", exit_status.USAGE) from error
    names = [name for name in sorted(_enabled(call)) if pattern.search(name)]
    if call.has("minimal"):
        value: dict[str, Any] = {"format": "minimal", "plugins": [{"name": name} for name in names]}
        return Told("\n".join(names), {**value, "status": "running"})
    version = str(call.api.get(path_of("version")))
    wide = max(map(len, names), default=0)
    lines = [f"[E*] {name:<{wide}} {version}" for name in names]
    if not (call.has("quiet") or call.has("silent")):
        lines = [
            " Configured: E = explicitly enabled; e = implicitly enabled",
            f" | Status: * = running on {call.node}",
            " |/",
            *lines,
        ]
    octets = [ord(each) for each in version]
    plugins = [
        {
            "enabled": "enabled",
            "name": name,
            "running": True,
            "running_version": octets,
            "version": octets,
        }
        for name in names
    ]
    return Told("\n".join(lines), {"format": "normal", "plugins": plugins, "status": "running"})


def is_enabled(call: Call) -> Result:
    """Succeed if all of these plugins are on."""
    enabled = _enabled(call)
    missing = [name for name in call.args if name not in enabled]
    if missing:
        text = (
            f"Error:\nPlugin {missing[0]} is not enabled on node {call.node}. Enabled plugins and"
            f" dependencies: {', '.join(sorted(enabled))}"
        )
        raise CommandError(text, exit_status.UNAVAILABLE)
    word = "Plugin" if len(call.args) == 1 else "Plugins"
    verb = "is" if len(call.args) == 1 else "are"
    text = f"{word} {', '.join(call.args)} {verb} enabled on node {call.node}"
    return Told(text, {"message": text, "result": "ok"})


def enable(call: Call) -> Result:
    """Succeed if these plugins are on: they cannot be switched."""
    enabled = _enabled(call)
    names = enabled if call.has("all") else list(call.args)
    missing = [f":{name}" for name in names if name not in enabled]
    if missing:
        text = f"Error:\n{{:plugins_not_found, [{', '.join(missing)}]}}"
        raise CommandError(text, exit_status.SOFTWARE)
    listed = "\n".join(f"  {name}" for name in names)
    text = f"The following plugins have been configured:\n{listed}\nPlugin configuration unchanged."
    return Told(text, {"enabled": names, "mode": "online", "started": [], "stopped": []})


def disable(call: Call) -> Result:
    """Refuse: what a plugin has is in the node."""
    on = [name for name in call.args if name in _enabled(call)]
    if on:
        text = f"Error:\n{', '.join(on)}: what this plugin has is in HareMQ, and is always on"
        raise CommandError(text, exit_status.UNAVAILABLE)
    return Told("Plugin configuration unchanged.", {"stopped": []})


_LIST: Final = {
    "--enabled": FLAG,
    "--implicitly-enabled": FLAG,
    "--minimal": FLAG,
    "--verbose": FLAG,
}
_WHERE: Final = {"--online": FLAG, "--offline": FLAG, "--all": FLAG}

COMMANDS: Final[Mapping[str, Command]] = {
    "list": Command(
        show,
        'Listing plugins with pattern "{pattern}" ...',
        most=1,
        options=_LIST,
        short={
            "-e": "--implicitly-enabled",
            "-E": "--enabled",
            "-m": "--minimal",
            "-v": "--verbose",
        },
    ),
    "is_enabled": Command(
        is_enabled,
        "Asking node {call.node} if plugin {0} is enabled...",
        least=1,
        most=None,
        options=_WHERE,
    ),
    "enable": Command(
        enable, "Enabling plugins on node {call.node}:\n{plugins}", most=None, options=_WHERE
    ),
    "disable": Command(
        disable, "Disabling plugins on node {call.node}:\n{plugins}", most=None, options=_WHERE
    ),
}
