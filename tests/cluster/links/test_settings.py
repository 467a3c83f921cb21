"""Settings that would make a link stand still are refused."""

from typing import Any

import pytest

from cluster.links.settings import LinkSettings, Windows


@pytest.mark.parametrize(
    "settings",
    [
        {"piece_bytes": 0},
        {"piece_bytes": (1 << 20) + 1},
        {"windows": Windows(live_bytes=4_095)},
        {"windows": Windows(stream_bytes=0)},
        {"heartbeat_ms": 0},
        {"heartbeat_ms": 500, "silence_ms": 500},
    ],
)
def test_settings_that_do_not_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bytes|windows|silence"):
        LinkSettings(**settings)
