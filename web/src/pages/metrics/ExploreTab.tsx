import { useMemo, useRef, useState } from "preact/hooks";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { FilterField } from "../../components/FilterField";
import { LiveMark } from "../../components/LiveMark";
import { Note } from "../../components/Note";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { DataTable } from "../../list/DataTable";
import { ExportMenu } from "../../list/ExportMenu";
import { matching } from "../../list/matching";
import { formatSort, parseSort, pressedSort, sorted } from "../../list/order";
import { parseFilter } from "../../route/filter";
import { setQuery, useAddress } from "../../route/router";
import { useKeys } from "../../state/keys";
import { areKnown, useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { parseExposition, type Metric } from "./exposition";
import { metricColumns } from "./metricColumns";
import { MetricPanel } from "./MetricPanel";
import { addressOfSource, BYTES_MAX, EVERY_MS, readSource, sourceOf } from "./sources";
import { SourceFields } from "./SourceFields";
import { noteTraces, type Traces } from "./traces";

/** Every metric of the node: type, help and values, with a line of the open one. */
export function ExploreTab() {
  const { query } = useAddress();
  const rights = useRights();
  const vhost = useStore(chosenVhost);
  const source = sourceOf(query.of);
  const isTold = useCapability("GET metrics");
  const isKnown = useStore(areKnown);
  const address = addressOfSource(source, vhost, query.queues ?? "");
  const told = usePolled(rights.seesAll && isTold ? address : null, (signal) => readSource(address, signal), source.isEach ? EVERY_MS.each : EVERY_MS.together);
  const traces = useRef<{ address: string; kept: Traces }>({ address, kept: new Map() });
  const metrics = useMemo(() => {
    if (traces.current.address !== address) traces.current = { address, kept: new Map() };
    const read = parseExposition(told.data?.text ?? "");
    if (told.at > 0) noteTraces(traces.current.kept, read, told.at / 1000, query.metric);
    return read;
  }, [told.data, told.at, address]);
  const columns = metricColumns(traces.current.kept);
  const words = columns.flatMap((column) => column.word ?? []);
  const filter = parseFilter(query.filter ?? "", words);
  const sort = parseSort(query.sort, []);
  const shown = sorted(matching(metrics, filter, columns, (metric) => `${metric.name} ${metric.help}`), sort, columns);
  const [cursor, setCursor] = useState(-1);
  const open = (metric: Metric): void => setQuery({ metric: metric.name, series: undefined });
  const close = (): void => setQuery({ metric: undefined, series: undefined });
  useKeys({
    j: () => setCursor(Math.min(shown.length - 1, cursor + 1)),
    k: () => setCursor(Math.max(0, cursor - 1)),
    Enter: () => shown[cursor] !== undefined && open(shown[cursor]),
    Escape: () => { close(); setCursor(-1); },
  });
  const opened = metrics.find((metric) => metric.name === query.metric);
  if (!rights.seesAll) return <Empty icon="metrics" title="You do not see the metrics of the node">The tag <code>monitoring</code> gives that right.</Empty>;
  if (isKnown && !isTold) return <Empty icon="metrics" title="This broker tells its metrics to Prometheus alone">The other view says where.</Empty>;
  return (
    <div class={opened ? "split" : "split whole"}>
      <div class="col">
        <div class="tools">
          <FilterField label="Filter metrics" placeholder="Name or help, or  type:gauge" fields={words} filter={filter} onChange={(text) => setQuery({ filter: text })} />
          <SourceFields source={source} />
          <span class="push" />
          <ExportMenu name="metrics" rows={() => shown} columns={columns} />
        </div>
        {told.data?.isWhole === false && <Note look="warn">The first {textOf(bytes(BYTES_MAX))} are shown. A virtual host chosen at the top, or a pattern of queues, makes it less.</Note>}
        {told.data === undefined && told.error ? (
          <div class="scroll"><Failed what="The metrics" error={told.error} /></div>
        ) : (
          <DataTable
            label="metrics"
            columns={columns}
            count={shown.length}
            rowAt={(index) => shown[index]}
            keyOf={(metric) => metric.name}
            sort={sort}
            onSort={(column, isMore) => setQuery({ sort: formatSort(pressedSort(sort, column, isMore)) })}
            selected={new Set(opened ? [opened.name] : [])}
            cursor={cursor}
            onOpen={open}
            empty={
              told.data === undefined ? (
                <Bones rows={12} />
              ) : metrics.length === 0 ? (
                <Empty icon="metrics" title="Nothing of its kind is there">The node tells no metric of this choice now.</Empty>
              ) : (
                <Empty icon="filter" title={`None of ${many(metrics.length, "metric")} fits the filter`} act={<Button onPress={() => setQuery({ filter: "" })}>Clear the filter</Button>} />
              )
            }
          />
        )}
        <div class="status">
          <span>{shown.length === metrics.length ? many(metrics.length, "metric") : `${wholeCount(shown.length)} of ${many(metrics.length, "metric")}`}, {wholeCount(shown.reduce((sum, metric) => sum + metric.series.length, 0))} series</span>
          <span class="hide-s">{source.isEach ? "asked each 15 s" : "asked each 5 s"}</span>
          <span class="push"><LiveMark /></span>
        </div>
      </div>
      {opened && <MetricPanel key={opened.name} metric={opened} traces={traces.current.kept} chosen={query.series} onClose={close} />}
    </div>
  );
}
