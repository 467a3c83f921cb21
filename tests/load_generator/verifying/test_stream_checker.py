"""The stream checker convicts whatever a stream may not do, and nothing that it may."""

from dataclasses import fields

import pytest

from load_generator.verifying.history import Action, Kind, Row, Value
from load_generator.verifying.stream_checker import (
    STREAM_INVALID,
    Place,
    StreamVerdict,
    check_streams,
)
from tests.support.stream_history import LAST, StreamScript, value

ONE, TWO, THREE, FOUR = (value(counter) for counter in (1, 2, 3, 4))


def judged(script: StreamScript) -> StreamVerdict:
    verdict, _ = check_streams(script.rows)
    return verdict


def wrong(verdict: StreamVerdict) -> dict[str, tuple[Place | Value, ...]]:
    """Return what it convicts of."""
    assert verdict.is_valid == (not any(getattr(verdict, name) for name in STREAM_INVALID))
    return {name: found for name in STREAM_INVALID if (found := getattr(verdict, name))}


def three() -> StreamScript:
    return StreamScript().published(ONE, TWO, THREE)


def test_a_stream_that_all_find_alike_is_all_right() -> None:
    script = three().read([ONE, TWO, THREE]).read([ONE, TWO], reader=8)
    verdict = judged(script.ended(ONE, TWO, THREE, times=3))
    assert not wrong(verdict)
    assert verdict.confirmed == verdict.read
    assert verdict.read[:3] == (ONE, TWO, THREE)


@pytest.mark.planted
def test_a_confirmed_message_that_is_not_there_at_the_end_is_lost() -> None:
    assert wrong(judged(three().ended(ONE, TWO))) == {"lost": (THREE,)}


@pytest.mark.planted
def test_a_message_that_one_node_has_and_another_has_not_is_lost() -> None:
    script = three().published(LAST).found(ONE, TWO, THREE, LAST)
    assert wrong(judged(script.found(ONE, TWO, LAST))) == {
        "lost": (THREE,),
        "changed": (Place("s", 2),),
    }


@pytest.mark.planted
def test_two_messages_at_one_offset_in_two_readings_are_a_change() -> None:
    script = three().read([ONE, THREE]).ended(ONE, TWO, THREE)
    assert wrong(judged(script)) == {"changed": (Place("s", 1),)}


@pytest.mark.planted
def test_an_offset_that_changed_between_two_readers_is_found_without_the_end() -> None:
    script = three().read([ONE, TWO]).read([TWO, ONE], reader=8)
    assert wrong(judged(script)) == {"changed": (Place("s", 0), Place("s", 1))}


@pytest.mark.planted
def test_a_message_that_moved_to_another_offset_has_changed_two_of_them() -> None:
    # Its old place is somebody else's now, or nobody's.
    script = StreamScript().published(ONE, TWO).read([ONE, TWO]).ended(TWO, ONE)
    assert wrong(judged(script)) == {
        "changed": (Place("s", 0), Place("s", 1)),
        "disordered": (ONE,),
    }
    script = StreamScript().published(ONE).read([ONE], first=1).published(LAST)
    assert wrong(judged(script.found(ONE, LAST))) == {
        "changed": (Place("s", 1),),
        "skipped": (Place("s", 0),),
    }


@pytest.mark.planted
def test_what_was_read_and_never_committed_vanishes() -> None:
    # Nobody had confirmed it: so it is no loss, but a reader had it.
    script = StreamScript().published(ONE).begun(TWO, THREE).read([ONE, TWO, THREE])
    script = script.said(Kind.INFO, TWO, THREE).published(LAST).found(ONE, LAST)
    assert wrong(judged(script)) == {"changed": (Place("s", 1),), "vanished": (Place("s", 2),)}


@pytest.mark.planted
def test_what_is_read_once_and_then_never_again_vanishes() -> None:
    script = StreamScript().published(ONE).begun(TWO).read([ONE, TWO]).published(LAST)
    rows = script.found(ONE, LAST).rows
    behind = [row._replace(offset=2) if row.value == LAST and row.offset else row for row in rows]
    assert wrong(check_streams(behind)[0]) == {"vanished": (Place("s", 1),)}


def test_what_is_read_behind_the_end_is_no_matter_of_this_episode() -> None:
    script = StreamScript().published(ONE).begun(TWO).published(LAST).read([ONE, LAST, TWO])
    verdict, past = check_streams(script.found(ONE, LAST).rows)
    assert not wrong(verdict)
    last = Value("s", 98, 1)
    script = StreamScript().published(last).found(ONE, LAST, last)
    assert wrong(check_streams(script.rows, past)[0]) == {"changed": (Place("s", 2),)}


@pytest.mark.planted
def test_a_hole_that_nobody_ever_filled_is_a_gap() -> None:
    script = StreamScript().published(ONE, TWO, LAST)
    rows = script.found(ONE, TWO, LAST).rows
    holed = [
        row._replace(offset=row.offset + 1) if row.offset is not None and row.offset > 0 else row
        for row in rows
    ]
    verdict, _ = check_streams(holed)
    assert wrong(verdict) == {"gaps": (Place("s", 1),)}


@pytest.mark.planted
def test_a_stream_without_its_beginning_has_a_gap() -> None:
    script = StreamScript().begun(ONE).published(TWO, LAST).found(TWO, LAST, first=1)
    assert wrong(judged(script)) == {"gaps": (Place("s", 0),)}


@pytest.mark.planted
def test_a_reader_that_jumps_over_a_message_skips_it() -> None:
    script = three().read([ONE]).read([THREE], first=2).ended(ONE, TWO, THREE)
    assert wrong(judged(script)) == {"skipped": (Place("s", 1),)}


@pytest.mark.planted
def test_a_reader_that_begins_too_late_skips_what_is_in_front() -> None:
    script = three().read([TWO, THREE], first=1).ended(ONE, TWO, THREE)
    assert wrong(judged(script)) == {"skipped": (Place("s", 0),)}


@pytest.mark.planted
def test_a_jump_to_the_end_of_the_world_is_a_skip_of_what_is_known() -> None:
    script = three().read([ONE]).published(FOUR).read([FOUR], first=1 << 40)
    assert judged(script.ended(ONE, TWO, THREE)).skipped == tuple(
        Place("s", offset) for offset in (1, 2, 3)
    )


@pytest.mark.planted
@pytest.mark.parametrize("offset", [1, 0])
def test_a_reader_that_gets_an_offset_again_goes_backwards(offset: int) -> None:
    again = (ONE, TWO)[offset]
    script = three().read([ONE, TWO]).read([again], first=offset).ended(ONE, TWO, THREE)
    assert wrong(judged(script)) == {"backwards": (Place("s", offset),)}


@pytest.mark.planted
def test_a_later_message_in_front_is_out_of_order() -> None:
    assert wrong(judged(three().ended(ONE, THREE, TWO))) == {"disordered": (TWO,)}


def test_publishers_have_no_order_among_each_other() -> None:
    other = value(1, publisher=2)
    script = three().published(other)
    assert not wrong(judged(script.ended(ONE, TWO, other, THREE)))


@pytest.mark.planted
def test_a_copy_of_what_was_published_once_is_doubled() -> None:
    assert wrong(judged(three().ended(ONE, TWO, ONE, THREE))) == {"doubled": (ONE,)}


def test_what_was_published_again_may_be_there_again() -> None:
    script = StreamScript().begun(ONE, TWO).said(Kind.INFO, ONE, TWO).published(ONE, TWO, THREE)
    verdict = judged(script.ended(ONE, TWO, ONE, TWO, THREE))
    assert not wrong(verdict)
    assert verdict.resent == (ONE, TWO)


@pytest.mark.planted
def test_two_copies_more_than_were_published_are_doubled() -> None:
    script = StreamScript().begun(ONE).said(Kind.INFO, ONE).published(ONE)
    assert wrong(judged(script.ended(ONE, ONE, ONE))) == {"doubled": (ONE,)}


@pytest.mark.planted
def test_what_nobody_published_is_unexpected() -> None:
    foreign = Value("s", -1, 12345)
    assert wrong(judged(three().ended(ONE, foreign, TWO, THREE))) == {"unexpected": (foreign,)}


def test_what_is_refused_or_unanswered_may_be_there_or_not() -> None:
    script = StreamScript().published(ONE).begun(TWO, THREE, FOUR).said(Kind.FAIL, TWO)
    verdict = judged(script.ended(ONE, TWO, THREE))
    assert not wrong(verdict)
    assert (verdict.refused, verdict.recovered) == ((TWO,), (THREE,))


def test_what_is_refused_has_no_order() -> None:
    script = StreamScript().begun(ONE).said(Kind.FAIL, ONE).published(TWO)
    assert not wrong(judged(script.ended(TWO, ONE)))


def test_without_a_reading_of_the_whole_nothing_is_missing() -> None:
    assert not wrong(judged(three().read([ONE])))


@pytest.mark.planted
def test_a_reading_that_did_not_come_to_the_end_says_nothing_of_what_is_behind() -> None:
    script = three().ended(ONE, TWO, THREE)
    short = [Row(0, 500, Kind.OK, Action.DRAIN, ONE, "n1", offset=0)]
    assert not wrong(check_streams(script.rows + short)[0])
    other = [Row(0, 501, Kind.OK, Action.DRAIN, TWO, "n1", offset=0)]
    assert wrong(check_streams(script.rows + other)[0]) == {"changed": (Place("s", 0),)}


@pytest.mark.planted
def test_an_offset_that_changes_in_a_later_episode_is_found_once() -> None:
    _, past = check_streams(three().read([ONE, TWO, THREE]).found(ONE, TWO, THREE).rows)
    later = StreamScript().published(FOUR, LAST)
    verdict, past = check_streams(later.found(ONE, THREE, TWO, FOUR, LAST).rows, past)
    assert wrong(verdict) == {"changed": (Place("s", 1), Place("s", 2))}
    last = Value("s", 98, 1)
    again = StreamScript().published(last).found(ONE, THREE, TWO, FOUR, LAST, last)
    assert not wrong(check_streams(again.rows, past)[0])


@pytest.mark.planted
def test_a_stream_that_forgets_earlier_episodes_is_convicted_once() -> None:
    _, past = check_streams(three().found(ONE, TWO, THREE).rows)
    script = StreamScript().published(LAST).found(LAST)
    verdict, past = check_streams(script.rows, past)
    assert wrong(verdict) == {
        "lost": (ONE, TWO, THREE),
        "changed": (Place("s", 0),),
        "vanished": (Place("s", 1), Place("s", 2)),
    }
    last = Value("s", 98, 1)
    again = StreamScript().published(last).found(LAST, last)
    assert not wrong(check_streams(again.rows, past)[0])


@pytest.mark.planted
def test_what_an_episode_is_convicted_of_is_not_told_by_the_next() -> None:
    foreign = Value("s", -1, 5)
    script = StreamScript().published(ONE, TWO, THREE).found(ONE, ONE, THREE, TWO, foreign)
    first, past = check_streams(script.rows)
    assert set(wrong(first)) == {"doubled", "disordered", "unexpected"}
    again = StreamScript().published(LAST).found(ONE, ONE, THREE, TWO, foreign, LAST)
    assert not wrong(check_streams(again.rows, past)[0])


@pytest.mark.planted
def test_a_hole_and_a_stranger_behind_the_end_are_not_told_twice() -> None:
    foreign = Value("s", -1, 5)
    script = StreamScript().begun(ONE).published(LAST).found(LAST, first=2)
    first, past = check_streams(script.read([foreign], first=3, reader=8).rows)
    assert wrong(first) == {
        "gaps": (Place("s", 0),),
        "skipped": (Place("s", 2),),
        "unexpected": (foreign,),
    }
    last = Value("s", 98, 1)
    rows = StreamScript().published(last).found(LAST, foreign, last, first=2).rows
    assert not wrong(check_streams(rows, past)[0])


def test_a_reader_goes_on_in_the_next_episode() -> None:
    _, past = check_streams(three().read([ONE, TWO]).found(ONE, TWO, THREE).rows)
    going_on = StreamScript().read([THREE], first=2)
    assert not wrong(check_streams(going_on.rows, past)[0])
    jumping = StreamScript().published(LAST).read([LAST], first=3)
    assert wrong(check_streams(jumping.rows, past)[0]) == {"skipped": (Place("s", 2),)}


def test_what_had_no_answer_may_come_in_the_next_episode() -> None:
    _, past = check_streams(StreamScript().published(ONE).begun(TWO).found(ONE).rows)
    script = StreamScript().published(LAST).found(ONE, TWO, LAST)
    assert not wrong(check_streams(script.rows, past)[0])


def test_streams_are_judged_apart() -> None:
    script = three().ended(ONE, TWO, THREE)
    other = [
        row._replace(value=row.value._replace(queue="t"), client=row.client + 1_000)
        for row in StreamScript().published(ONE, LAST).found(ONE, LAST).rows
        if row.value is not None
    ]
    assert not wrong(check_streams(script.rows + other)[0])


def test_a_text_names_what_is_wrong() -> None:
    text = judged(three().ended(ONE, TWO)).text()
    assert len(text.splitlines()) == len(fields(StreamVerdict)) + 1
    assert "s:1:3" in text
    assert text.endswith("INVALID")
