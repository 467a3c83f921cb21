"""A broker that breaks a transaction is convicted by what its queues hold."""

import asyncio
import random

import pytest

from load_generator import wire
from load_generator.wire import Frame, MethodId
from tests.crash.checker import Verdict, check
from tests.crash.history import Action, Value
from tests.crash.link import Link, LinkLostError
from tests.crash.messages import value_of
from tests.crash.notes import Notes
from tests.crash.transactions import SINKS, TX_COMMIT_OK, TX_ROLLBACK_OK, Transactor

CALLS = 40
SEED = 8


class ScriptedBroker(Link):
    """Answers each call, and keeps what commits publish; is gone after some calls.

    Args:
        forgets: whether a commit keeps nothing for the second sink.
        keeps_all: whether what is rolled back stays as well.
    """

    def __init__(self, *, forgets: bool = False, keeps_all: bool = False) -> None:
        super().__init__()
        self.kept: list[tuple[str, Value]] = []
        self._forgets = forgets
        self._keeps_all = keeps_all
        self._calls_count = 0

    async def call(self, octets: bytes, *replies: MethodId) -> Frame:
        """Give the expected answer."""
        self._calls_count += 1
        if self._calls_count > CALLS:
            raise LinkLostError("gone")
        if replies == (TX_COMMIT_OK,) or (replies == (TX_ROLLBACK_OK,) and self._keeps_all):
            self._keep(octets)
        return Frame(wire.FRAME_METHOD, 1, b"")

    def _keep(self, octets: bytes) -> None:
        frames, _ = wire.split_frames(bytearray(octets), 0, len(octets))
        for at, frame in enumerate(frames):
            if frame.kind != wire.FRAME_HEADER:
                continue
            (sink,) = [sink for sink in SINKS if sink.encode() in frames[at - 1].payload]
            value = value_of(frame.payload[12:], frames[at + 1].payload)
            if not (self._forgets and sink == SINKS[1]):
                self.kept.append((sink, value))


def verdicts_of(broker: ScriptedBroker) -> list[Verdict]:
    """Let a program make transactions with a broker, and judge what it holds at the end."""

    async def run(notes: Notes) -> None:
        with pytest.raises(LinkLostError):
            await Transactor(notes, random.Random(SEED), 10).run(broker)

    notes = Notes()
    asyncio.run(run(notes))
    for sink, value in broker.kept:
        notes.arrive(sink, Action.DRAIN, 0, value, False)
    return [check(notes.rows[sink], acks_per_fault_max=0) for sink in SINKS]


def test_a_broker_that_keeps_its_commits_is_valid() -> None:
    first, second = verdicts_of(ScriptedBroker())
    assert first.is_valid
    assert second.is_valid
    assert first.confirmed == second.confirmed != ()


def test_a_commit_that_keeps_a_part_has_lost_the_rest() -> None:
    first, second = verdicts_of(ScriptedBroker(forgets=True))
    assert first.is_valid
    assert second.lost == second.confirmed != ()


def test_what_is_rolled_back_and_arrives_is_unexpected() -> None:
    first, second = verdicts_of(ScriptedBroker(keeps_all=True))
    assert first.unexpected == second.unexpected != ()
    assert not first.lost
