from cluster.node.waking import Waking, WokenCommit


class Clocked:
    def __init__(self) -> None:
        self.now_ms = 1_000
        self.turns: list[int] = []
        self.waking = Waking(lambda: self.now_ms, self.take_turn, 25)

    def take_turn(self, now_ms: int) -> None:
        self.turns.append(now_ms)
        self.waking.wake()


def test_the_clock_is_set_where_it_is_old_and_once() -> None:
    clocked = Clocked()
    clocked.waking.wake()
    clocked.waking.wake()
    clocked.now_ms += 24
    clocked.waking.wake()
    assert clocked.turns == [1_000]
    clocked.now_ms += 60_000
    clocked.waking.wake()
    assert clocked.turns == [1_000, 61_024]


def test_what_the_disk_says_comes_after_the_clock_is_set() -> None:
    clocked = Clocked()
    happened: list[object] = []

    class Commit:
        committed_lsn = 6
        writing_bytes = 7

        def wait(self, lsn: int, call: object) -> None:
            happened.append(lsn)
            assert callable(call)
            call()

    def woken(call: object) -> None:
        clocked.waking.wake()
        happened.append(list(clocked.turns))
        assert callable(call)
        call()

    commit = WokenCommit(Commit(), woken)
    commit.wait(7, lambda: happened.append("called"))
    assert commit.committed_lsn == 6
    assert commit.writing_bytes == 7
    assert happened == [7, [1_000], "called"]
