"""A stream that is created and deleted again and again, while the broker may die."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from typing import Final

from tests.crash.link import LinkLostError
from tests.crash.stream_ledger import Ledger
from tests.crash.stream_link import (
    CREATE,
    DELETE,
    DOES_NOT_EXIST,
    STREAM_STATS,
    StreamLink,
    string,
    string_map,
)
from tests.crash.stream_publishers import Identity, StreamPublisher
from tests.crash.stream_readers import read_all

CHURNED: Final = "crash.stream.churned"


class Churner:
    """Creates a stream, publishes a little, deletes it, and so on; looks that nothing comes back.

    Attributes:
        wrong: what must not be.
    """

    def __init__(self, chance: random.Random, numbers: Iterator[int]) -> None:
        self.wrong: list[str] = []
        self._chance = chance
        self._numbers = numbers
        self._ledger = Ledger(CHURNED, numbers)
        self._may_be_there = False
        self._must_be_there = False

    async def run(self, link: StreamLink) -> None:
        """Create and delete until the link is lost."""
        while True:
            if not self._must_be_there:
                self._ledger = Ledger(CHURNED, self._numbers)
                self._may_be_there = True
                await link.ask(CREATE, string(CHURNED), string_map({}))
                self._must_be_there = True
            publisher = StreamPublisher(Identity(self._ledger, "churner"), self._chance)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0, 0.2)):
                    await publisher.run(link)
            if link.lost.is_set():
                raise LinkLostError("ended")
            self._must_be_there = False
            await link.ask(DELETE, string(CHURNED))
            self._may_be_there = False

    async def look(self, link: StreamLink) -> None:
        """Look whether it is there, with all that was confirmed, and nothing older; delete it."""
        answer = await link.ask(STREAM_STATS, string(CHURNED), allowed=(DOES_NOT_EXIST,))
        is_there = int.from_bytes(answer[:2], "big") != DOES_NOT_EXIST
        if self._must_be_there and not is_there:
            self.wrong.append(f"{CHURNED}: it is gone")
        if is_there and not self._may_be_there:
            self.wrong.append(f"{CHURNED}: it was deleted, and is there")
        if is_there:
            self._ledger.judge(await read_all(link, self._ledger))
            self.wrong += self._ledger.wrong
            await link.ask(DELETE, string(CHURNED))
        self._must_be_there = self._may_be_there = False
