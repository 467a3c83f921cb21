"""``haremq definitions``: everything that has a name, out of a node and into one."""

import json
import os
from pathlib import Path

import click

from command_line import exit_status
from command_line.api import path_of
from command_line.commands.fields import json_object
from command_line.errors import CommandError
from command_line.leaf import argument, group, leaf
from command_line.output import json_text
from command_line.session import Session

NEW_FILE_MODE = 0o600
"""Definitions hold the hashes of passwords."""


@leaf(argument("file", required=False), name="export")
def export_definitions(session: Session, file: str | None) -> None:
    """Write definitions to a file, or print them: of all vhosts, or of one."""
    found = session.api.thing(_path(session))
    if file is None or file == "-":
        session.output.raw(json_text(found, indent=2) + "\n")
        return
    write_file(file, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    session.output.said(f"written to {file}")


@leaf(argument("file"), name="import")
def import_definitions(session: Session, file: str) -> None:
    """Add the definitions of a file to a node, or to one vhost; - is standard input."""
    text = session.surface.read(file).removeprefix("\ufeff")
    session.api.call("POST", _path(session), json_object(text, file))


def _path(session: Session) -> str:
    if session.named_vhost is None:
        return path_of("definitions")
    return path_of("definitions", session.named_vhost)


def write_file(name: str, text: str) -> None:
    """Write a file that only its owner may read, as a whole or not at all.

    Raises:
        CommandError: it cannot be written.
    """
    path = Path(name)
    if path.exists() and not path.is_file():
        # Such as /dev/stdout: what it is must stay.
        _write_to(name, text)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_FILE_MODE), "w"
        ) as out:
            out.write(text)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandError(f"{name}: {error.strerror}", exit_status.IO) from error


def _write_to(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", exit_status.IO) from error


definitions: click.Group = group(
    "definitions", "Definitions: export, import.", export_definitions, import_definitions
)
