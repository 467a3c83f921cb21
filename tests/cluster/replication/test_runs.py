"""From the LSN of a link to the index of a queue."""

from cluster.replication.runs import Runs


def runs() -> Runs:
    made = Runs(10)
    made.append(12, 5)
    made.append(20, 30)
    made.append(21, 31)
    return made


def test_an_lsn_says_up_to_which_run_it_reaches() -> None:
    assert [runs().index_at(lsn) for lsn in (0, 4, 5, 29, 30, 99)] == [0, 0, 12, 12, 20, 21]


def test_runs_up_to_the_attach_lsn_do_not_count() -> None:
    assert runs().index_at(5, above=5) == 0
    assert runs().index_at(30, above=5) == 20


def test_what_was_forgotten_last_is_known() -> None:
    made = runs()
    made.forget(12)
    assert made.index_at(5) == 12
    assert made.index_at(4) == 0
    made.forget(15)
    assert made.index_at(25) == 15
    assert made.index_at(30) == 20


def test_an_index_before_the_first_run_is_no_news() -> None:
    made = runs()
    made.forget(10)
    assert made.index_at(5) == 12


def test_memory_is_given_back() -> None:
    made = Runs(0)
    for index in range(1, 1001):
        made.append(index, index)
    made.forget(999)
    assert len(made._runs) < 100
    assert made.index_at(2000) == 1000
