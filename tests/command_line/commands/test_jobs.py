"""``haremq jobs``, and the wait for one."""

import json
from collections.abc import Iterator, Mapping

import pytest

from command_line import exit_status
from command_line.errors import CommandError
from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Typed

JOB = {
    "id": 7,
    "vhost": "/",
    "source": "a",
    "dest": "b",
    "copy": False,
    "user": "guest",
    "state": "running",
    "total": 600,
    "moved": 0,
    "skipped": 0,
    "started_at": 1,
}


class Going(Scripted):
    """A job that goes on with each look at it, as told; an error is raised."""

    def __init__(self, *later: object) -> None:
        super().__init__(Answer(200, {}, b""))
        self._later: Iterator[object] = iter(later)

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.asked.append((method, path, body))
        if method == "DELETE":
            return Answer(204, {}, b"")
        found: object = JOB
        if path == "/api/jobs/7":
            found = next(self._later)
            if isinstance(found, BaseException):
                raise found
        return Answer(200, {}, json.dumps(found).encode())


def job(state: str, moved: int, **more: object) -> dict[str, object]:
    return {**JOB, "state": state, "moved": moved, **more}


def test_jobs_are_listed_shown_and_ended(typed: Typed) -> None:
    for name in ("a", "b"):
        typed("queues", "declare", name)
    typed("publish", "a", "hello")
    number = typed("queues", "move", "a", "b", "--yes", "--no-wait").out.strip()
    assert (number, typed("jobs", "list", "-o", "json").json[0]["moved"]) == ("1", 1)
    assert typed("jobs", "list", "-p", "elsewhere", "-o", "json").json == []
    assert typed("job", "show", number, "-o", "json").json["state"] == "done"
    assert typed("jobs", "cancel", number).status == 0
    assert typed("jobs", "pause", number).status == typed("jobs", "resume", number).status == 65
    assert typed("jobs", "cancel", "99").status == typed("jobs", "show", "99").status == 65
    assert typed("jobs", "show", "x").status == 64


def test_a_person_sees_how_far_it_has_come() -> None:
    user = Typed(way=Going(job("running", 256), job("done", 600)))
    said = user("queues", "move", "a", "b", "-y", is_terminal=True)
    assert (said.status, said.err) == (0, "")
    first, second, last = said.out.split("\r\x1b[K")[1:]
    assert first == "job 7 running: 0 of 600 moved"
    assert second == "job 7 running: 256 of 600 moved"
    assert last == "job 7 done: 600 of 600 moved\n"
    assert user.naps == [0.05, 0.1]


def test_looks_become_seldom() -> None:
    user = Typed(way=Going(*[JOB] * 9, job("done", 600)))
    assert user("queues", "move", "a", "b", "-y").out == "job 7 done: 600 of 600 moved\n"
    assert max(user.naps) == 1.0


def test_ctrl_c_cancels_it_and_says_what_it_has_done() -> None:
    way = Going(KeyboardInterrupt(), job("cancelled", 256))
    said = Typed(way=way)("queues", "move", "a", "b", "-y", is_terminal=True)
    assert said.status == exit_status.INTERRUPTED
    assert said.err == "job 7 cancelled: 256 of 600 moved\n"
    assert [(method, path) for method, path, _ in way.asked][-2:] == [
        ("DELETE", "/api/jobs/7"),
        ("GET", "/api/jobs/7"),
    ]


@pytest.mark.parametrize(
    "again", [KeyboardInterrupt(), CommandError("gone", exit_status.UNAVAILABLE)]
)
def test_ctrl_c_says_what_to_do_where_it_cannot_cancel(again: BaseException) -> None:
    said = Typed(way=Going(KeyboardInterrupt(), again))("queues", "move", "a", "b", "-y")
    assert said.status == exit_status.INTERRUPTED
    assert said.err.startswith("job 7 may go on: haremq jobs cancel 7 ends it\n")


def test_a_node_that_goes_is_no_end_of_the_job() -> None:
    way = Going(job("running", 256), CommandError("gone", exit_status.UNAVAILABLE))
    said = Typed(way=way)("queues", "move", "a", "b", "-y")
    assert said.status == exit_status.UNAVAILABLE
    assert said.err.startswith("job 7 running: 256 of 600 moved when it was last seen; ")
    assert "DELETE" not in {method for method, _, _ in way.asked}


def test_a_job_is_paused_and_resumed(typed: Typed) -> None:
    for name in ("a", "b"):
        typed("queues", "declare", name)
    for body in ("1", "2", "3"):
        typed("publish", "a", body)
    number = typed("queues", "move", "a", "b", "--yes", "--no-wait", "--rate", "1").out.strip()
    assert typed("jobs", "pause", number, "-o", "json").json["state"] == "paused"
    assert typed("jobs", "show", number, "-o", "json").json["state"] == "paused"
    assert typed("jobs", "resume", number, "-o", "json").json["state"] == "running"


def test_a_wait_goes_on_while_a_job_is_paused() -> None:
    way = Going(job("paused", 1), job("done", 600))
    said = Typed(way=way)("queues", "move", "a", "b", "-y")
    assert said.out == "job 7 done: 600 of 600 moved\n"
