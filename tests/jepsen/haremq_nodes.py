"""HareMQ in namespaces: one node without a cluster, or a cluster with its etcd."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from load_generator.verifying.cluster import Ability
from tests.jepsen.machines import Machines, build_delay

START_S: Final = 60.0
SETTINGS: Final = {
    "net": {"listeners": [{"address": "0.0.0.0", "port": 5672}]},
    "management": {"listeners": [], "metrics_listeners": []},
    "persistence": {
        "durability": "fsync",
        "wal_file_size_bytes": 4 << 20,
        "segment_size_bytes": 4 << 20,
    },
}


class SingleNode(Machines):
    """One node without a cluster."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        self._library = build_delay(folder)
        settings = {
            **SETTINGS,
            "broker": {"data_dir": str(self.place("n1") / "data"), "loopback_users": []},
        }
        (self.place("n1") / "haremq.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    @property
    def abilities(self) -> frozenset[Ability]:
        library = {Ability.SLOW_DISK, Ability.CLOCK} if self._library else set()
        return super().abilities | library

    def launch(self) -> None:
        """Start it."""
        self.launch_all(START_S)

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        place = self.place(name)
        program = Path(sys.executable).with_name("haremq")
        environment = {"HOME": os.environ.get("HOME", "/")}
        if self._library is not None:
            environment["LD_PRELOAD"] = str(self._library)
            environment["SLOW_DISK_DELAY"] = str(place / "delay")
            environment["SLOW_DISK_SHIFT"] = str(place / "shift")
        return [str(program), "start", "--config", str(place / "haremq.yaml")], environment

    def leader_of(self, queue: str) -> str | None:
        return self.nodes[0]


def has_etcd() -> bool:
    """Return whether the metadata store can be started."""
    return shutil.which("etcd") is not None
