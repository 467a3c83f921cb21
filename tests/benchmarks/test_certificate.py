"""The certificate of a run can be served."""

import ssl
from pathlib import Path

from benchmarks.certificate import made_in


def test_a_server_can_present_it(tmp_path: Path) -> None:
    files = made_in(tmp_path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
