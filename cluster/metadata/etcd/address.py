"""Where etcd is and how to log in there: what a process needs to open its own store."""

import ssl
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.etcd.http import Times
from cluster.metadata.etcd.requests import Login

CONNECT_MS: Final = 2_000
ANSWER_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class EtcdAddress:
    """One etcd.

    Attributes:
        endpoints: URLs of its members.
        user, password: where it asks for a login; empty where it does not.
        ca_file: whom to trust for https; empty is whom the system trusts.
        certificate_file, key_file: to show to etcd; empty is none.
        connect_ms, answer_ms: how long to wait for a connection, and for a whole answer.
    """

    endpoints: tuple[str, ...]
    user: str = ""
    password: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    connect_ms: int = CONNECT_MS
    answer_ms: int = ANSWER_MS

    def octets(self) -> bytes:
        """Return it as a process hands it to another one. It holds the password."""
        return orjson.dumps(asdict(self))

    def by_member(self) -> list["EtcdAddress"]:
        """Return the same etcd once for each member, which is asked first there."""
        found = self.endpoints
        return [replace(self, endpoints=found[at:] + found[:at]) for at in range(len(found))]

    def opened(self, now_ms: Callable[[], int]) -> EtcdStore:
        """Return a store; within a running loop.

        Raises:
            ValueError: an endpoint is no URL.
            OSError: a file cannot be read, or holds no certificate.
        """
        login = Login(self.user, self.password) if self.user else None
        times = Times(connect=self.connect_ms, answer=self.answer_ms)
        return EtcdStore(self.endpoints, now_ms, login=login, tls=self._tls(), times=times)

    def _tls(self) -> ssl.SSLContext | None:
        if not (self.ca_file or self.certificate_file):
            return None
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file or None)
        return context


def address_of(octets: bytes) -> EtcdAddress:
    """Return the address that ``EtcdAddress.octets`` gave.

    Raises:
        ValueError: it is none.
    """
    try:
        fields = orjson.loads(octets)
        return EtcdAddress(**{**fields, "endpoints": tuple(fields["endpoints"])})
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"expected the address of etcd: {error}") from error
