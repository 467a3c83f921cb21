"""How long a dialer waits."""

from cluster.links.sockets.backoff import FIRST_MS, LAST_MS, MISFIT_MS, MISFITS_MAX, Backoff


def test_waits_grow_up_to_a_bound_and_begin_anew() -> None:
    backoff = Backoff(lambda: 1.0)
    waits = [backoff.wait_ms() for _ in range(10)]
    assert waits[:3] == [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS]
    assert waits[-1] == LAST_MS
    backoff.succeeded()
    assert backoff.wait_ms() == FIRST_MS
    assert Backoff(lambda: 0.0).wait_ms() == FIRST_MS // 2


def test_nodes_that_do_not_understand_each_other_try_seldom() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(MISFITS_MAX):
        assert not backoff.is_slow
        assert backoff.wait_ms() <= LAST_MS
        backoff.misfitted(was_lasting=False)
    assert backoff.is_slow
    assert backoff.wait_ms() == backoff.wait_ms() == MISFIT_MS
    backoff.misfitted(was_lasting=True)
    assert backoff.wait_ms() <= LAST_MS
    for _ in range(MISFITS_MAX):
        backoff.misfitted(was_lasting=False)
    backoff.succeeded()
    assert backoff.wait_ms() == FIRST_MS
