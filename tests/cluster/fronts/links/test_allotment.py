"""Windows of all front links of a node together have a bound."""

from cluster.fronts.links.allotment import WINDOW_BYTES_LEAST, Allotment
from cluster.links.settings import MIB, Windows


def test_what_is_promised_has_a_bound_and_every_link_gets_some() -> None:
    allotment = Allotment(Windows(), 64 * MIB)
    promised = [allotment.promise() for _ in range(200)]
    assert promised[0].catch_up_bytes == 16 * MIB
    assert promised[0].stream_bytes == 4 * MIB
    assert min(each.catch_up_bytes for each in promised) == WINDOW_BYTES_LEAST
    assert min(each.stream_bytes for each in promised) == WINDOW_BYTES_LEAST
    assert allotment.promised_bytes <= 64 * MIB + 200 * WINDOW_BYTES_LEAST
    for windows in promised:
        allotment.give_back(windows)
    assert allotment.promised_bytes == 0
    assert allotment.promise().catch_up_bytes == 16 * MIB
