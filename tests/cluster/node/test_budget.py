from cluster.node.budget import SliceBudget


def test_a_slice_is_spent_after_its_time() -> None:
    now = [0]
    budget = SliceBudget(lambda: now[0], 100)
    assert budget.is_spent()
    budget.begin()
    now[0] = 99
    assert not budget.is_spent()
    now[0] = 100
    assert budget.is_spent()
