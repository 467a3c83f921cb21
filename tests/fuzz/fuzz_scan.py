"""Feed the same broken sessions to both builds; any difference is a bug (invariant: none differs).

    python -m tests.fuzz.fuzz_scan --seconds 60
    python -m tests.fuzz.fuzz_scan --seed 7 --only 1234      # one case again

The kernels run in this process, their twins in a second one, which is told of every case first: if
the kernels take this process down, it is the second that says in which case. On a difference the
reads are made as few and as short as still differ, and the exit status is 1.
"""

import argparse
import logging
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import SystemRandom
from typing import IO

from amqp_server.wire.framing import scan
from persistence import kernels
from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import Wanted, from_amqp10, read_messages
from queues.stream.to_amqp10 import to_amqp10
from tests.fuzz.broken_sessions import STREAM_PAYLOAD_MAX_BYTES, case_of, split
from tests.support.classic_queue import classic
from tests.support.peer import Node

CASES_AT_ONCE = 16
SHORTER_TRIES_MAX = 1500
ALL_MESSAGES = Wanted(from_offset=0, count_max=1 << 16, bytes_max=1 << 24)
SESSION_PAYLOAD_MAX_BYTES = 4088
OUTPUT_READS_MAX = 10_000
ROOT = Path(__file__).resolve().parents[2]

Case = tuple[str, list[bytes]]
Outcome = list[object]
Piece = tuple[int, bytes]
"""Octets, and the number of the read that brings them."""


def told(part: object) -> object:
    """Return part of an event as a plain value: a run is a list here, and memory there."""
    if isinstance(part, bytes | int):
        return part
    assert isinstance(part, Iterable), type(part)
    return [tuple(record) for record in part]


def scanned(reads: list[bytes], payload_max_bytes: int) -> Outcome:
    """Return every event of a stream that arrives in these reads, and what ended it."""
    seen: Outcome = []
    buffer = b""
    for octets in reads:
        buffer += octets
        events, consumed_bytes, error = scan(buffer, payload_max_bytes)
        seen.append(consumed_bytes)
        seen += [(type(event).__name__, *map(told, event)) for event in events]
        if error is not None:
            seen.append((type(error).__name__, str(error)))
            break
        buffer = buffer[consumed_bytes:]
    return seen


def answered(reads: list[bytes]) -> Outcome:
    """Return everything a broker answers to a client that sends these reads."""
    node = Node()
    client = node.connect()
    seen: Outcome = []
    for octets in reads:
        client.send_bytes(octets)
        seen.append(client.read_bytes())
    for _ in range(OUTPUT_READS_MAX):
        output = client.read_bytes()
        if not output:
            break
        seen.append(output)
    seen += [client.is_closed(), str(client.connection.life.state)]
    for queue in node.vhost.queues:
        engine = classic(queue.engine)
        engine.check_invariants()
        seen.append((queue.name, engine.ready_count, engine.counts().unacked_count))
    return seen


def converted(reads: list[bytes]) -> Outcome:
    """Return what each of these becomes: as a property list, a message, and a data section."""
    seen: Outcome = []
    for octets in reads:
        seen.append(to_amqp10(b"exchange", b"key", octets, octets))
        for convert in (from_amqp10, read_all):
            try:
                seen.append(convert(octets))
            except MalformedMessageError:
                seen.append("malformed")
    return seen


def read_all(octets: bytes) -> Outcome:
    """Return the messages of a data section, with their offsets and where it ends."""
    run, offsets, *end = read_messages(octets, 0, 0, b"queue", ALL_MESSAGES)
    return [told(run), list(offsets), *end]


def outcome_of(case: Case) -> Outcome:
    """Return what this build makes of a case; an exception is an outcome, and a bug."""
    kind, reads = case
    try:
        if kind == "stream":
            return scanned(reads, STREAM_PAYLOAD_MAX_BYTES)
        if kind == "messages":
            return converted(reads)
        return [scanned(reads[1:], SESSION_PAYLOAD_MAX_BYTES), answered(reads)]
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must be reported with its case
        return ["raised", f"{type(error).__name__}: {error}"]


def receive(stream: IO[bytes]) -> tuple[str, list[Case]] | None:
    """Return the next message of the other process; None when it has ended."""
    try:
        message: tuple[str, list[Case]] = pickle.load(stream)
    except EOFError:
        return None
    return message


def serve() -> int:
    """Answer cases with what the twins make of them, until told that this is all."""
    assert not kernels.COMPILED, "the second process runs the twins"
    name = "nothing yet"
    while (message := receive(sys.stdin.buffer)) is not None:
        name, cases = message
        if not cases:
            return 0
        pickle.dump([outcome_of(case) for case in cases], sys.stdout.buffer)
        sys.stdout.buffer.flush()
    print(f"the kernels took their process down: {name}", file=sys.stderr)
    return 1


class Twins:
    """The second process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.fuzz_scan", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {kernels.INTERPRETED_VARIABLE: "1"},
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = self._process.stdin
        self._from = self._process.stdout

    def compare(self, name: str, cases: list[Case]) -> list[tuple[Outcome, Outcome]]:
        """Return what the kernels and what the twins make of each case."""
        self._send(name, cases)
        ours = [outcome_of(case) for case in cases]
        theirs: list[Outcome] = pickle.load(self._from)
        return list(zip(ours, theirs, strict=True))

    def end(self) -> None:
        """Let the second process go."""
        self._send("the end", [])
        self._process.wait()

    def _send(self, name: str, cases: list[Case]) -> None:
        pickle.dump((name, cases), self._to)
        self._to.flush()


def is_wrong(ours: Outcome, theirs: Outcome) -> bool:
    return ours != theirs or ours[:1] == ["raised"]


def reads_of(pieces: list[Piece]) -> list[bytes]:
    """Join the pieces of each read."""
    reads: dict[int, bytes] = {}
    for number, octets in pieces:
        reads[number] = reads.get(number, b"") + octets
    return list(reads.values())


def fewest(pieces: list[Piece], still_wrong: Callable[[list[bytes]], bool]) -> list[Piece]:
    """Leave out halves, quarters and so on of the pieces, as long as what is left is wrong."""
    tries = 0
    size = len(pieces) // 2
    while size and tries < SHORTER_TRIES_MAX:
        at = 0
        while at < len(pieces) and tries < SHORTER_TRIES_MAX:
            tries += 1
            rest = pieces[:at] + pieces[at + size :]
            if rest and still_wrong(reads_of(rest)):
                pieces = rest
            else:
                at += size
        size //= 2
    return pieces


def shortened(case: Case, still_wrong: Callable[[Case], bool]) -> Case:
    """Return the case with few frames, and few octets of them, that is wrong all the same."""
    kind, reads = case
    joined = [b"".join(reads)]
    if still_wrong((kind, joined)):
        reads = joined
    frames = [(number, part) for number, octets in enumerate(reads) for part in split(octets)]
    few = fewest(frames, lambda shorter: still_wrong((kind, shorter)))
    octets = [(number, bytes((octet,))) for number, part in few for octet in part]
    return kind, reads_of(fewest(octets, lambda shorter: still_wrong((kind, shorter))))


def report(name: str, case: Case, twins: Twins) -> None:
    """Print a case that differs, made small, and what each build says."""
    kind, reads = shortened(case, lambda one: is_wrong(*twins.compare(name, [one])[0]))
    ours, theirs = twins.compare(name, [(kind, reads)])[0]
    print(f"the builds differ, or raise: {name}\n{kind}, as short as found:")
    for octets in reads:
        print(f"  {octets!r}")
    print(f"kernels: {ours!r}\ntwins:   {theirs!r}")


def fuzz(seed: int, seconds: float, only: int | None) -> int:
    """Feed cases until the time is over or one is wrong; return the exit status."""
    twins = Twins()
    end = time.monotonic() + seconds
    first = 0 if only is None else only
    while True:
        numbers = range(first, first + (CASES_AT_ONCE if only is None else 1))
        name = f"--seed {seed}, --only {numbers[0]} to {numbers[-1]}"
        cases = [case_of(seed, number) for number in numbers]
        for number, case, (ours, theirs) in zip(
            numbers, cases, twins.compare(name, cases), strict=True
        ):
            if is_wrong(ours, theirs):
                report(f"--seed {seed} --only {number}", case, twins)
                twins.end()
                return 1
        first = numbers[-1] + 1
        if only is not None or time.monotonic() >= end:
            break
    twins.end()
    count = first if only is None else 1
    print(f"seed {seed}: {count} cases, and the builds agree on all of them")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32))
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", type=int, help="feed this one case of the seed")
    parser.add_argument("--serve", action="store_true", help="be the second process")
    arguments = parser.parse_args()
    logging.disable()
    if arguments.serve:
        return serve()
    if not kernels.COMPILED:
        print("no kernels are built here: there is nothing to compare", file=sys.stderr)
        return 2
    return fuzz(arguments.seed, arguments.seconds, arguments.only)


if __name__ == "__main__":
    sys.exit(main())
