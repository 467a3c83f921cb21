"""The exit statuses of commands, which scripts branch on. The numbers are those of sysexits.h.

Source: RabbitMQ's command-line tools use the same numbers; ``amqp_server/exit_status.py`` has those
of a node.
"""

from typing import Final

OK: Final = 0
FAILED: Final = 1
"""The user said no."""

USAGE: Final = 64
"""The command line is wrong, or asks for what is not there."""

DATA: Final = 65
"""What was asked for does not exist, or the node refuses what was sent."""

NO_USER: Final = 67
"""There is no such user."""

UNAVAILABLE: Final = 69
"""The node cannot be reached, or a health check fails."""

SOFTWARE: Final = 70
"""The node failed, or a user exists already (of the look-alikes)."""

IO: Final = 74
"""A file or the output cannot be read or written."""

TEMPORARY: Final = 75
"""No answer in time, or the node has too much to do."""

PROTOCOL: Final = 76
"""The answer is none of the HTTP API."""

NO_PERMISSION: Final = 77
"""The user may not, or the password is wrong."""

CONFIGURATION: Final = 78
"""The file of profiles is wrong."""

INTERRUPTED: Final = 130
"""Ctrl-C, as shells say it."""
