"""A judge between two toys: a planted fault is found and made small, a whim is not counted."""

from collections.abc import Callable, Sequence

from conformance.random.declared import Declared
from conformance.random.player import Seen
from conformance.random.script import Message, Script, Step
from conformance.random.verdict import DECLARED_SAME, DIFFERENT, SAME, UNSTABLE, Judge

PLANTED = Declared(
    "newest-first",
    "the newest",
    "the oldest",
    "planted",
    lambda it: it.difference.first_lines() == ("basic.getok <m1>", "basic.getok <m3>"),
)


def script_of(*words: str) -> list[Step]:
    """Make a script: ``+m1`` publishes, ``-`` gets, and other words do nothing."""
    return [step_of(word) for word in words]


def step_of(word: str) -> Step:
    if word.startswith("+"):
        return Step("A1", "basic.publish", {}, (Message(word[1:]),))
    return Step("A1", "basic.get") if word == "-" else Step("B1", "channel.flow")


class Toy:
    """A broker with one queue; a get takes the newest of ``newest_from`` or more; None is never."""

    def __init__(self, newest_from: int | None = None, whim: Callable[[], str] = str) -> None:
        self._newest_from = newest_from
        self._whim = whim
        self.played = 0

    def __call__(self, script: Script, quiet_rounds: int) -> Sequence[Seen]:
        self.played += 1
        queue: list[str] = []
        seen: list[Seen] = []
        for step in script:
            queue += [message.body for message in step.messages]
            lines: tuple[str, ...] = ()
            if step.method == "basic.get" and queue:
                newest = self._newest_from is not None and len(queue) >= self._newest_from
                lines = (f"basic.getok <{queue.pop(-1 if newest else 0)}>{self._whim()}",)
            seen.append({step.channel: lines})
        return seen


LONG = script_of(
    *("+m0", "-", ".", ".", "+m1", ".", "-", "+m2", ".", "+m1"),
    *("+m2", ".", "+m3", ".", "-", ".", "-", "+m4", "-"),
)


def test_brokers_that_do_the_same_are_asked_once() -> None:
    example, other = Toy(), Toy()
    assert Judge(example, other).judge(LONG).word == SAME
    assert (example.played, other.played) == (1, 1)


def test_a_planted_difference_is_found_and_made_small() -> None:
    judge = Judge(Toy(), Toy(newest_from=3))
    verdict = judge.judge(LONG)
    assert verdict.word == DIFFERENT
    assert verdict.difference is not None
    assert verdict.difference.step_index == 14
    kept = judge.smallest(LONG)
    assert [LONG[index].method for index in kept] == ["basic.publish"] * 3 + ["basic.get"]
    assert judge.judge([LONG[index] for index in kept]).word == DIFFERENT


def test_where_the_example_differs_from_itself_nothing_is_counted() -> None:
    answers = iter(range(100))
    judge = Judge(Toy(whim=lambda: f" {next(answers)}"), Toy())
    assert judge.judge(LONG).word == UNSTABLE


def test_a_difference_that_patience_mends_is_none() -> None:
    class Slow(Toy):
        def __call__(self, script: Script, quiet_rounds: int) -> Sequence[Seen]:
            seen = super().__call__(script, quiet_rounds)
            return seen if quiet_rounds > 2 else [{} for _ in seen]

    assert Judge(Slow(), Toy()).judge(LONG).word == SAME


def test_a_declared_difference_is_named_and_no_other_is_it() -> None:
    script = script_of("+m1", "+m2", "+m3", "-")
    verdict = Judge(Toy(), Toy(newest_from=3), [PLANTED]).judge(script)
    assert (verdict.word, verdict.row) == (DECLARED_SAME, PLANTED)
    assert Judge(Toy(), Toy(newest_from=2), [PLANTED]).judge(script[1:]).word == DIFFERENT
