"""The folder of several nodes: whose it is, what is in it, and what stays at the end."""

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import yaml

from amqp_server.settings.load import SettingsError, parse_settings
from amqp_server.supervising.layout import LOOPBACK

DEFAULT_FOLDER: Final = Path("haremq-cluster")
LOCK: Final = "lock"
SECRET: Final = "secret"  # noqa: S105 - a file's name
SECRET_BYTES: Final = 32
ETCD: Final = "etcd"
ETCD_PORTS: Final = range(22_500, 25_500)
"""Below those that the kernel gives to connections: none takes one while etcd starts, or starts
again."""
ETCD_HINT: Final = "etcd is not on the PATH; on Debian and Ubuntu: apt-get install etcd-server"


class FolderError(Exception):
    """The folder cannot be used; the text says why, and what to do."""


class NoEtcdError(Exception):
    """There is no etcd to start; the text says where it comes from."""


class TakenPortError(Exception):
    """Somebody listens where a node is to; the text names the port, and what to do."""


@contextmanager
def opened_folder(path: Path | None, *, keeps: bool) -> Iterator[Path]:
    """Hold a folder while nodes run in it.

    Args:
        path: of it; None: ``DEFAULT_FOLDER`` where it is kept, else a new one in the system's
            place for such.
        keeps: what is in it is used, and stays. Without, it must be new or empty, and is
            removed at the end.

    Raises:
        FolderError: something is in it that would be removed, another program has it, or it
            cannot be made.
    """
    if path is None:
        path = DEFAULT_FOLDER if keeps else Path(tempfile.mkdtemp(prefix="haremq-"))
    path = path.absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not keeps and any(path.iterdir()):
            raise FolderError(
                f"{path} is not empty, and would be removed at the end; use --keep to go on with"
                " what is in it, or another --dir"
            )
        held = os.open(path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise FolderError(f"{path}: other nodes run in it") from error
    try:
        yield path
    finally:
        if not keeps:
            shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def made_secret(folder: Path) -> Path:
    """Return the file of the secret that the nodes share; it is made once."""
    path = folder / SECRET
    if not path.exists():
        # Under another name first: a secret that is half written would part the nodes.
        new = folder / f"{SECRET}.new"
        new.touch(mode=0o600)
        with new.open("w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    return path


def write_settings(path: Path, raw: Mapping[str, Any]) -> None:
    """Write the settings of a node.

    Raises:
        SettingsError: they are none.
    """
    text = yaml.safe_dump(dict(raw), sort_keys=False, allow_unicode=True)
    parse_settings(text)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("# Written at each start.\n" + text, encoding="utf-8")


def raw_settings(path: Path | None) -> dict[str, Any]:
    """Return what a file of settings says, as it says it; None says nothing.

    Raises:
        SettingsError: it cannot be read, or has a mistake.
    """
    if path is None:
        return {}
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {error}"]) from error
    parse_settings(text, f"{path}: ")
    return yaml.safe_load(text) or {}


def found_etcd() -> str:
    """Return the program.

    Raises:
        NoEtcdError: it is not on the PATH.
    """
    program = shutil.which(ETCD)
    if program is None:
        raise NoEtcdError(ETCD_HINT)
    return program


def check_free(ports: Iterable[int]) -> None:
    """Look whether nobody listens on ports of loopback, before anything is started.

    Raises:
        TakenPortError: somebody does.
    """
    for port in ports:
        with socket.socket() as probe:
            # As a node does: connections that have ended keep nobody off.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise TakenPortError(
                    f"port {port} of {LOOPBACK} cannot be had: {error.strerror}; --port names the"
                    " first of other ports"
                ) from error


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody uses now, of ``ETCD_PORTS``.

    Raises:
        TakenPortError: there are not so many.
    """
    found: list[int] = []
    for port in secrets.SystemRandom().sample(ETCD_PORTS, len(ETCD_PORTS)):
        if len(found) == count:
            return found
        with suppress(TakenPortError):
            check_free([port])
            found.append(port)
    raise TakenPortError(
        f"fewer than {count} ports from {ETCD_PORTS.start} to {ETCD_PORTS.stop - 1} of {LOOPBACK}"
        " can be had for etcd"
    )
