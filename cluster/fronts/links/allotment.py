"""How large the windows of each front link of a node are: together they have a bound.

A connection says in its hello what it takes, and that holds as long as it lasts. So the first ones
get what the settings say, and later ones a quarter of what is left.
"""

from typing import Final

from cluster.links.settings import KIB, Windows

_SHARE: Final = 4

WINDOW_BYTES_LEAST: Final = 256 * KIB
"""A link gets so much however many there are; less would be a standstill."""


class Allotment:
    """What the front links of one node were promised.

    Attributes:
        promised_bytes: to all that are there.
    """

    def __init__(self, windows: Windows, bytes_max: int) -> None:
        """Begin with none.

        Args:
            windows: the most that a connection gets.
            bytes_max: of all of them together, but for ``WINDOW_BYTES_LEAST`` each.
        """
        self._windows = windows
        self._bytes_max = bytes_max
        self.promised_bytes = 0

    def promise(self) -> Windows:
        """Return the windows of a new connection; ``give_back`` follows."""
        windows = self._windows
        share = max((self._bytes_max - self.promised_bytes) // _SHARE, WINDOW_BYTES_LEAST)
        shared = min(windows.catch_up_bytes, share)
        self.promised_bytes += shared
        return Windows(
            live_bytes=windows.live_bytes,
            catch_up_bytes=shared,
            stream_bytes=min(windows.stream_bytes, shared),
            run_bytes_max=windows.run_bytes_max,
            snapshot_bytes_max=windows.snapshot_bytes_max,
        )

    def give_back(self, windows: Windows) -> None:
        """A connection has ended."""
        self.promised_bytes -= windows.catch_up_bytes
