import { request } from "../../api/http";
import type { Node } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { PageHead } from "../../components/PageHead";
import { Segmented } from "../../components/Segmented";
import { setQuery, useAddress } from "../../route/router";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";

/** A line of the broker's log (`GET logs`, HareMQ's own). */
interface LogLine {
  timestamp: number | string;
  severity: string;
  source: string;
  message: string;
}

const LEVELS = ["all", "info", "warning", "error"];

/** What the broker wrote into its log. */
export function LogsPage() {
  const isThere = useCapability("GET logs");
  return (
    <>
      <PageHead title="Logs" />
      {isThere ? <Lines /> : <Files />}
    </>
  );
}

function Lines() {
  const { query } = useAddress();
  const told = usePolled("logs", (signal) => request<LogLine[]>("GET", ["logs"], { signal }));
  const level = query.level ?? "all";
  const text = (query.find ?? "").toLowerCase();
  const lines = (told.data ?? []).filter((line) => (level === "all" || line.severity === level) && line.message.toLowerCase().includes(text));
  return (
    <>
      <div class="tools">
        <label class="input filter"><input aria-label="Find in the log" placeholder="Find in the log" value={query.find ?? ""} onInput={(event) => setQuery({ find: event.currentTarget.value })} /></label>
        <Segmented label="Level" chosen={level} choices={LEVELS.map((id) => ({ id, title: id }))} onChoose={(id) => setQuery({ level: id === "all" ? undefined : id })} />
      </div>
      {told.data === undefined ? (
        told.error ? <Failed what="The log" error={told.error} /> : <Bones />
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Log">
          <table class="table">
            <thead><tr><th scope="col">Time</th><th scope="col">Level</th><th class="fluid" scope="col">Message</th><th class="p3" scope="col">Source</th></tr></thead>
            <tbody>
              {lines.map((line, index) => (
                <tr key={index}>
                  <td class="mono">{String(line.timestamp)}</td>
                  <td class={line.severity === "error" ? "bad" : line.severity === "warning" ? "warn" : "sub"}>{line.severity}</td>
                  <td class="fluid mono" title={line.message}>{line.message}</td>
                  <td class="sub p3">{line.source}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Files() {
  const nodes = usePolled("nodes", (signal) => request<Node[]>("GET", ["nodes"], { signal }));
  const files = (nodes.data ?? []).flatMap((node) => (node.log_files ?? []).map((file) => `${node.name}: ${file}`));
  return (
    <Empty icon="logs" title="This broker does not serve its log">
      {files.length === 0 ? "It writes it to its standard error, or to the file that its settings name." : <>It is in {files.map((file) => <code key={file}>{file}</code>)}</>}
    </Empty>
  );
}
