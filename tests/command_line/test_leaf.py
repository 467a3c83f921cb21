"""What all commands have: options, watching, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from command_line.errors import CommandError
from command_line.leaf import CLEAR, group
from command_line.transport import Answer
from tests.support.typed_commands import END, Scripted, Typed


def test_watching_looks_again_and_clears_only_a_terminal(typed: Typed) -> None:
    for is_terminal, clears in ((False, 0), (True, 3)):
        typed.naps = Naps()
        said = typed("vhosts", "list", "--watch", "2", is_terminal=is_terminal)
        assert (said.out.count("name"), said.out.count(CLEAR)) == (3, clears)


class Naps(list[float]):
    """Ends a command that waits for the third time."""

    def append(self, seconds: float) -> None:
        super().append(seconds)
        if len(self) == 3:
            raise CommandError("", 0)


def test_what_is_shared_is_named_on_the_command_or_by_variables(typed: Typed) -> None:
    typed("queues", "list", "--uri", "http://eve:x@far:5")
    typed.environ["HAREMQ_URI"] = "http://other"
    typed("queues", "list", "--user", "ada", "--password-file", "-", files={"-": "pw\n"})
    first, second = typed.addresses
    assert (first.host, first.user, first.password) == ("far", "eve", "x")
    assert (second.host, second.user, second.password) == ("other", "ada", "pw")


def test_the_vhost_comes_from_the_command_or_a_variable(typed: Typed) -> None:
    typed.environ["HAREMQ_VHOST"] = "w"
    typed("queues", "show", "q")
    typed("queues", "show", "q", "-p", "v")
    assert [path for _, path in typed.asked] == ["/api/queues/w/q", "/api/queues/v/q"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (CommandError("does not answer", 75), 75),
        (Answer(200, {}, b"<html>"), 76),
        (Answer(401, {}, b""), 77),
        (Answer(500, {}, b""), 70),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_status(
    answer: Answer | CommandError, status: int
) -> None:
    said = Typed(way=Scripted(answer))("queues", "list")
    assert (said.status, said.err.count("\n"), said.out) == (status, 1, "")
    assert said.err.startswith("haremq: ")


def test_a_hostile_answer_does_not_drive_the_terminal() -> None:
    body = json.dumps({"reason": "\x1b]0;owned\x07", "error": "x"}).encode()
    said = Typed(way=Scripted(Answer(400, {}, body)))("queues", "list")
    assert "\x1b" not in said.err
    rows = json.dumps([{"name": "\x1b[2J\u202e", "vhost": "\x9b"}]).encode()
    for form in ("table", "json", "jsonl", "csv", "yaml"):
        said = Typed(way=Scripted(Answer(200, {}, rows)))("queues", "list", "-o", form)
        assert not {"\x1b", "\u202e", "\x9b"} & set(said.out)


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, with an input of nothing."""
    return subprocess.run(
        [sys.executable, "-m", "amqp_server", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )


FAR = "http://127.0.0.1:9"
"""Nobody listens there."""


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    done = run("queues", "list", "--uri", FAR, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == f"haremq: {FAR} cannot be reached: Connection refused\n"


@pytest.mark.parametrize("output", [">&-", "> /dev/full", "2>&-", "<&-"])
def test_a_closed_or_full_output_is_no_traceback(output: str) -> None:
    shell = f"{sys.executable} -m amqp_server queues list --uri {FAR} {output}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 69


def test_an_end_of_the_input_while_asked_ends_quietly(typed: Typed) -> None:
    typed("queues", "declare", "q")
    said = typed("queues", "delete", "q", typed=END)
    assert (said.status, said.err) == (130, "")


def test_the_help_of_a_group_says_all_that_a_command_says_of_itself() -> None:
    text = "Show what is there, and what was there before, and all that may come once it is over."
    made = group("things", "What there is.", click.Command("show", help=text))
    shown = made.get_help(click.Context(made, info_name="things"))
    assert text.removesuffix(".") in " ".join(shown.split())
