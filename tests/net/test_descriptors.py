"""File descriptors: as many as there may be, and who has which part."""

import pathlib
import resource

import pytest

from amqp_server.net.descriptors import (
    FILES_KEPT,
    SEGMENTS_PART,
    UNLIMITED,
    TooFewDescriptorsError,
    open_count,
    raise_limit,
    shared_out,
)


def test_sockets_get_what_files_leave() -> None:
    found = shared_out(65_536, 20, 256)
    assert found.segments_max == 256
    assert found.sockets_max == 65_536 - 20 - 256 - FILES_KEPT


def test_with_few_the_segments_get_their_part_at_most() -> None:
    found = shared_out(80, 10, 256)
    assert found.segments_max == 80 // SEGMENTS_PART
    assert found.sockets_max == 80 - 10 - 10 - FILES_KEPT


def test_too_few_are_refused_with_the_number_that_it_takes() -> None:
    with pytest.raises(TooFewDescriptorsError, match="at least 49") as refusal:
        shared_out(40, 11, 256)
    assert "got 40" in str(refusal.value)
    assert shared_out(49, 11, 5).sockets_max == 1


def test_the_limit_is_raised_to_what_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1_024, 4_096))
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: told.append(limits))
    assert raise_limit() == 4_096
    assert told == [(4_096, 4_096)]


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_what: int, _limits: tuple[int, int]) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1_024, 4_096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_limit() == 1_024


def test_no_limit_is_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (endless, endless))
    assert raise_limit() == UNLIMITED


def test_what_is_open_is_counted() -> None:
    before = open_count()
    with pathlib.Path("/dev/null").open("rb"):
        assert open_count() == before + 1
