"""Agreeing, secrets, and standard error that may be gone."""

import io

import pytest

from command_line.api import Api
from command_line.errors import CommandError
from command_line.output import Output
from command_line.session import Session, Surface, own_surface, tell
from command_line.transport import Answer
from tests.support.typed_commands import Scripted


def session(surface: Surface, *, is_agreed: bool = False) -> Session:
    return Session(
        Api(Scripted(Answer(200, {}, b""))), Output(surface), surface, is_agreed=is_agreed
    )


def surface(answer: str | None) -> Surface:
    def typed(_prompt: str) -> str:
        return answer or ""

    return Surface(
        environ={},
        out=io.StringIO(),
        err=io.StringIO(),
        can_ask=answer is not None,
        read={"f": "first\r\nsecond"}.__getitem__,
        read_line=typed,
        read_secret=typed,
    )


def test_what_cannot_be_undone_needs_a_yes() -> None:
    session(surface("y")).agree("delete q")
    session(surface(None), is_agreed=True).agree("delete q")
    for answer, status in (("", 1), ("n", 1), ("yup", 1), (None, 64)):
        with pytest.raises(CommandError) as caught:
            session(surface(answer)).agree("delete q")
        assert caught.value.status == status


def test_a_secret_is_typed_or_read() -> None:
    assert session(surface("typed")).secret(None, "? ") == "typed"
    assert session(surface(None)).secret("f", "? ") == "first"
    with pytest.raises(CommandError):
        session(surface(None)).secret(None, "? ")


def test_the_vhost_is_the_root_where_none_is_named() -> None:
    assert session(surface(None)).vhost == "/"


def test_standard_error_may_be_closed() -> None:
    closed = io.StringIO()
    closed.close()
    tell(Surface(err=closed), "x")
    tell(Surface(err=None), "x")


def test_a_message_does_not_drive_the_terminal() -> None:
    said = io.StringIO()
    tell(Surface(err=said), "there is no \x1b[2J")
    assert said.getvalue() == "there is no \\x1b[2J\n"


def test_a_process_has_a_surface() -> None:
    assert own_surface().environ
