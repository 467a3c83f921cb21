"""What makes a test fail only where others run beside it: ports, and clients that nobody serves.

Ports of the loopback come from one place: what is picked otherwise meets another worker's. A client
whose test waits for a browser has no heartbeat: the broker would take it for dead.
"""

import ast
from pathlib import Path

from tests.style.tree import ROOT

SOURCE = "tests.support.ports"
ITSELF = ("tests/support/ports.py", "tests/style/test_beside_others.py")
TRIED = {"tests/supervising/test_folder.py": "amqp_server.supervising.folder"}
"""By file what else it may have the ports of: its subject."""
NAMES = {"free_port", "free_ports"}


def problems(text: str, subject: str = SOURCE) -> list[str]:
    """Return the lines of a module that find a free port in a way of their own."""
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) if "free_port" in name and "test" not in name:
                found.append(f"{node.lineno}: {name} is defined")
            case ast.ImportFrom(module=module, names=names) if module not in (SOURCE, subject):
                if NAMES & {each.name for each in names}:
                    found.append(f"{node.lineno}: ports come from {module}")
            case ast.BinOp(op=ast.Mod(), left=ast.Call(func=ast.Name(id="free_port"))):
                found.append(f"{node.lineno}: a port is moved")
            case _:
                pass
    return found


def test_a_port_is_free_by_one_measure() -> None:
    found = {
        str(path): said
        for path in sorted(Path(ROOT, "tests").rglob("*.py"))
        if (name := str(path.relative_to(ROOT))) not in ITSELF
        and (said := problems(path.read_text("utf-8"), TRIED.get(name, SOURCE)))
    }
    assert not found


def test_other_ways_are_found() -> None:
    assert problems("def high_free_port(): ...") == ["1: high_free_port is defined"]
    text = "from amqp_server.supervising.folder import free_ports, found_etcd"
    assert problems(text) == ["1: ports come from amqp_server.supervising.folder"]
    assert problems("port = 20_000 + free_port() % 10_000") == ["1: a port is moved"]
    assert not problems(f"from {SOURCE} import free_port\nport = free_port() + 1")
    assert not problems("def test_free_ports_are_different(): ...")


CONNECTS = "BlockingConnection("
UNATTENDED = Path(ROOT, "tests/web")
RIG = {"broker_rig.py", "demo.py"}
"""Where connections are made: the first gives them to tests, the second is no test."""


def test_beside_a_browser_no_client_has_heartbeats() -> None:
    found = [path.name for path in UNATTENDED.glob("*.py") if CONNECTS in path.read_text("utf-8")]
    assert set(found) == RIG
