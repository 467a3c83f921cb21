"""``python -m conformance``: run the rules against one broker or two, and print the results.

Exit status: 0 when every check that ran is ok on every broker, 1 when one failed, 2 when a broker
cannot be reached or the arguments are wrong.
"""

import argparse
import contextlib
import fnmatch
import sys
import time

from conformance import deviations, report, rules
from conformance.address import Address
from conformance.check import REGISTRY, Check
from conformance.cluster import Cluster, judged
from conformance.rabbitmq import RabbitMQ
from conformance.random import campaign
from conformance.random.over_nodes import player_over
from conformance.random.verdict import Judge
from conformance.runner import Outcome, dialect_of, run

DEFAULT_URI = "amqp://guest:guest@127.0.0.1:5672/%2F"
RABBITMQ_PORT = 5699


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--uri", default=DEFAULT_URI, help="the broker to check [%(default)s]")
    parser.add_argument("--compare", metavar="URI", help="a second broker, shown beside the first")
    parser.add_argument(
        "--rabbitmq",
        action="store_true",
        help="start Debian's rabbitmq-server and compare with it",
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="start a cluster of HareMQ and check a node of it, in place of --uri; with "
        "--random its nodes are compared with --uri",
    )
    parser.add_argument(
        "-k", metavar="PATTERN", default="", help="only ids that contain or match it"
    )
    parser.add_argument(
        "--has",
        action="append",
        default=[],
        choices=["admin", "http", "alarm"],
        help="how the brokers were set up: definitions.json is loaded; the HTTP API listens 10000 "
        "above; the memory alarm is on, and only the checks that need it are run",
    )
    parser.add_argument(
        "--thirty", action="store_true", help="only the rows that toy brokers get wrong"
    )
    parser.add_argument("--failed", action="store_true", help="show only what failed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--list", action="store_true", help="print the checks and run none")
    parser.add_argument(
        "--deviations", action="store_true", help="print docs/DEVIATIONS.md and run none"
    )
    _random_arguments(parser)
    return parser.parse_args(argv)


def _random_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "random scripts", "played in lock-step on both brokers, instead of the checks"
    )
    group.add_argument("--random", type=int, metavar="SEED", help="the first seed")
    group.add_argument("--seeds", type=int, default=1, metavar="K", help="how many [%(default)s]")
    group.add_argument("--steps", type=int, default=campaign.STEP_COUNT, help="[%(default)s]")
    group.add_argument("--streams", action="store_true", help="the scripts are of streams alone")
    group.add_argument(
        "--only", metavar="I,J,…", help="play these steps of the script alone, as printed"
    )


def chosen(pattern: str, *, thirty: bool = False) -> list[Check]:
    """Choose checks by a part of their id or a shell pattern over all of it."""
    return [
        check
        for check in REGISTRY.values()
        if (pattern in check.check_id or fnmatch.fnmatch(check.check_id, pattern))
        and (check.ninth or not thirty)
    ]


def _run_all(
    checks: list[Check],
    uris: dict[str, frozenset[str]],
    results: dict[str, dict[str, Outcome]],
    cluster_uri: str | None,
) -> dict[str, float]:
    durations_s = {}
    for uri, has in uris.items():
        address = Address.of(uri)
        dialect = dialect_of(address)
        name = dialect.value if dialect.value not in results else f"{dialect.value} ({uri})"
        started_s = time.monotonic()
        results[name] = run(checks, address, dialect, has)
        if uri == cluster_uri:
            results[name] = judged(results[name], deviations.load_rules())
        durations_s[name] = time.monotonic() - started_s
    return durations_s


def _run_random(arguments: argparse.Namespace, uris: list[str], cluster: Cluster | None) -> int:
    """Play random scripts on both brokers; the last one sets the example for the first.

    Beside a cluster, which is all of its nodes, --uri sets the example.
    """
    if cluster is not None:
        nodes = [Address.of(uri) for uri in cluster.uris]
        example, other = player_over([Address.of(arguments.uri)]), player_over(nodes)
        judge = Judge(example, other, ())
    elif len(uris) != 2:
        print("--random compares two brokers: add --rabbitmq or --compare", file=sys.stderr)
        return 2
    else:
        other, example = (campaign.player_of(Address.of(uri)) for uri in uris)
        judge = Judge(example, other)
    only = [int(index) for index in arguments.only.split(",")] if arguments.only else None
    seeds = range(arguments.random, arguments.random + arguments.seeds)
    of_streams = arguments.streams
    return 1 if campaign.run(seeds, arguments.steps, judge, only, of_streams=of_streams) else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    arguments = _arguments(argv)
    rules.load()
    if arguments.deviations:
        print(deviations.page(REGISTRY.values(), deviations.load_rules()), end="")
        return 0
    checks = chosen(arguments.k, thirty=arguments.thirty)
    if "alarm" in arguments.has:
        # A blocked connection answers nothing, so every other check would time out.
        checks = [check for check in checks if check.needs == "alarm"]
    if arguments.list:
        print("\n".join(f"{check.check_id}  ({check.ref})  {check.expect}" for check in checks))
        return 0
    results: dict[str, dict[str, Outcome]] = {}
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster()) if arguments.cluster else None
        given = [] if cluster is not None else [arguments.uri]
        given += [arguments.compare] if arguments.compare else []
        uris = dict.fromkeys(given, frozenset(arguments.has))
        cluster_uri = None
        if cluster is not None:
            cluster_uri = cluster.uri
            uris = {cluster.uri: cluster.has} | uris
        if arguments.rabbitmq:
            rabbitmq = RabbitMQ(RABBITMQ_PORT, in_alarm="alarm" in arguments.has)
            stack.enter_context(rabbitmq)
            uris[rabbitmq.uri] = rabbitmq.has
        try:
            if arguments.random is not None:
                return _run_random(arguments, list(uris), cluster)
            durations_s = _run_all(checks, uris, results, cluster_uri)
            tracebacks = [] if cluster is None else cluster.tracebacks()
        except OSError as error:
            print(f"cannot reach a broker: {error}", file=sys.stderr)
            return 2
    if arguments.json:
        print(report.as_json(checks, results))
    else:
        print(report.table(checks, results, failed_only=arguments.failed))
        for name, outcomes in results.items():
            print(f"{name}: {report.summary(outcomes)} in {durations_s[name]:.1f} s")
        print("\n".join(tracebacks), end="")
    failed = any(
        outcome.status == "failed" for seen in results.values() for outcome in seen.values()
    )
    return 1 if failed or tracebacks else 0


if __name__ == "__main__":
    sys.exit(main())
