import { request } from "../../api/http";
import type { Node } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { PageHead } from "../../components/PageHead";
import { areKnown, useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { useStore } from "../../state/store";
import { LogLines, type LogLine } from "./LogLines";

const LINES = 500;
const ONCE_MS = 3_600_000;

/** What the broker wrote into its log. */
export function LogsPage() {
  const isKnown = useStore(areKnown);
  const isThere = useCapability("GET logs");
  return (
    <>
      <PageHead title="Logs" of={isThere ? "the last lines, and those that come" : undefined} />
      {!isKnown ? <Bones /> : isThere ? <Lines /> : <Files />}
    </>
  );
}

/** The last lines once; the others come as they are written. */
function Lines() {
  const told = usePolled("logs", (signal) => request<LogLine[]>("GET", ["logs"], { query: { count: LINES }, signal }), ONCE_MS);
  if (told.data !== undefined) return <LogLines before={told.data} />;
  return told.error ? <Failed what="The log" error={told.error} /> : <Bones />;
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
