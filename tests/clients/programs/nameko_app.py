"""Nameko: a service with an RPC and an event handler, asked by proxies that stand alone.

Prints a report in JSON.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402 -- after the patch
import os  # noqa: E402

from nameko.events import event_handler  # noqa: E402
from nameko.exceptions import RemoteError  # noqa: E402
from nameko.rpc import rpc  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402
from nameko.standalone.events import event_dispatcher  # noqa: E402
from nameko.standalone.rpc import ClusterRpcProxy  # noqa: E402

PATIENCE_S = 20
PREFIX = os.environ["NAME_PREFIX"]
CONFIG = {"AMQP_URI": os.environ["BROKER_URI"], "rpc_exchange": f"{PREFIX}.rpc"}
heard: list[object] = []
event_came = eventlet.Event()


class Warehouse:
    """Adds, fails, and hears of sales."""

    name = f"{PREFIX}.warehouse"

    @rpc
    def add(self, left: int, right: int) -> int:
        return left + right

    @rpc
    def fail(self, why: str) -> None:
        raise ValueError(why)

    @event_handler(f"{PREFIX}.shop", "sold")
    def on_sold(self, payload: object) -> None:
        heard.append(payload)
        if len(heard) == 3:
            event_came.send()


def main() -> None:
    runner = ServiceRunner(CONFIG)
    runner.add_service(Warehouse)
    runner.start()
    report: dict[str, object] = {}
    with ClusterRpcProxy(CONFIG, timeout=PATIENCE_S) as cluster:
        warehouse = cluster[Warehouse.name]
        replies = [warehouse.add.call_async(number, 1) for number in range(10)]
        report["sums"] = [reply.result() for reply in replies]
        try:
            warehouse.fail("no such luck")
        except RemoteError as error:
            report["failed"] = [type(error).__name__, str(error)]
    dispatch = event_dispatcher(CONFIG)
    for number in range(3):
        dispatch(f"{PREFIX}.shop", "sold", {"number": number})
    with eventlet.Timeout(PATIENCE_S):
        event_came.wait()
    runner.stop()
    print(json.dumps({**report, "heard": heard}), flush=True)


main()
