"""What links of every purpose have in common; ``test_connection`` has how each of them ends."""

from dataclasses import replace

import pytest

from cluster.links.end import LinkEnd
from cluster.links.handshake import Handshake
from cluster.links.kinds import Flag, Purpose
from cluster.links.settings import LinkSettings
from tests.support.front_pair import FrontPair
from tests.support.linked_pair import TRUST, LinkedPair, hello, run


def test_a_link_of_another_purpose_is_refused_with_a_reason() -> None:
    fronts = replace(hello("a", "b"), purpose=Purpose.FRONTS)
    pair = LinkedPair(hellos=(fronts, hello("b")))
    pair.carry()
    reason = "a link for fronts, this one is for mirroring"
    assert pair.at_b.reasons == [reason]
    assert pair.at_a.reasons == [f"the other node says: {reason}"]
    assert pair.a.is_misfit
    assert pair.b.is_misfit


def test_only_who_is_not_understood_is_a_misfit() -> None:
    pair = LinkedPair().opened()
    pair.b.close("it is time")
    pair.carry()
    assert pair.at_a.reasons == ["the other node says: it is time"]
    assert not pair.a.is_misfit
    assert not pair.b.is_misfit
    pair = LinkedPair().opened()
    # A kind that only a later release knows.
    pair.b.receive(memoryview(pair.a._seal(99, Flag.NONE, b"?")), 0, lambda: False)
    pair.carry()
    assert pair.at_a.reasons == ["the other node says: kind 99 is none of a leader"]
    assert pair.a.is_misfit
    assert pair.b.is_misfit


@pytest.mark.parametrize("make", [LinkedPair, FrontPair])
def test_both_purposes_give_a_silent_node_up(make: type[LinkedPair] | type[FrontPair]) -> None:
    pair = make().opened()
    for after_ms in range(0, 3_000, 250):
        pair.a.tick(pair.now_ms + after_ms)
    assert pair.at_a.reasons == ["nothing heard for 2000 ms"]
    assert pair.a.heard_at_ms == pair.now_ms
    assert pair.a.has_answers


def test_a_purpose_says_what_it_does_with_its_envelopes() -> None:
    shake = Handshake(hello("a", "b"), TRUST, is_dialer=True)
    end = LinkEnd(shake, LinkSettings(), is_dialer=True, now_ms=0)
    with pytest.raises(NotImplementedError):
        end.close("it adds nothing")


def may_say_more(link: LinkEnd) -> bool:
    return link.may_say_more


def test_a_link_for_mirroring_knows_that_it_has_nothing_to_say() -> None:
    pair = LinkedPair().opened()
    pair.carry()
    assert not may_say_more(pair.a)
    pair.b.put_seen(7)
    assert may_say_more(pair.b), "an answer waits"
    pair.carry()
    assert not may_say_more(pair.b)
    pair.a.put(run("q", 1, bytes(100)))
    assert may_say_more(pair.a), "a run waits"
    pair.output(pair.a)
    assert not may_say_more(pair.a)
    pair.a.close("it is time")
    pair.output(pair.a)
    assert may_say_more(pair.a), "the socket is to be closed"


def test_a_run_that_waits_for_room_may_leave_later() -> None:
    pair = LinkedPair().opened()
    for lsn in range(1, 400):
        pair.a.put(run("q", lsn, bytes(64 << 10)))
    while pair.output(pair.a):
        pass
    assert may_say_more(pair.a)


def test_a_link_of_another_purpose_may_always_have_more() -> None:
    pair = FrontPair().opened()
    assert may_say_more(pair.a)
    assert may_say_more(pair.b)
