"""``haremq queues delete-message`` and ``move-message``: single messages that were seen.

``haremq queues peek --columns place,fingerprint,payload`` shows what names a message.
"""

from collections.abc import Sequence
from typing import Final

import click

from command_line import exit_status
from command_line.api import path_of
from command_line.commands.jobs import ORIGIN
from command_line.errors import CommandError
from command_line.leaf import argument, leaf
from command_line.session import Session

COLUMNS: Final = ("place", "result")
DONE: Final = frozenset({"deleted", "moved"})


def _messages() -> click.Argument:
    return click.Argument(["messages"], nargs=-1, required=True, metavar="PLACE@FINGERPRINT...")


@leaf(argument("name"), _messages(), shows=True, asks=True)
def delete_message(session: Session, name: str, messages: Sequence[str]) -> None:
    """Delete ready messages by place and fingerprint, as peek shows them.

    A message that was delivered, or is another one now, stays; the status is then 65.
    """
    session.agree(f"delete {len(messages)} messages of the queue {name}: they are lost")
    _carry_out(session, f"{path_of('queues', session.vhost, name)}/messages/delete", messages, {})


@leaf(argument("name"), argument("dest"), _messages(), shows=True, asks=True)
def move_message(session: Session, name: str, dest: str, messages: Sequence[str]) -> None:
    """Move ready messages by place and fingerprint, as peek shows them, to another queue.

    The queue origin is for each of them the one in which it died first. A message that was
    delivered, or is another one now, stays; the status is then 65.
    """
    where = "where each of them died first" if dest == ORIGIN else f"the queue {dest}"
    session.agree(f"move {len(messages)} messages of the queue {name} to {where}")
    path = f"{path_of('queues', session.vhost, name)}/messages/move"
    _carry_out(session, path, messages, {"dest": dest})


def _carry_out(
    session: Session, path: str, messages: Sequence[str], more: dict[str, object]
) -> None:
    """Ask for it, and show what became of each message.

    Raises:
        CommandError: a message is named in another form, or one stays.
    """
    picked = []
    for message in messages:
        place, found, mark = message.partition("@")
        if not found:
            text = f"{message} is no PLACE@FINGERPRINT, as queues peek shows both"
            raise CommandError(text, exit_status.USAGE)
        picked.append({"place": place, "fingerprint": mark})
    came = session.api.call("POST", path, {**more, "messages": picked})
    session.output.rows(came["messages"], COLUMNS)
    left_count = sum([each["result"] not in DONE for each in came["messages"]])
    if left_count:
        raise CommandError(f"{left_count} of {len(picked)} messages stay", exit_status.DATA)
