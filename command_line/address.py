"""Where the node is, and as whom it is asked.

The first of these that is given counts: ``--uri``, ``--profile``, HAREMQ_URI, HAREMQ_PROFILE; a
control socket of this host (see ``is_trusted_socket``); port 15672 of this host as ``guest``.
"""

import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from command_line import exit_status
from command_line.errors import CommandError

PORT: Final = 15_672
TLS_PORT: Final = 15_671
PASSWORD: Final = "HAREMQ_PASSWORD"  # noqa: S105 -- the name of a variable
SOCKETS: Final = (
    Path("haremq-data/control.sock"),
    Path("/var/lib/haremq/control.sock"),
    Path("/run/haremq/control.sock"),
)
"""Control sockets of nodes: in the default ``data_dir``, of a service, in a container."""

_PROFILE_KEYS: Final = frozenset({"uri", "user", "password", "password-file", "vhost", "tls-ca"})


@dataclass(frozen=True, slots=True)
class Address:
    """A node, and who asks.

    Attributes:
        host, port: of the HTTP API; without meaning where there is a socket.
        socket: path of the control socket; empty is none.
        prefix: in front of ``/api``.
        user: None sends no credentials: the control socket knows who asks.
        password: of the user.
        is_tls: whether HTTPS is spoken.
        ca: file of the authorities that are trusted; empty are those of the system.
        is_checked: whether the certificate must be right.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    socket: str = ""
    prefix: str = ""
    user: str | None = None
    password: str = ""
    is_tls: bool = False
    ca: str = ""
    is_checked: bool = True

    @property
    def shown(self) -> str:
        """The address for messages; never with a password."""
        if self.socket:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says about the address; empty is not said.

    Attributes:
        uri, profile, user, password_file, ca: as given.
        is_insecure: whether any certificate will do.
    """

    uri: str = ""
    profile: str = ""
    user: str = ""
    password_file: str = ""
    ca: str = ""
    is_insecure: bool = False


class Surroundings:
    """What an address is looked for in.

    Args:
        environ: variables.
        ask: asks the user for a password, whose name it is given; None where there is no terminal.
        read: returns the text of a file; ``-`` is the standard input.
        is_ours: whether a path is a socket that may be asked without being named.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        ask: Callable[[str], str] | None,
        read: Callable[[str], str],
        is_ours: Callable[[Path], bool],
    ) -> None:
        self.environ = environ
        self.ask = ask
        self.read = read
        self.is_ours = is_ours


def resolve(wanted: Wanted, around: Surroundings) -> tuple[Address, str]:
    """Return the address of the node, and the vhost that a profile names (empty: none).

    Raises:
        CommandError: there is no such profile, or the address cannot be read.
    """
    profile: Mapping[str, str] = {}
    uri = wanted.uri
    if not uri and wanted.profile:
        profile = _profile(wanted.profile, around)
    elif not uri:
        uri = around.environ.get("HAREMQ_URI", "")
        named = around.environ.get("HAREMQ_PROFILE", "")
        if not uri and named:
            profile = _profile(named, around)
    uri = uri or profile.get("uri", "")
    if not uri:
        found = next((path for path in SOCKETS if around.is_ours(path)), None)
        uri = "http://127.0.0.1" if found is None else f"unix:{found}"
    address = parsed(uri)
    user = wanted.user or profile.get("user", "") or around.environ.get("HAREMQ_USER", "")
    if user:
        address = replace(address, user=user, password="")
        file = wanted.password_file or profile.get("password-file", "")
        secret = _password(user, file, profile.get("password"), around)
        address = replace(address, password=secret)
    elif wanted.password_file:
        address = replace(address, password=_first_line(around.read(wanted.password_file)))
    if address.user is None and not address.socket:
        address = replace(address, user="guest", password="guest")  # noqa: S106 -- AMQP's default
    ca = wanted.ca or profile.get("tls-ca", "")
    return replace(address, ca=ca, is_checked=not wanted.is_insecure), profile.get("vhost", "")


def parsed(uri: str) -> Address:
    """Return the address that a URI names: ``http://…``, ``https://…`` or ``unix:PATH``.

    Raises:
        CommandError: it is none of them.
    """
    if uri.startswith("unix:"):
        path = uri.removeprefix("unix:")
        return Address(socket=path.removeprefix("//") if path.startswith("///") else path)
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise CommandError("the URI cannot be read", exit_status.USAGE) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        text = "the URI of a node begins with http://, https:// or unix:"
        raise CommandError(text, exit_status.USAGE)
    is_tls = parts.scheme == "https"
    return Address(
        parts.hostname,
        port or (TLS_PORT if is_tls else PORT),
        prefix=parts.path.rstrip("/").removesuffix("/api"),
        user=None if parts.username is None else unquote(parts.username),
        password=unquote(parts.password or ""),
        is_tls=is_tls,
    )


def is_trusted_socket(path: Path, users: Sequence[int]) -> bool:
    """Return whether a path is a socket that may be asked without being named.

    In a folder of the system any will do, because only root decides who makes files there. In the
    folder where a user happens to be, somebody else may have laid one: its owner must be one of
    these users.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and (path.is_absolute() or found.st_uid in users)


def _password(user: str, file: str, given: str | None, around: Surroundings) -> str:
    if file:
        return _first_line(around.read(file))
    if given is not None:
        return given
    if PASSWORD in around.environ:
        return around.environ[PASSWORD]
    if around.ask is None:
        text = f"no password for {user}: set {PASSWORD}, or give --password-file"
        raise CommandError(text, exit_status.USAGE)
    return around.ask(user)


def _first_line(text: str) -> str:
    return text.partition("\n")[0].removesuffix("\r")


def _profile(name: str, around: Surroundings) -> Mapping[str, str]:
    """Return a table of the file of profiles.

    Raises:
        CommandError: the file or the table is not there, or wrong.
    """
    import tomllib  # noqa: PLC0415 -- most commands need no profile

    home = around.environ.get("XDG_CONFIG_HOME") or f"{around.environ.get('HOME', '.')}/.config"
    file = around.environ.get("HAREMQ_PROFILES") or f"{home}/haremq/profiles.toml"
    try:
        tables: dict[str, Any] = tomllib.loads(around.read(file))
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"{file}: {error}", exit_status.CONFIGURATION) from error
    table = tables.get(name)
    if not isinstance(table, dict):
        raise CommandError(f"{file}: no profile {name}", exit_status.CONFIGURATION)
    for key, value in table.items():
        if key not in _PROFILE_KEYS or not isinstance(value, str):
            known = ", ".join(sorted(_PROFILE_KEYS))
            text = f"{file}: {name}.{key}: expected a text of one of {known}"
            raise CommandError(text, exit_status.CONFIGURATION)
    return table
