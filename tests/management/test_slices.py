"""Slices of the loop: one a round, in order, each of its own length."""

import asyncio
from collections.abc import Callable, Generator

from management.slices import Slices


class Clock:
    """Each look at it costs a nanosecond."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += 1
        return self.now_ns


def test_requests_share_the_loop_in_turn() -> None:
    slices, seen = Slices(Clock(), slice_ns=3), []

    async def work(name: str) -> None:
        await slices.begin()
        for _ in range(6):
            seen.append(name)
            if slices.is_spent():
                await slices.pause()

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert "".join(seen) == "aaabbbaaabbb"
    assert slices.waiting_count == 0


def test_others_of_the_loop_go_on_between_two_slices() -> None:
    slices = Slices(Clock(), slice_ns=1)
    seen: list[str] = []

    async def work() -> None:
        for number in range(3):
            await slices.pause()
            seen.append(str(number))

    def other() -> None:
        seen.append("other")
        if len(seen) < 8:
            asyncio.get_running_loop().call_soon(other)

    async def both() -> None:
        asyncio.get_running_loop().call_soon(other)
        await asyncio.gather(work(), work(), work())

    asyncio.run(both())
    assert all("other" in seen[at : at + 3] for at in range(6))


def test_one_who_gave_up_costs_nobody_a_slice() -> None:
    slices = Slices(Clock())

    async def both() -> None:
        gone = asyncio.create_task(slices.pause())
        stays = asyncio.create_task(slices.pause())
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(both())
    assert slices.waiting_count == 0


def test_the_steps_of_a_view_are_done_in_slices() -> None:
    def steps() -> Generator[None, None, int]:
        for _ in range(5):
            yield
        return 7

    slices = Slices(Clock(), slice_ns=2)
    assert asyncio.run(slices.finish(steps())) == 7


def test_steps_that_wait_use_no_slice_until_it_is_over() -> None:
    class Outside:
        """What steps wait for; the test says when it is over."""

        def __init__(self) -> None:
            self.calls: list[Callable[[], None]] = []

        def wait(self, call: Callable[[], None]) -> None:
            self.calls.append(call)

    outside = Outside()
    asked: list[str] = []

    def steps() -> Generator[Outside | None, None, int]:
        asked.append("before")
        yield outside
        asked.append("after")
        return 7

    async def both() -> None:
        slices = Slices(Clock())
        waiting = asyncio.create_task(slices.finish(steps()))
        given_up = asyncio.create_task(slices.finish(steps()))
        for _ in range(5):
            await slices.pause()
        assert (asked, slices.waiting_count) == (["before"] * 2, 0)
        given_up.cancel()
        await asyncio.sleep(0)
        for call in outside.calls:
            call()
        assert await waiting == 7

    asyncio.run(both())
    assert asked == ["before", "before", "after"]
