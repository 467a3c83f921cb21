"""Bounds of a link. Each node tells the other how much it takes, in its hello."""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

WINDOW_BYTES_MIN: Final = 4 * KIB
"""A smaller window would cost more envelopes than it is worth."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How much a mirror's node takes before it says that it has worked some of it off.

    Attributes:
        live_bytes: of runs of queues that are live.
        catch_up_bytes: of tails and snapshots, of all queues together.
        stream_bytes: of the tails and snapshots of one queue.
        run_bytes_max: of the records of one run or tail, which are put together in memory.
        snapshot_bytes_max: of one snapshot, whose messages came before it but for the last.
    """

    live_bytes: int = 16 * MIB
    catch_up_bytes: int = 16 * MIB
    stream_bytes: int = 4 * MIB
    run_bytes_max: int = 512 * MIB
    snapshot_bytes_max: int = 512 * MIB

    def of_lanes(self) -> tuple[int, int, int]:
        """Return the windows of live runs, of all catch-ups, of one catch-up."""
        return self.live_bytes, self.catch_up_bytes, self.stream_bytes


WINDOWS: Final = Windows()


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How one node's links behave.

    Attributes:
        windows: what this node takes as a mirror.
        piece_bytes: records of a catch-up in one envelope: how long a live run waits for it. Of a
            live run four times as many leave in one.
        waiting_frames_max: frames that wait for one slow node; with more its link ends.
        held_bytes_max: octets of waiting runs that are kept in memory, of all links of the node;
            others are read from the log again.
        heartbeat_ms: without other output a sign of life is sent this often.
        silence_ms: without any input for so long the other node is given up.
        handshake_ms: within it both must have proved who they are.
        stall_ms: the socket takes nothing for so long: the other node does not read.
    """

    windows: Windows = WINDOWS
    piece_bytes: int = 128 * KIB
    waiting_frames_max: int = 100_000
    held_bytes_max: int = 64 * MIB
    heartbeat_ms: int = 500
    silence_ms: int = 2_000
    handshake_ms: int = 5_000
    stall_ms: int = 15_000

    def __post_init__(self) -> None:
        """Refuse what would make a link stand still, or an envelope too large."""
        if not 0 < self.piece_bytes <= MIB:
            raise ValueError("piece_bytes: 1 to 1 MiB")
        if min(self.windows.of_lanes()) < WINDOW_BYTES_MIN:
            raise ValueError(f"windows: at least {WINDOW_BYTES_MIN} octets each")
        if not 0 < self.heartbeat_ms < self.silence_ms:
            raise ValueError("silence_ms: must be longer than heartbeat_ms")
