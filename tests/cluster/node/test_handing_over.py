from cluster.node.handing_over import HandingOver
from cluster.replication.inputs import HandOver
from tests.support.cluster_views import Told
from tests.support.replicating import Replicating


def never() -> bool:
    return False


def handing_over(*live: str) -> tuple[Replicating, HandingOver]:
    nodes = Replicating()
    nodes.serve()
    told = Told()
    for at, name in enumerate(live):
        told.live(name, 20 + at, disk="0")
    return nodes, HandingOver(nodes.cores["a"], told.view)


def test_a_queue_goes_to_a_member_that_lives_once_it_has_the_whole_log() -> None:
    nodes, over = handing_over("a", "c")
    nodes.settle()
    nodes.append("a")
    assert not over.is_over
    assert list(over.moves(never)) == [HandOver("q", "c", 21)]
    nodes.step("a", HandOver("q", "c", 21))
    assert list(over.moves(never)) == [], "it stands still, and moves by itself"


def test_where_nobody_else_lives_there_is_nothing_to_wait_for() -> None:
    _, over = handing_over("a")
    assert list(over.moves(never)) == []
    assert over.is_over


def test_a_node_on_another_disk_is_no_member() -> None:
    nodes, _ = handing_over()
    told = Told()
    told.live("b", 20, disk="1")
    assert HandingOver(nodes.cores["a"], told.view).is_over
