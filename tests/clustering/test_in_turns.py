"""Steps are done one in a turn of the loop, and their value is returned."""

import asyncio
from collections.abc import Generator

import pytest

from amqp_server.clustering.in_turns import done_in_turns


def test_others_have_the_loop_between_two_steps() -> None:
    seen: list[str] = []

    def steps() -> Generator[None, None, int]:
        for number in range(3):
            seen.append(f"step {number}")
            yield
        return 7

    async def other() -> None:
        for number in range(3):
            seen.append(f"other {number}")
            await asyncio.sleep(0)

    async def both() -> int:
        beside = asyncio.ensure_future(other())
        value = await done_in_turns(steps())
        await beside
        return value

    assert asyncio.run(both()) == 7
    assert seen == [f"{who} {number}" for number in range(3) for who in ("step", "other")]


def test_an_error_of_a_step_is_raised() -> None:
    def steps() -> Generator[None, None, None]:
        yield
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(done_in_turns(steps()))
