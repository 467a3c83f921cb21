"""The figures of the other client."""

from benchmarks.bystander.canary import summary


def test_figures_are_of_all_round_trips() -> None:
    trips = summary([float(at) for at in range(1_000, 0, -1)])
    assert trips == (1_000, 501.0, 991.0, 1_000.0)
    assert summary([7.0]) == (1, 7.0, 7.0, 7.0)
