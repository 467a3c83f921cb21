"""What ends a command early: a text for the user, and an exit status."""

from command_line import exit_status


class CommandError(Exception):
    """A command that cannot go on.

    Attributes:
        status: the exit status; see ``exit_status``.
    """

    def __init__(self, text: str, status: int = exit_status.DATA) -> None:
        super().__init__(text)
        self.status = status


class RefusedError(CommandError):
    """The node answered with an error.

    Attributes:
        http_status: of the answer.
        kind: the ``error`` of its body; empty where it has none.
        reason: the ``reason`` of its body; empty where it has none.
    """

    def __init__(self, text: str, status: int, http_status: int, kind: str, reason: str) -> None:
        super().__init__(text, status)
        self.http_status = http_status
        self.kind = kind
        self.reason = reason
