"""Every key is explained, in a terminal and in docs/SETTINGS.md."""

from pathlib import Path

import pytest

from amqp_server.settings.explain import default_text, explain_markdown, explain_text, kind_of
from amqp_server.settings.schema import Key, all_keys

KEYS = {key.path: key for key in all_keys()}
PAGE = Path(__file__).parents[2] / "docs" / "SETTINGS.md"


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.path)
def test_a_key_is_explained(key: Key) -> None:
    assert f"\n{key.path}\n    {kind_of(key)}\n    {key.doc}\n" in "\n" + explain_text()
    assert key.doc in explain_markdown()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("net.shutdown_grace_ms", "an integer from 0 to 600000, milliseconds; default 5000"),
        ("net.tls", "a section, or null; default null"),
        ("net.tls.key_file", "a path; must be given"),
        ("net.tls.ca_file", "a path, or null; default null"),
        ("net.tls.versions", "a list, each one of tlsv1.2, tlsv1.3; default [tlsv1.2, tlsv1.3]"),
        ("protocol.compatibility", "a section"),
        ("protocol.compatibility.server_properties", "names and texts; default {}"),
        ("broker.cluster_name", 'a text; default ""'),
        (
            "net.listeners",
            (
                "a list, each a section; default "
                "[{address: 127.0.0.1, port: 5672, protocol: amqp, tls: false,"
                " proxy_protocol: false, reuse_port: false}]"
            ),
        ),
    ],
)
def test_a_kind_is_told_in_one_line(path: str, kind: str) -> None:
    assert kind_of(KEYS[path]) == kind
    assert kind.endswith(default_text(KEYS[path]))


def test_the_page_in_docs_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == explain_markdown(), (
        "run: python -m amqp_server explain-config --markdown > docs/SETTINGS.md"
    )
