"""A mirror that is read hears how far a stream is committed, and no other does."""

from cluster.mirrored import commit_notes
from cluster.mirrored.commit_notes import CommitNotes
from cluster.replication.frames import CommitNote, Follow
from tests.support.mirrored_machine import QUEUE
from tests.support.quiet_streams import QuietStreams


def notes_of(quiet: QuietStreams) -> list[CommitNote]:
    return [each for each in quiet.down if isinstance(each, CommitNote)]


def test_nobody_is_told_where_nobody_reads() -> None:
    quiet = QuietStreams()
    for _ in range(5):
        quiet.append(b"a")
        quiet.go_on()
    assert not notes_of(quiet)


def test_who_begins_to_read_is_told_at_once_and_then_after_each_last_message() -> None:
    quiet = QuietStreams()
    quiet.append(b"a")
    quiet.go_on()
    quiet.read()
    quiet.go_on()
    assert len(notes_of(quiet)) == 1
    quiet.append(b"b")
    quiet.go_on()
    assert len(notes_of(quiet)) == 2
    quiet.go_on(100)
    assert len(notes_of(quiet)) == 2, "one for each, and none where nothing happens"
    quiet.mirror.unread(QUEUE)
    quiet.append(b"c")
    quiet.go_on()
    assert len(notes_of(quiet)) == 2, "nobody reads any more"


def test_many_commits_in_a_moment_are_one_note() -> None:
    quiet = QuietStreams()
    quiet.read()
    quiet.go_on()
    quiet.down.clear()
    notes, frames = quiet.leader.up.notes, quiet.leader.up.core.node.ready.to_mirrors
    for _ in range(1_000):
        notes.committed(QUEUE)
        notes.give()
    ours = [frame for mirror, frame in frames if mirror == quiet.mirror.name]
    assert len(ours) <= 1, "the clock stands still"


def test_runs_that_say_it_make_a_note_needless() -> None:
    quiet = QuietStreams()
    quiet.read()
    quiet.go_on()
    notes, lead = quiet.leader.up.notes, quiet.leader.up.core.lead_of(QUEUE)
    assert lead is not None
    notes.committed(QUEUE)
    quiet.append(b"a")
    assert not notes.due.get(quiet.mirror.name), "the run has the last commit index"


def test_a_link_that_is_full_gets_no_note_and_no_line_of_them() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.go_on()
    quiet.down.clear()
    notes = quiet.leader.up.notes
    notes.has_room = lambda _: False
    for _ in range(5):
        quiet.append(b"a")
        quiet.go_on()
    assert not notes_of(quiet)
    assert log.readable_offset == 4, "each run says it of the one before"
    notes.has_room = lambda _: True
    quiet.go_on()
    assert log.readable_offset == 5
    assert len(notes_of(quiet)) == 1


def test_a_mirror_follows_only_who_leads_in_its_epoch() -> None:
    quiet = QuietStreams()
    core = quiet.leader.up.core
    notes = CommitNotes(core)
    lead = core.lead_of(QUEUE)
    assert lead is not None
    for follow in (Follow(QUEUE, lead.epoch - 1, is_on=True), Follow("none", 1, is_on=True)):
        notes.hear("b", follow)
    assert not notes._followers
    notes.hear("b", Follow(QUEUE, lead.epoch, is_on=True))
    notes.forget_queue(QUEUE)
    assert not notes._followers
    notes.hear("b", Follow(QUEUE, lead.epoch, is_on=True))
    notes.forget_mirror("b")
    assert not notes._followers
    assert not notes.due


def test_a_mirror_that_has_no_connection_is_told_nothing() -> None:
    quiet = QuietStreams()
    core = quiet.leader.up.core
    lead = core.lead_of(QUEUE)
    assert lead is not None
    notes = CommitNotes(core)
    notes.hear("nobody", Follow(QUEUE, lead.epoch, is_on=True))
    assert not notes.give()
    assert commit_notes.AT_ONCE_MAX > 1
