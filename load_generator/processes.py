"""CPU time and resident memory of a process and its children, read from /proc.

A broker is found by its port, so that one that was already running is measured like one that was
started here. This works on Linux only. On other systems, or for another user's process, these
functions return None, and the report shows a dash.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTEN: Final = "0A"
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _CUTIME, _CSTIME, _PPID = 11, 12, 13, 14, 1
"""Indices of fields in /proc/<pid>/stat, counted from the state behind the command's name."""


def listener_pid(port: int) -> int | None:
    """Return the process that listens on a TCP port of this machine; None if none is visible."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for directory in _PROC.glob("[0-9]*"):
        if not sockets.isdisjoint(_open_files(directory)):
            return int(directory.name)
    return None


def open_file_count(pid: int) -> int | None:
    """Return how many files a process has open, by path; None if it cannot be seen."""
    names = _open_names(_PROC / str(pid))
    return sum(name.startswith("/") for name in names) if names else None


def _open_files(directory: Path) -> set[str]:
    """Return the targets of a process's descriptors; empty if it is gone or not ours."""
    return set(_open_names(directory))


def _open_names(directory: Path) -> list[str]:
    """Return the target of each descriptor of a process, as ``_open_files``."""
    links: list[str] = []
    with contextlib.suppress(OSError):
        for descriptor in (directory / "fd").iterdir():
            # A descriptor may be closed after it was listed.
            with contextlib.suppress(OSError):
                links.append(str(descriptor.readlink()))
    return links


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def cpu_s(pid: int) -> float | None:
    """Return the CPU seconds, user and system, of a process and its descendants so far."""
    trees = [_stat_fields(member) for member in _descendants(pid)]
    if not trees:
        return None
    ticks = sum(
        int(fields[index])
        for fields in trees
        if fields
        for index in (_UTIME, _STIME, _CUTIME, _CSTIME)
    )
    return ticks / _TICKS_PER_S


def machine_busy_s() -> float:
    """Return the CPU seconds that all cores have worked so far, for all processes; 0 if unknown."""
    try:
        fields = (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, interrupt, soft_interrupt, steal = map(int, fields[:8])
    # Steal counts too, because then the hypervisor gave the core to another machine.
    busy_ticks = user + nice + system + interrupt + soft_interrupt + steal
    return busy_ticks / _TICKS_PER_S


def rss_bytes(pid: int) -> int | None:
    """Return the resident memory of a process and its descendants."""
    members = _descendants(pid)
    if not members:
        return None
    return sum(_resident_bytes(member) for member in members)


def _resident_bytes(pid: int) -> int:
    try:
        pages = (_PROC / str(pid) / "statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * _PAGE_BYTES


def _descendants(pid: int) -> list[int]:
    """Return ``pid`` and everything below it; empty when it is gone."""
    if _stat_fields(pid) is None:
        return []
    children: dict[int, list[int]] = {}
    for directory in _PROC.glob("[0-9]*"):
        if (fields := _stat_fields(int(directory.name))) is not None:
            children.setdefault(int(fields[_PPID]), []).append(int(directory.name))
    members = [pid]
    for member in members:
        members += children.get(member, [])
    return members


def _stat_fields(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command's name stands in parentheses and may contain spaces and parentheses itself.
    return text.rpartition(")")[2].split()
