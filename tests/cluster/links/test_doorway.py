"""Links of all purposes come in on the same socket."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.links.doorway import make_doorway
from cluster.links.envelope import seal
from cluster.links.kinds import Kind, Purpose
from cluster.links.port import Link, MakeLink
from tests.support.front_pair import FrontPair
from tests.support.linked_pair import LinkedPair, never


class Door:
    """A listener's end, and pairs of whose it is one of the two."""

    def __init__(self) -> None:
        self.mirroring, self.fronts = LinkedPair(), FrontPair()
        self.made: list[Purpose] = []
        makers = {
            Purpose.MIRRORING: self._maker(Purpose.MIRRORING, self.mirroring.b),
            Purpose.FRONTS: self._maker(Purpose.FRONTS, self.fronts.b),
        }
        self.link = make_doorway(makers)(None, 1_000)
        self.woken = 0
        self.link.wake = self.wake

    def _maker(self, purpose: Purpose, link: Link) -> MakeLink:
        def make(names: frozenset[str] | None, now_ms: int) -> Link:
            assert (names, now_ms) == (None, 1_000)
            self.made.append(purpose)
            return link

        return make

    def wake(self) -> None:
        self.woken += 1

    def meet(self, dialer: Link) -> None:
        for _ in range(4):
            octets = b"".join(map(bytes, dialer.output(1 << 20, 1_000)))
            self.link.receive(memoryview(octets), 1_000, never)
            back = b"".join(map(bytes, self.link.output(1 << 20, 1_000)))
            dialer.receive(memoryview(back), 1_000, never)


@pytest.mark.parametrize("purpose", [Purpose.MIRRORING, Purpose.FRONTS])
def test_the_first_envelope_chooses(purpose: Purpose) -> None:
    door = Door()
    pair = door.mirroring if purpose == Purpose.MIRRORING else door.fronts
    assert door.link.wake == door.wake
    door.meet(pair.a)
    assert door.made == sorted({Purpose.MIRRORING, purpose})
    peer = door.link.peer
    assert peer is not None
    assert peer.purpose == purpose
    assert pair.at_b.peer is peer
    assert pair.b.wake == door.wake
    door.link.close("it is time")
    assert door.woken
    assert door.link.reason == "it is time"
    assert door.link.has_answers
    assert door.link.may_say_more


def test_a_hello_may_come_octet_by_octet() -> None:
    door = Door()
    octets = b"".join(map(bytes, door.fronts.a.output(1 << 20, 1_000)))
    for stop in range(len(octets)):
        assert door.link.receive(memoryview(octets)[:stop], 1_000, never) == 0
    assert door.link.receive(memoryview(octets), 1_000, never) == len(octets)
    assert door.made == [Purpose.MIRRORING, Purpose.FRONTS]
    assert not door.mirroring.b.has_answers


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "checksum of a header"),
        (seal(0, Kind.PROOF, 0, b"x" * 32), "kind 2 before the nodes know each other"),
        (seal(0, Kind.HELLO, 0, b""), "a hello that is too short"),
        (seal(0, Kind.HELLO, 0, b"HAREMQ L\x63\0" + bytes(200)), "a link of purpose 99"),
        (seal(0, Kind.HELLO, 0, b"HAREMQ X\x02\0" + bytes(200)), "not a link of HareMQ"),
        (seal(0, Kind.HELLO, 0, b"HAREMQ L\x02\0" + bytes(20)), "a hello that is too short"),
    ],
)
def test_what_is_no_hello_ends_the_connection_with_a_reason(octets: bytes, reason: str) -> None:
    door = Door()
    door.link.receive(memoryview(octets), 1_000, never)
    assert door.link.reason is not None
    assert door.link.reason.startswith(reason)


def test_a_purpose_that_nobody_serves_is_refused() -> None:
    door = Door()
    door.link = make_doorway({Purpose.MIRRORING: lambda _names, _now_ms: door.mirroring.b})(None, 0)
    octets = b"".join(map(bytes, door.fronts.a.output(1 << 20, 1_000)))
    door.link.receive(memoryview(octets), 1_000, never)
    assert door.link.reason == "a link for fronts, this one is for mirroring"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda link: link.lost("the socket is gone"), "the socket is gone"),
        (lambda link: link.ended_by_peer(), "the other node closed the connection"),
        (lambda link: link.tick(7_000), "the other node did not say who it is in time"),
    ],
)
def test_it_ends_as_any_link(end: Callable[[Link], None], reason: str) -> None:
    door = Door()
    door.link.hear(can_be_heard=True, now_ms=1_000)
    end(door.link)
    assert door.link.reason == reason


def test_the_hello_of_a_dialer_names_its_purpose() -> None:
    pair = FrontPair().opened()
    assert pair.at_b.peer is not None
    assert replace(pair.at_b.peer, purpose=Purpose.MIRRORING) != pair.at_b.peer
