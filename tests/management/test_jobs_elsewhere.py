"""A job that ended with its node is shown, and said to have failed."""

from typing import Any

from management.jobs_elsewhere import ENDED_MAX, JobsElsewhere


def row(number: int, state: str = "running", node: str = "b", user: str = "eve") -> dict[str, Any]:
    return {"id": number, "node": node, "state": state, "user": user}


def test_a_job_ends_with_its_node() -> None:
    jobs = JobsElsewhere()
    jobs.tell("b", [row(1), row(2, "done"), row(3, "paused")], None)
    assert jobs.rows({"b"}, {"b"}) == []
    first, second = jobs.rows(set(), set())
    assert (first["id"], first["state"], second["id"]) == (1, "failed", 3)
    assert first["error"].startswith("b has ended, or was cut off")
    assert len(jobs.rows({"b"}, {"b"})) == 2, "it stays over"


def test_a_job_ends_with_an_earlier_process_of_its_node() -> None:
    jobs = JobsElsewhere()
    jobs.tell("b", [row(1), row(2, user="bob")], None)
    jobs.tell("b", [], "eve")
    assert [each["id"] for each in jobs.rows({"b"}, {"b"})] == [1]
    jobs.tell("b", [], None)
    assert [each["id"] for each in jobs.rows({"b"}, {"b"})] == [1, 2]
    jobs.tell("c", [], None)


def test_a_node_that_is_late_has_its_jobs_as_they_were() -> None:
    jobs = JobsElsewhere()
    jobs.tell("b", [row(1)], None)
    assert jobs.rows({"b"}, set()) == [row(1)]
    jobs.tell("b", [row(1, "done")], None)
    assert jobs.rows({"b"}, set()) == []


def test_a_node_that_was_cut_off_and_is_back_tells_better() -> None:
    jobs = JobsElsewhere()
    jobs.tell("b", [row(1)], None)
    assert len(jobs.rows(set(), set())) == 1
    jobs.tell("b", [row(1)], None)
    assert jobs.rows({"b"}, {"b"}) == []


def test_the_oldest_are_forgotten() -> None:
    jobs = JobsElsewhere()
    jobs.tell("b", [row(number) for number in range(ENDED_MAX + 5)], None)
    shown = jobs.rows(set(), set())
    assert [shown[0]["id"], len(shown)] == [5, ENDED_MAX]
