"""``python -m conformance --random SEED``: plays random scripts, and prints what differs."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from conformance.address import Address
from conformance.random.compare import Difference
from conformance.random.generator import generate
from conformance.random.player import Seen, play
from conformance.random.script import Script
from conformance.random.streams import generate_streams
from conformance.random.verdict import DIFFERENT, UNSTABLE, Judge, Play, Verdict

THREAD_COUNT = 4
STEP_COUNT = 60


def player_of(address: Address) -> Play:
    """Return a function that plays scripts on a broker."""

    def played(script: Script, quiet_rounds: int) -> Sequence[Seen]:
        return play(script, address, quiet_rounds=quiet_rounds)

    return played


def run(
    seeds: Iterable[int],
    step_count: int,
    judge: Judge,
    only: Sequence[int] | None = None,
    *,
    of_streams: bool = False,
) -> int:
    """Judge the scripts of some seeds, print what differs, and a line at the end.

    Args:
        seeds: one for each script.
        step_count: steps of each script.
        judge: plays and compares.
        only: indices of the steps to play; None is all.
        of_streams: the scripts are those of ``streams``.

    Returns:
        The number of different scripts.
    """
    started_s = time.monotonic()
    words: Counter[str] = Counter()

    def one(seed: int) -> tuple[int, Script, Verdict]:
        script = (generate_streams if of_streams else generate)(seed, step_count)
        if only is not None:
            script = [script[index] for index in only]
        try:
            return seed, script, judge.judge(script)
        except (OSError, AssertionError):
            # On a busy machine a connection may not open in time. Only the second failure counts.
            return seed, script, judge.judge(script)

    with ThreadPoolExecutor(THREAD_COUNT) as pool:
        for seed, script, verdict in pool.map(one, seeds):
            name = f": {verdict.row.name}" if verdict.row is not None else ""
            word = f"{verdict.word}{name}"
            if verdict.word == DIFFERENT:
                indices = only if only is not None else judge.smallest(script)
                part = script if only is not None else [script[index] for index in indices]
                again = judge.judge(part)
                # RabbitMQ may be unstable only now: the result of a race can change after long.
                word = again.word if again.word == UNSTABLE else DIFFERENT
                report = _report(seed, step_count, indices, part, again)
                print(f"{report}{' --streams' if of_streams else ''}", flush=True)
            words[word] += 1
    counted = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    played_s = time.monotonic() - started_s
    print(f"{words.total()} scripts of {step_count} steps: {counted} in {played_s:.1f} s")
    return words[DIFFERENT]


def _report(
    seed: int, step_count: int, indices: Sequence[int], script: Script, verdict: Verdict
) -> str:
    """Return a small script as text, with RabbitMQ's answers and the first difference."""
    numbers = ",".join(map(str, indices))
    lines = [f"seed {seed} is {verdict.word}:"]
    for index, step in enumerate(script):
        lines.append(f"  {indices[index]:3} {step}")
        if verdict.example:
            lines += _lines("       ", verdict.example[index])
        if verdict.difference is not None and index == verdict.difference.step_index:
            lines += _parted(verdict.difference)
            break
    lines.append(f"  python -m conformance --random {seed} --steps {step_count} --only {numbers}")
    return "\n".join(lines)


def _lines(indent: str, seen: Seen) -> list[str]:
    return [f"{indent}{place}  {line}" for place, lines in seen.items() for line in lines]


def _parted(difference: Difference) -> list[str]:
    lines = [f"    on {difference.place} RabbitMQ, then the other:"]
    for mark, side in (("=", difference.expected), ("!", difference.got)):
        lines += [f"     {mark} {line}" for line in side or ["nothing"]]
    return lines
