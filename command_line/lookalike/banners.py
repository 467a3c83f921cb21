"""The lines that RabbitMQ's tools print before they do something."""

from typing import Final

from command_line.lookalike.words import Call, Command

AWAIT_S: Final = "120"


def banner(call: Call, command: Command) -> str:
    """Return the line of a command; empty is none."""
    missing = [""] * (2 + (command.most or 0))
    return command.banner.format(*call.args, *missing, call=call, **_values(call))


def _values(call: Call) -> dict[str, str]:
    first, rest = (*call.args, "")[0], list(call.args[1:])
    conditions = [
        text
        for flag, text in (("if-empty", "queue is empty"), ("if-unused", "queue is unused"))
        if call.has(flag)
    ]
    is_all = call.has("global")
    return {
        "tags": f"[{', '.join(rest)}]",
        "on": f' on "{rest[0]}"' if rest else "",
        "priority": call.options.get("priority", "0"),
        "vhosts": "all vhosts" if is_all else f'vhost "{call.vhost}"',
        "users": f'user "{call.options["user"]}"' if "user" in call.options else "all users",
        "file": f'a file at "{first}"' if first else "standard input",
        "conditions": f"if {' and if '.join(conditions)} " if conditions else "",
        "scope": "" if is_all else f"in vhost {call.vhost}",
        "waiting": (
            f"Waiting for pid {call.options['pid']}..."
            if "pid" in call.options
            else f"Waiting for pid file '{first}' to appear"
        ),
        "pattern": first or ".*",
        "plugins": "\n".join(call.args),
        "balanced": "all queues" if first == "all" else f"{first} queues",
        "down": "which are down " if call.has("only-down") else "",
        "seconds": call.options.get("timeout", AWAIT_S),
    }
