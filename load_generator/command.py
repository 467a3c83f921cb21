"""``haremq perf``: its options, its output and its exit status.

    0   the run went well, or was interrupted
    1   the broker refused, or did not answer; or the JSON could not be written
    64  the command line is wrong

Progress goes to standard error, the summary to standard output.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack
from urllib.parse import urlsplit, urlunsplit

import click

from load_generator.options import (
    SHARING_KINDS,
    OptionError,
    Options,
    load_of,
    parse_fields,
    topology_of,
)

if TYPE_CHECKING:
    from load_generator.run import Plan, Sample
    from load_generator.tls import TlsOptions

EXIT_REFUSED: Final = 1
DEFAULT_URI: Final = "amqp://guest:guest@127.0.0.1:5672/%2F"
SECONDS_DEFAULT: Final = 10.0
SECONDS_MAX: Final = 86_400.0
BODY_BYTES_MAX: Final = 1 << 27
SAMPLES_MAX: Final = 100_000
"""Most samples kept for the JSON; it is more than a day has seconds."""

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_SECONDS: Final = click.FloatRange(0, SECONDS_MAX)
_CONNECTIONS: Final = click.IntRange(0, 20_000)
_SOME_SECONDS: Final = click.FloatRange(0, SECONDS_MAX, min_open=True)
_MESSAGES: Final = click.IntRange(0, 1 << 40)
_SIZE: Final = click.IntRange(0, BODY_BYTES_MAX)
_PREFETCH: Final = click.IntRange(0, 65_535)
_BATCH: Final = click.IntRange(1, 65_535)
_CREDIT: Final = click.IntRange(1, 65_535)
_PROCESSES: Final = click.IntRange(1, 64)
_KINDS: Final = click.Choice(["direct", "topic", "fanout", "headers", *SHARING_KINDS])
_ONE_OR_MORE: Final = click.IntRange(1)


def _option(*names: str, text: str, **details: object) -> click.Option:
    """Return an option whose default, if it has one, is shown in the help."""
    return click.Option(names, help=text, show_default=True, **details)  # type: ignore[arg-type]


def _flag(name: str, text: str) -> click.Option:
    return click.Option([name], is_flag=True, help=text)


OPTIONS: Final = [
    _option("--uri", text="The broker.", default=DEFAULT_URI, metavar="URI"),
    _option("--cacert", text="CA that signed the broker's certificate, with TLS.", type=_FILE),
    _flag("--insecure", "Accept any certificate, with TLS."),
    _option("--cert", text="Our own certificate, with TLS.", type=_FILE),
    _option("--key", text="Its key, if that is another file.", type=_FILE),
    _option("--producers", "-x", text="Connections that publish.", type=_CONNECTIONS, default=1),
    _option(
        "--consumers", "-y", text="Connections that consume; one per queue.", type=_CONNECTIONS
    ),
    _option("--queues", text="Queues.", type=_ONE_OR_MORE, default=1),
    _option(
        "--queue", "-u", text="Name of the one queue; if it exists, it stays.", metavar="NAME"
    ),
    _option(
        "--queue-pattern", text="Names of the queues; %d counts from 1.", metavar="PATTERN"
    ),
    _option(
        "--queue-args", text="Arguments of the queues, as x-max-length=1000.", multiple=True,
        metavar="K=V",
    ),
    _option("--size", "-s", text="Bytes of a body.", type=_SIZE, default=12),
    _option("--body-file", text="A file to take the body from.", type=_FILE, metavar="FILE"),
    _option("--headers", text="Headers of each message.", multiple=True, metavar="K=V"),
    _flag("--persistent", "Delivery-mode 2, durable queues."),
    _flag("--mandatory", "Have unroutable messages returned, and count them."),
    _option("--exchange", text="Declare an exchange of this type.", type=_KINDS),
    _option(
        "--routing-key", text="Key of the messages; %d or %06d counts from 0.", metavar="PATTERN"
    ),
    _option(
        "--binding-key", text="Bind every queue with this, not the routing keys.",
        metavar="PATTERN",
    ),
    _option("--keys", text="Numbers that %d in keys takes.", type=_ONE_OR_MORE, default=1_000),
    _flag("--random-keys", "Keys in random order."),
    _option(
        "--rate", "-r", text="Messages per second of each producer; 0 is no limit.",
        type=click.FloatRange(0, 10_000_000), default=0.0,
    ),
    _option(
        "--confirm", "-c", text="Unconfirmed messages of a producer at most; 0 is no confirms.",
        type=_MESSAGES, default=0, metavar="WINDOW",
    ),
    _option("--prefetch", "-q", text="Of a consumer; 0 is no limit.", type=_PREFETCH, default=0),
    _option("--ack", text="auto, each or multi:N.", default="auto", metavar="HOW"),
    _option(
        "--backlog", text="Messages that producers may be ahead; 0 is no limit.  [default: 100000"
        " if deliveries can be predicted]", type=_MESSAGES,
    ),
    _option(
        "--offset", text="Where readers of streams begin: first, last, next, a number; @ and"
        " seconds since 1970 with rabbitmq-stream://.", metavar="WHERE",
    ),
    _option("--filter", text="Value that readers ask for.", multiple=True, metavar="VALUE"),
    _option("--batch", text="Messages in one Publish, for rabbitmq-stream://.  [default: 100]",
        type=_BATCH),
    _option("--sub-entry", text="Messages in each sub-entry, likewise.", type=_BATCH),
    _option(
        "--filter-values", text="Values of the messages in turn, likewise.", metavar="V,V"
    ),
    _option("--credit", text="Chunks ahead of a reader, likewise.  [default: 10]", type=_CREDIT),
    _flag("--super-stream", "The queues are partitions; keys are hashed over them, likewise."),
    _option("--time", "-z", text="Seconds at most.", type=_SOME_SECONDS, default=SECONDS_DEFAULT),
    _option(
        "--messages", text="End after this many of all producers; 0 is no limit.", type=_MESSAGES,
        default=0, metavar="N",
    ),
    _option(
        "--warm-up", text="Seconds before figures are taken.  [default: 1; with --messages 0]",
        type=_SECONDS,
    ),
    _flag("--latency", "Write the time into each body, and print percentiles."),
    _option(
        "--processes", text="Processes that publish, and as many that consume.", type=_PROCESSES,
        default=1,
    ),
    _option(
        "--json", "json_file", text="Write the run here; - is standard output, without the table.",
        type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
    ),
    _flag("--quiet", "No progress."),
    _flag("--keep", "Do not delete the queues and the exchange."),
]  # fmt: skip


class Arguments(TypedDict):
    """The arguments that click passes."""

    uri: str
    cacert: Path | None
    insecure: bool
    cert: Path | None
    key: Path | None
    producers: int
    consumers: int | None
    queues: int
    queue: str | None
    queue_pattern: str | None
    queue_args: tuple[str, ...]
    size: int
    body_file: Path | None
    headers: tuple[str, ...]
    persistent: bool
    mandatory: bool
    exchange: str | None
    routing_key: str | None
    binding_key: str | None
    keys: int
    random_keys: bool
    rate: float
    confirm: int
    prefetch: int
    ack: str
    backlog: int | None
    offset: str | None
    filter: tuple[str, ...]
    batch: int | None
    sub_entry: int | None
    filter_values: str | None
    credit: int | None
    super_stream: bool
    time: float
    messages: int
    warm_up: float | None
    latency: bool
    processes: int
    json_file: str | None
    quiet: bool
    keep: bool


def options_of(arguments: Arguments) -> Options:
    """Return the options of a command line.

    Raises:
        OptionError: two of them contradict each other, or one cannot be read.
        OSError: the body's file cannot be read.
    """
    if arguments["queue"] is not None and arguments["queue_pattern"] is not None:
        raise OptionError("--queue or --queue-pattern, not both")
    return Options(
        producers=arguments["producers"],
        consumers=arguments["consumers"],
        queues=arguments["queues"],
        queue_name=arguments["queue"],
        queue_pattern=arguments["queue_pattern"],
        queue_arguments=parse_fields(arguments["queue_args"]),
        body=_body(arguments),
        headers=parse_fields(arguments["headers"]),
        persistent=arguments["persistent"],
        mandatory=arguments["mandatory"],
        exchange_kind=arguments["exchange"],
        routing_key=arguments["routing_key"],
        binding_key=arguments["binding_key"],
        key_count=arguments["keys"],
        random_keys=arguments["random_keys"],
        rate_per_s=arguments["rate"],
        confirm_window=arguments["confirm"],
        prefetch_count=arguments["prefetch"],
        ack=arguments["ack"],
        message_count=arguments["messages"],
        backlog=arguments["backlog"],
        measures_latency=arguments["latency"],
        offset=arguments["offset"],
        filters=arguments["filter"],
    )


def _body(arguments: Arguments) -> bytes:
    path = arguments["body_file"]
    if path is None:
        return bytes(arguments["size"])
    if path.stat().st_size > BODY_BYTES_MAX:
        raise OptionError(f"{path} is larger than {BODY_BYTES_MAX >> 20} MiB")
    return path.read_bytes()


def plan_of(arguments: Arguments) -> "Plan":
    """Return the plan of a command line; raises the same as ``options_of``."""
    from load_generator.run import Plan  # noqa: PLC0415 -- not for --help of others
    from load_generator.session import Endpoint  # noqa: PLC0415

    endpoint = Endpoint.parse(arguments["uri"], _tls_of(arguments))
    options = _with_streams(
        options_of(arguments), arguments, speaks_streams=endpoint.speaks_streams
    )
    topology = topology_of(options, f"haremq-perf.{os.getpid()}")
    warm_up_s = arguments["warm_up"]
    if warm_up_s is None:
        warm_up_s = 0.0 if options.message_count else 1.0
    return Plan(
        endpoint=endpoint,
        topology=topology,
        load=load_of(options, topology),
        process_count=arguments["processes"],
        seconds=arguments["time"],
        warm_up_s=warm_up_s,
        message_count=options.message_count,
        persistent=options.persistent,
        keep=arguments["keep"],
    )


def _with_streams(options: Options, arguments: Arguments, *, speaks_streams: bool) -> Options:
    """Return the options with those of the stream protocol, if it is spoken."""
    from load_generator.streams.options import (  # noqa: PLC0415 -- not for --help of others
        StreamOptions,
        refuse_without_streams,
        streaming_of,
    )

    values = arguments["filter_values"]
    given = StreamOptions(
        batch_count=arguments["batch"],
        sub_entry_count=arguments["sub_entry"],
        filter_values=tuple(values.split(",")) if values else (),
        credit=arguments["credit"],
        is_super_stream=arguments["super_stream"],
    )
    if not speaks_streams:
        refuse_without_streams(given)
        return options
    streaming = streaming_of(given, options)
    return replace(options, streaming=streaming, is_super_stream=given.is_super_stream)


def _tls_of(arguments: Arguments) -> "TlsOptions":
    from load_generator.tls import TlsOptions  # noqa: PLC0415 -- not for --help of others

    if arguments["insecure"] and arguments["cacert"] is not None:
        raise OptionError("--insecure or --cacert, not both")
    if arguments["key"] is not None and arguments["cert"] is None:
        raise OptionError("--key goes with --cert")
    return TlsOptions(
        ca_file=arguments["cacert"],
        verifies=not arguments["insecure"],
        certificate_file=arguments["cert"],
        key_file=arguments["key"],
    )


def _perf(**arguments: Unpack[Arguments]) -> None:
    from load_generator import report  # noqa: PLC0415
    from load_generator.run import Interrupts, run  # noqa: PLC0415
    from load_generator.wire import LoadError  # noqa: PLC0415

    try:
        plan = plan_of(arguments)
    except (LoadError, OSError) as error:
        raise click.UsageError(str(error)) from error
    samples: list[Sample] = []

    def tell(sample: "Sample") -> None:
        if len(samples) < SAMPLES_MAX:
            samples.append(sample)
        if not arguments["quiet"]:
            click.echo(report.progress(sample, plan), err=True)

    interrupts = Interrupts()
    try:
        with interrupts.listening():
            outcome = run(plan, tell, interrupts)
    except (LoadError, OSError) as error:
        click.echo(f"haremq perf: {error}", err=True)
        raise SystemExit(EXIT_REFUSED) from error
    target = arguments["json_file"]
    if target != "-":
        click.echo(report.table(outcome, plan))
    if target is not None:
        document = report.as_json(outcome, plan, samples, _shown(arguments))
        _write_json(target, document)


def _write_json(target: str, document: dict[str, object]) -> None:
    try:
        with click.open_file(target, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        click.echo(f"haremq perf: {error}", err=True)
        raise SystemExit(EXIT_REFUSED) from error


def _shown(arguments: Arguments) -> dict[str, object]:
    """Return the command line as plain values for JSON, without the password."""
    shown: dict[str, object] = dict(arguments)
    parts = urlsplit(arguments["uri"])
    shown["uri"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    paths = {name: str(value) for name, value in shown.items() if isinstance(value, Path)}
    shown.update(paths)
    return shown


perf: Final = click.Command(
    "perf",
    params=list[click.Parameter](OPTIONS),
    callback=_perf,
    help="Load a broker with messages, and print how many it passed and how long they took.",
)
