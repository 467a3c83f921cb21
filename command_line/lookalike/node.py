"""What the tools say of a node as a whole: status, ping, waiting for it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.results import Done, Result, Told
from command_line.lookalike.words import TEXT, Call, Command, number

GIB: Final = 1024**3
GB: Final = 1_000_000_000
_PURPOSES: Final = {
    "amqp": "AMQP 0-9-1 and AMQP 1.0",
    "amqp/ssl": "AMQP 0-9-1 and AMQP 1.0 over TLS",
    "http": "HTTP API",
    "https": "HTTP API (TLS)",
    "clustering": "inter-node and CLI tool communication",
    "stream": "stream",
    "stream/ssl": "stream over TLS",
    "http/prometheus": "Prometheus exporter API over HTTP",
}
WAIT_POLL_S: Final = 0.5
NONE: Final = "(none)"


def listeners(call: Call) -> list[dict[str, Any]]:
    """Return the listeners of the node, as the tools have them."""
    overview = call.api.thing(path_of("overview"))
    return [
        {
            "interface": f"[{host}]" if ":" in (host := str(each.get("ip_address"))) else host,
            "node": each.get("node"),
            "port": each.get("port"),
            "protocol": each.get("protocol"),
            "purpose": _PURPOSES.get(str(each.get("protocol")), str(each.get("protocol"))),
        }
        for each in overview.get("listeners") or []
    ]


def listener_line(each: Mapping[str, Any]) -> str:
    """Return a listener in one line."""
    return (
        f"nterface: {each['interface']}, port: {each['port']}, protocol: {each['protocol']},"
        f" purpose: {each['purpose']}"
    )


def alarms_of(node: Thing) -> list[dict[str, str]]:
    """Return the alarms that are on in a node."""
    kinds = {"mem_alarm": "memory", "disk_free_alarm": "disk"}
    return [
        {"node": str(node.get("name")), "resource": resource, "type": "resource_limit"}
        for field, resource in kinds.items()
        if node.get(field)
    ]


def alarm_line(alarm: Mapping[str, str]) -> str:
    """Return an alarm in one line."""
    return f"{alarm['resource'].capitalize()} alarm on node {alarm['node']}"


def the_node(call: Call) -> Thing:
    """Return the node that is asked."""
    return call.api.thing(path_of("nodes", call.node))


def memory_of(call: Call) -> dict[str, Any]:
    """Return where the memory of the node is; empty where it is not known."""
    found = call.api.thing(f"{path_of('nodes', call.node)}/memory").get("memory")
    return found if isinstance(found, dict) else {}


def status(call: Call) -> Result:
    """Say everything of a node."""
    overview, node, memory = call.api.thing(path_of("overview")), the_node(call), memory_of(call)
    found = {
        "active_plugins": node.get("enabled_plugins") or [],
        "alarms": alarms_of(node),
        "config_files": node.get("config_files") or [],
        "crypto_lib_version": overview.get("crypto_lib_version", ""),
        "data_directory": node.get("db_dir", ""),
        "disk_free": node.get("disk_free"),
        "disk_free_limit": node.get("disk_free_limit"),
        "enabled_plugin_file": "",
        "erlang_version": overview.get("erlang_full_version", ""),
        "file_descriptors": {
            "sockets_limit": node.get("sockets_total"),
            "sockets_used": node.get("sockets_used"),
            "total_limit": node.get("fd_total"),
            "total_used": node.get("fd_used"),
        },
        "is_under_maintenance": bool(node.get("being_drained")),
        "listeners": listeners(call),
        "log_files": node.get("log_files") or [],
        "memory": memory,
        "net_ticktime": node.get("net_ticktime", 60),
        "os": "Linux",
        "pid": int(node.get("os_pid") or 0),
        "processes": {"limit": node.get("proc_total"), "used": node.get("proc_used")},
        "product_name": overview.get("product_name", ""),
        "product_version": overview.get("product_version", ""),
        "rabbitmq_version": overview.get("rabbitmq_version", ""),
        "raft_data_directory": node.get("db_dir", ""),
        "release_series_support_status": "supported",
        "run_queue": node.get("run_queue"),
        "totals": {
            "virtual_host_count": len(call.api.things(path_of("vhosts"), columns="name")),
            "connection_count": (overview.get("object_totals") or {}).get("connections"),
            "queue_count": (overview.get("object_totals") or {}).get("queues"),
        },
        "uptime": int(node.get("uptime") or 0) // 1000,
        "vm_memory_calculation_strategy": memory.get("strategy", "rss"),
        "vm_memory_high_watermark_limit": node.get("mem_limit"),
        "vm_memory_high_watermark_setting": {"absolute": node.get("mem_limit")},
    }
    return Told(_status_text(call, found), found)


def _title(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


def _bulleted(names: list[str]) -> list[str]:
    return [f" * {name}" for name in names]


def _status_text(call: Call, found: Mapping[str, Any]) -> str:
    used, total = found["file_descriptors"], found["totals"]
    alarms = [alarm_line(each) for each in found["alarms"]]
    lines = [
        _title("Runtime"),
        "",
        f"OS PID: {found['pid']}",
        f"OS: {found['os']}",
        f"Uptime (seconds): {found['uptime']}",
        f"Is under maintenance?: {str(found['is_under_maintenance']).lower()}",
        f"RabbitMQ version: {found['rabbitmq_version']}",
        f"Product: {found['product_name']} {found['product_version']}",
        f"Node name: {call.node}",
        f"Erlang configuration: {found['erlang_version']}",
        f"Crypto library: {found['crypto_lib_version']}",
        f"Erlang processes: {found['processes']['used']} used, {found['processes']['limit']} limit",
        f"Scheduler run queue: {found['run_queue']}",
        f"Cluster heartbeat timeout (net_ticktime): {found['net_ticktime']}",
        *["", _title("Plugins"), "", "Enabled plugins:", "", *_bulleted(found["active_plugins"])],
        *["", _title("Data directory"), "", f"Node data directory: {found['data_directory']}"],
        *["", _title("Config files"), "", *(_bulleted(found["config_files"]) or [NONE])],
        *["", _title("Log file(s)"), "", *(_bulleted(found["log_files"]) or [NONE])],
        *["", _title("Alarms"), "", *(alarms or [NONE])],
        *["", _title("Memory"), "", *_memory_lines(found)],
        *["", _title("File Descriptors"), ""],
        f"Total: {used['total_used']}, limit: {used['total_limit']}",
        f"Sockets: {used['sockets_used']}, limit: {used['sockets_limit']}",
        *["", _title("Free Disk Space"), ""],
        f"Low free disk space watermark: {in_gb(found['disk_free_limit'])}",
        f"Free disk space: {in_gb(found['disk_free'])}",
        *["", _title("Totals"), ""],
        f"Connection count: {total['connection_count']}",
        f"Queue count: {total['queue_count']}",
        f"Virtual host count: {total['virtual_host_count']}",
        *["", _title("Listeners"), "", *("I" + listener_line(each) for each in found["listeners"])],
    ]
    return "\n".join(lines)


def in_gb(count: object) -> str:
    """Return a number of octets in units of 10^9."""
    return f"{round(count / GB, 4)} gb" if isinstance(count, int | float) else ""


def _memory_lines(found: Mapping[str, Any]) -> list[str]:
    total = (found["memory"].get("total") or {}).get("rss", 0)
    limit = in_gb(found["vm_memory_high_watermark_limit"])
    return [
        f"Total memory used: {in_gb(total)}",
        f"Calculation strategy: {found['vm_memory_calculation_strategy']}",
        f"Memory high watermark setting: {limit}, computed to: {limit}",
        "",
        *breakdown_lines(found["memory"], "gb"),
    ]


_UNITS: Final = {"gb": GB, "gib": GIB, "mb": 1_000_000, "mib": 1024**2, "kb": 1000, "bytes": 1}


def breakdown_lines(memory: Mapping[str, Any], unit: str) -> list[str]:
    """Return where memory is, the largest first.

    Raises:
        CommandError: 64, there is no such unit.
    """
    divisor = _UNITS.get(unit.lower())
    if divisor is None:
        text = f"Error (argument validation): unit {unit} is not one of {', '.join(_UNITS)}"
        raise CommandError(text, exit_status.USAGE)
    return [
        f"{name}: {round(each['bytes'] / divisor, 4)} {unit} ({each['percentage'] * 100:.2f}%)"
        for name, each in breakdown(memory).items()
    ]


def breakdown(memory: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return where memory is: octets, and their share of all."""
    parts = {name: size for name, size in memory.items() if isinstance(size, int) and size >= 0}
    whole = (memory.get("total") or {}).get("rss") or sum(parts.values()) or 1
    ordered = sorted(parts.items(), key=lambda each: -each[1])
    return {name: {"bytes": size, "percentage": round(size / whole, 4)} for name, size in ordered}


def cluster_status(call: Call) -> Result:
    """Say which nodes there are, and how they are."""
    overview, nodes = call.api.thing(path_of("overview")), call.api.things(path_of("nodes"))
    flags = call.api.things(path_of("feature-flags"))
    version, erlang = overview.get("rabbitmq_version"), overview.get("erlang_version")
    names = [str(node["name"]) for node in nodes]
    running = [str(node["name"]) for node in nodes if node.get("running")]
    maintenance = {str(node["name"]): _maintenance(node) for node in nodes}
    alarms = [alarm for node in nodes for alarm in alarms_of(node)]
    found = {
        "alarms": alarms,
        "cluster_name": overview.get("cluster_name"),
        "disk_nodes": names,
        "feature_flags": flags,
        "listeners": {call.node: listeners(call)},
        "maintenance_status": maintenance,
        "partitions": {},
        "ram_nodes": [],
        "running_nodes": running,
        "versions": {
            name: {
                "erlang_version": erlang,
                "rabbitmq_name": "RabbitMQ",
                "rabbitmq_version": version,
            }
            for name in running
        },
    }
    parts = {
        "Basics": [f"Cluster name: {found['cluster_name']}"],
        "Disk Nodes": names,
        "Running Nodes": running,
        "Versions": [f"{name}: RabbitMQ {version} on Erlang {erlang}" for name in running],
        "Maintenance status": [
            f"Node: {name}, status: {status}" for name, status in maintenance.items()
        ],
        "Alarms": [alarm_line(each) for each in alarms] or [NONE],
        "Network Partitions": [NONE],
        "Listeners": [f"Node: {call.node}, i{listener_line(each)}" for each in listeners(call)],
        "Feature flags": [f"Flag: {each['name']}, state: {each['state']}" for each in flags],
    }
    text = "\n\n".join("\n".join([_title(name), "", *lines]) for name, lines in parts.items())
    return Told(text, found)


def _maintenance(node: Thing) -> str:
    return "marked for maintenance" if node.get("being_drained") else "not under maintenance"


def version(call: Call) -> Result:
    """Say the version of RabbitMQ that clients are told."""
    found = call.api.get(path_of("version"))
    return Told(str(found), {"node": call.node, "result": "ok", "value": {"version": found}})


def ping(call: Call) -> Result:
    """Succeed if the node answers."""
    call.api.answer("GET", path_of("health", "checks", "is-in-service"))
    return Told("Ping succeeded", {"message": "Ping succeeded"})


def await_startup(call: Call) -> Result:
    """Wait until the node serves clients."""
    limit_s = float(call.options.get("timeout", "300"))
    _until_up(call, limit_s)
    return Done(call.node)


def _until_up(call: Call, limit_s: float) -> None:
    """Wait until the node answers.

    Raises:
        CommandError: 75, it does not within the time.
    """
    surface = call.surface
    end_s = surface.clock_s() + limit_s
    while True:
        try:
            # A node that is drained is up, and not in service.
            call.api.call("GET", path_of("version"))
        except CommandError as error:
            if isinstance(error, RefusedError) and error.status != exit_status.UNAVAILABLE:
                raise
            if surface.clock_s() >= end_s:
                text = f"Error: operation {call.name} timed out. Timeout value used: {limit_s:g}"
                raise CommandError(text, exit_status.TEMPORARY) from error
            surface.sleep(WAIT_POLL_S)
        else:
            return


def wait(call: Call) -> Result:
    """Wait until a node with this process, or with a process in this file, serves clients."""
    limit_s = float(call.options.get("timeout", "10"))
    if "pid" not in call.options and not call.args:
        text = "Error (argument validation): name a file, or a process with --pid"
        raise CommandError(text, exit_status.USAGE)
    pid = _pid(call, limit_s)
    if not _runs(pid):
        text = f"Error: process {pid} is not running"
        raise CommandError(text, exit_status.UNAVAILABLE)
    _until_up(call, limit_s)
    return Done(call.node)


def _pid(call: Call, limit_s: float) -> int:
    if "pid" in call.options:
        return number(call.options["pid"], "the process")
    surface, path = call.surface, Path(call.args[0])
    end_s = surface.clock_s() + limit_s
    while not path.is_file():
        if surface.clock_s() >= end_s:
            text = f"Error: operation wait timed out. Timeout value used: {int(limit_s * 1000)}"
            raise CommandError(text, exit_status.TEMPORARY)
        surface.sleep(WAIT_POLL_S)
    return number(surface.read(str(path)).strip(), "what the file has")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def node_health_check(call: Call) -> Result:
    """Succeed if no alarm is on and all vhosts run."""
    for check in ("local-alarms", "virtual-hosts"):
        call.api.call("GET", path_of("health", "checks", check))
    return Told("Health check passed", {"message": "Health check passed"})


_PING: Final = (
    "Will ping {call.node}. This only checks if the OS process is running and registered with epmd."
    " Timeout: 60000 ms."
)

COMMANDS: Final[Mapping[str, Command]] = {
    "status": Command(status, "Status of node {call.node} ...", options={"--unit": TEXT}),
    "cluster_status": Command(cluster_status, "Cluster status of node {call.node} ..."),
    "version": Command(version),
    "ping": Command(ping, _PING),
    "await_startup": Command(await_startup),
    "wait": Command(wait, "{waiting}", most=1, options={"--pid": TEXT}, short={"-P": "--pid"}),
    "node_health_check": Command(
        node_health_check,
        "This command is DEPRECATED and will be removed in a future version.\n"
        "Timeout: 70 seconds ...\nChecking health of node {call.node} ...",
    ),
}
