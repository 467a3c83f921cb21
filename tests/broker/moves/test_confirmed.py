"""At least once: what is refused, goes nowhere or is not safe yet stays; nothing is sent twice."""

from collections.abc import Mapping

import pytest

from amqp_server.broker.backing import Backing
from amqp_server.broker.moves.confirmed import LOOK_MS, OPEN_MAX
from amqp_server.broker.queue import Queue
from tests.support.commits import FakeDisk, FakeLog
from tests.support.refusing_queue import RefusingQueue
from tests.support.vhosts import EPOCH_S, NOW_MS, VhostUnderTest, plain_headers

PERSISTENT = 2


class Place:
    """A vhost on a disk, with the quorum queue ``jobs`` whose dead letters go to ``dlx``."""

    def __init__(self, **arguments: object) -> None:
        self.disk = FakeDisk()
        self.at = VhostUnderTest(backing=Backing(make_log=lambda _: FakeLog(self.disk)))
        self.at.exchange("dlx")
        strategy = {"dead_letter_strategy": "at-least-once", "overflow": "reject-publish"}
        given = {"queue_type": "quorum", "dead_letter_exchange": "dlx", **strategy, **arguments}
        self.jobs = self.at.queue(**given)  # type: ignore[arg-type]

    def target(self, name: str = "dead", **arguments: object) -> Queue:
        queue = self.at.queue(name, **arguments)  # type: ignore[arg-type]
        self.at.bind("dlx", name)
        return queue

    def die(self, *bodies: bytes) -> None:
        """Publish messages and reject them."""
        self.at.publish(*bodies, delivery_mode=PERSISTENT)
        for _ in bodies:
            got = self.jobs.engine.get(self.at.now_ms)
            assert got is not None
            self.jobs.engine.reject((got[0],), self.at.now_ms)
        self.at.end()

    @property
    def kept_count(self) -> int:
        return self.jobs.engine.moves.count

    def look(self) -> None:
        self.at.advance(LOOK_MS)
        self.disk.commit_all()
        self.at.end()


def test_a_message_stays_until_its_copy_is_safe() -> None:
    place = Place()
    place.target()
    place.die(b"a", b"b")
    assert place.kept_count == 2
    counts = place.jobs.engine.counts()
    assert (counts.dead_lettered_safely.rejected, counts.moved_safely) == (2, 0)
    place.disk.commit_all()
    assert place.kept_count == 0
    assert place.jobs.engine.counts().moved_safely == 2
    assert place.at.bodies("dead") == [b"a", b"b"]


def test_all_targets_must_have_it_safe() -> None:
    place = Place()
    place.target()
    place.target("dead too")
    place.die(b"a")
    place.disk.commit(place.disk.last_lsn - 1)
    assert place.kept_count == 1
    place.disk.commit_all()
    assert place.kept_count == 0


def test_what_a_commit_group_that_fails_had_is_copied_again() -> None:
    place = Place()
    dead = place.target()
    place.die(b"a", b"b")
    place.disk.fail()
    assert place.kept_count == 2
    dead.engine.purge()
    place.disk.has_failed = False
    for _ in range(3):
        place.look()
    assert place.kept_count == 0
    assert place.at.bodies("dead") == [b"a", b"b"]


@pytest.mark.parametrize("is_safe", [True, False])
def test_what_died_under_an_earlier_leader_is_the_next_one_s(*, is_safe: bool) -> None:
    place = Place()
    dead = place.target()
    place.die(*[b"%d" % number for number in range(OPEN_MAX)])
    earlier = place.jobs.engine
    # The front half of a mirrored queue has the engine of the leadership that is.
    place.jobs.engine = place.at.queue("led anew").engine
    if is_safe:
        place.disk.commit_all()
    else:
        place.disk.fail()
        place.disk.has_failed = False
        for _ in range(3):
            place.look()
    assert (place.kept_count, earlier.moves.count) == (0, OPEN_MAX)
    assert dead.engine.ready_count == OPEN_MAX
    # And there is room for those of the next one.
    place.jobs.engine = earlier
    place.die(b"more")
    place.disk.commit_all()
    assert dead.engine.ready_count == OPEN_MAX + 1


def test_what_a_target_refuses_before_the_commit_is_copied_to_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place()
    dead, other = place.target(), place.target("other")
    late = RefusingQueue()
    with monkeypatch.context() as patched:
        patched.setattr(dead.engine, "publish", late.publish)
        place.die(*[b"%d" % number for number in range(5)])
        place.disk.commit_all()
        assert place.kept_count == 5
        for number in range(len(late.runs)):
            late.refuse(number, range(1) if len(late.runs) > 1 else range(1, 3))
        late.commits.commit(late.last_lsn)
    refused_count = sum(len(some) for run in late.runs for some in run.refused)
    assert place.kept_count == refused_count > 0
    for _ in range(3):
        place.look()
    assert place.kept_count == 0
    assert dead.engine.ready_count == refused_count
    assert other.engine.ready_count == 5, "it has them once"


def test_what_has_no_route_stays_until_there_is_one() -> None:
    place = Place()
    place.die(b"a", b"b")
    place.look()
    assert place.kept_count == 2
    place.target()
    place.look()
    assert place.kept_count == 0
    letters = place.at.take("dead")
    assert [letter.body for letter in letters] == [b"a", b"b"]
    deaths = plain_headers(letters[0])["x-death"]
    assert isinstance(deaths, list)
    seen = [(death["count"], death["time"]) for death in deaths]
    assert seen == [(1, EPOCH_S + NOW_MS // 1000)], "it died once, then"


def test_what_has_no_exchange_stays_until_there_is_one() -> None:
    place = Place(dead_letter_exchange="later")
    place.die(b"a")
    place.at.exchange("later")
    place.at.queue("dead")
    place.at.bind("later", "dead")
    place.look()
    assert (place.kept_count, place.at.bodies("dead")) == (0, [b"a"])


def test_what_a_target_refuses_is_tried_again_there_and_nowhere_else() -> None:
    place = Place()
    place.target("roomy")
    full = place.target("full", max_length=1, overflow="reject-publish")
    place.die(b"a", b"b", b"c")
    place.disk.commit_all()
    assert place.kept_count == 2, "the first went to both"
    assert place.at.bodies("roomy") == [b"a", b"b", b"c"]
    for left_count, body in ((1, b"b"), (0, b"c")):
        full.engine.purge()
        for _ in range(5):
            place.look()
        assert place.kept_count == left_count
        got = full.engine.get(place.at.now_ms)
        assert got is not None
        assert got[0].records[0].body == body
    assert place.at.bodies("roomy") == []


def test_what_would_close_a_circle_stays() -> None:
    place = Place(message_ttl=1)
    place.at.bind("dlx", "jobs")
    place.at.publish(b"a", delivery_mode=PERSISTENT)
    place.at.end()
    place.at.advance(1)
    place.look()
    assert (place.kept_count, place.jobs.engine.ready_count) == (1, 0)


def test_what_stays_counts_for_the_length_and_is_not_purged() -> None:
    place = Place(max_length=3)
    place.die(b"a", b"b")
    assert place.at.publish(b"c").rejected == ()
    assert place.at.publish(b"d").rejected == [0]
    assert place.jobs.engine.ready_count == 1
    place.jobs.engine.purge()
    place.target()
    place.look()
    assert place.at.bodies("dead") == [b"a", b"b"]
    assert place.at.publish(b"e", b"f", b"g").rejected == ()


def test_no_more_are_on_their_way_than_may_be_and_the_others_follow() -> None:
    place = Place(message_ttl=1)
    dead = place.target()
    bodies = [b"%d" % number for number in range(OPEN_MAX + 500)]
    place.at.publish(*bodies, delivery_mode=PERSISTENT)
    place.at.end()
    place.at.advance(1)
    assert dead.engine.ready_count == OPEN_MAX
    place.disk.commit_all()
    place.at.end()
    place.disk.commit_all()
    place.at.end()
    assert place.kept_count == 0
    assert place.at.bodies("dead") == bodies


def test_many_that_have_nowhere_to_go_keep_others_waiting_and_all_arrive() -> None:
    place = Place(message_ttl=1)
    bodies = [b"%d" % number for number in range(2 * OPEN_MAX)]
    place.at.publish(*bodies, delivery_mode=PERSISTENT)
    place.at.end()
    place.at.advance(1)
    place.target()
    for _ in range(4):
        place.look()
    assert place.kept_count == 0
    assert place.at.bodies("dead") == bodies


def test_it_is_looked_for_new_routes_often_and_for_room_less_and_less() -> None:
    place = Place()
    full = place.target("full", max_length=1, overflow="reject-publish")
    place.die(b"a", b"b")
    attempts = 0
    given = full.engine.publish

    def publish(run: object, now_ms: int) -> object:
        nonlocal attempts
        attempts += 1
        return given(run, now_ms)  # type: ignore[arg-type]

    full.engine.publish = publish  # type: ignore[method-assign, assignment]
    for _ in range(64):
        place.look()
    assert attempts <= 8


def test_a_queue_that_goes_takes_what_stays_with_it() -> None:
    place = Place()
    place.die(b"a")
    place.at.delete_queue("jobs")
    place.target()
    place.look()
    assert place.at.bodies("dead") == []
    assert place.at.turn.next_deadline_ms() is None


@pytest.mark.parametrize(
    "arguments",
    [{"overflow": "drop-head"}, {"overflow": "reject-publish-dlx"}],
)
def test_with_another_overflow_it_is_once_at_most_and_that_is_said(
    arguments: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(**arguments)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        "dead-letter-strategy at-least-once needs overflow reject-publish, so it is at-most-once"
        " queue='jobs' vhost='/' overflow=drop-head"
    )
    place.die(b"a")
    assert place.kept_count == 0


def test_a_policy_may_ask_for_it_and_take_it_back() -> None:
    place = Place(dead_letter_strategy="at-most-once", overflow="drop-head")
    other = place.at.queue("other", queue_type="quorum")
    keys = {"dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}
    place.at.policy({**keys, "dead-letter-exchange": "dlx"}, pattern="^other$")
    assert other.engine.options.dead_letters_at_least_once
    place.at.publish(b"a", routing_key="other")
    place.at.reject("other")
    assert other.engine.moves.count == 1
    place.at.clear_policy()
    for _ in range(3):
        place.look()
    assert other.engine.moves.count == 0
