"""As many clients as are allowed: who waits for a place, and who makes one."""

import contextlib
import logging

import pytest

from amqp_server.net import server
from amqp_server.net.settings import NetSettings
from tests.support.loops import Run
from tests.support.server_place import Place, echo


def test_at_the_limit_the_next_client_waits_for_one_to_leave(run: Run) -> None:
    async def work() -> None:
        async with Place(settings=NetSettings(connections_max=1)) as place:
            async with place.client() as first:
                await echo(first, b"first")
                second = place.client()
                streams = await second.__aenter__()
                streams[1].write(b"second")
                assert await echo(first, b"still alone") == b"still alone"
                assert len(place.connections) == 1
            assert await streams[0].readexactly(6) == b"second"
            await second.__aexit__(None, None, None)

    run(work())


def test_at_the_limit_who_lets_us_wait_for_a_login_makes_room(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "STRANGER_PATIENCE_MS", 0)

    async def work() -> None:
        async with Place(sockets_max=2) as place, place.client() as user:
            await echo(user, b"hello")
            async with place.client() as stranger:
                await echo(stranger, b"hello")
                place.connections[1].is_open = False
                async with place.client() as next_one:
                    await echo(next_one, b"hello")
                    with contextlib.suppress(ConnectionError):
                        assert await stranger[0].read() == b""
                    await echo(user, b"still here")

    with caplog.at_level(logging.WARNING):
        run(work())
    told = [text for text in caplog.messages if "not accepting" in text]
    assert ["file descriptors" in text for text in told] == [True]


def test_at_the_limit_nobody_who_logged_in_makes_room(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STRANGER_PATIENCE_MS", 0)

    async def work() -> None:
        async with Place(sockets_max=1) as place, place.client() as user:
            await echo(user, b"hello")
            async with place.client() as waiting:
                waiting[1].write(b"hello")
                await echo(user, b"still here")
                assert len(place.connections) == 1
                user[1].close()
                assert await waiting[0].readexactly(5) == b"hello"

    run(work())


def test_at_the_limit_a_stranger_has_some_time_for_a_login(run: Run) -> None:
    async def work() -> None:
        async with Place(sockets_max=1) as place, place.client() as stranger:
            await echo(stranger, b"hello")
            place.connections[0].is_open = False
            async with place.client():
                await echo(stranger, b"still here")
                assert len(place.connections) == 1

    run(work())


def test_the_limit_that_is_reached_first_counts(run: Run) -> None:
    async def work() -> None:
        settings = NetSettings(connections_max=1)
        async with Place(settings=settings, sockets_max=2) as place, place.client() as first:
            await echo(first, b"hello")
            async with place.client():
                await echo(first, b"still here")
                assert len(place.connections) == 1

    run(work())
