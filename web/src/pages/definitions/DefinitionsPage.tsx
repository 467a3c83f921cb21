import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Table } from "../../api/types";
import { Button } from "../../components/Button";
import { Note } from "../../components/Note";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { wholeCount } from "../../format/count";
import { saveFile } from "../../list/exporting";
import { askAgain } from "../../state/polling";
import { useStore } from "../../state/store";
import { say, sayFailed } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";
import { differencesOf, type Difference } from "./difference";

const NAMES_SHOWN = 4;

interface Candidate {
  file: string;
  document: Table;
  differences: readonly Difference[];
}

/** Export and import of everything that is declared; an import shows first what it would change. */
export function DefinitionsPage() {
  const vhost = useStore(chosenVhost);
  const path = vhost === "" ? ["definitions"] : ["definitions", vhost];
  const scope = vhost === "" ? "the whole broker" : `virtual host ${vhost}`;
  return (
    <>
      <PageHead title="Definitions" of={`of ${scope}`} />
      <div class="body">
        <Panel title="Export" note="users, rights, policies, queues, exchanges and bindings; no messages">
          <div class="pad row wrap">
            <Button icon="download" onPress={() => void exportAll(path, vhost)}>Export {scope}</Button>
            <span class="dim">RabbitMQ imports it, too. Another virtual host is chosen at the top.</span>
          </div>
        </Panel>
        <Import key={vhost} path={path} scope={scope} />
      </div>
    </>
  );
}

async function exportAll(path: readonly string[], vhost: string): Promise<void> {
  try {
    const document = await request<Table>("GET", path);
    const day = new Date().toISOString().slice(0, 10);
    saveFile(`definitions-${vhost === "" ? "all" : vhost.replace(/[^\w.-]+/g, "_")}-${day}.json`, `${JSON.stringify(document, null, 2)}\n`, "application/json");
  } catch (error) {
    sayFailed("export", error);
  }
}

function Import({ path, scope }: { path: readonly string[]; scope: string }) {
  const [candidate, setCandidate] = useState<Candidate | null>(null);
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    setCandidate(null);
    try {
      const document = JSON.parse((await file.text()).replace(/^\uFEFF/, "")) as Table;
      const now = await request<Table>("GET", path);
      setCandidate({ file: file.name, document, differences: differencesOf(now, document) });
      setFault("");
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : `${file.name} holds no JSON.`);
    }
  };
  const post = async (found: Candidate): Promise<void> => {
    setBusy(true);
    try {
      await request("POST", path, { body: found.document });
      askAgain();
      say(`Imported ${found.file}`);
      setCandidate(null);
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
    setBusy(false);
  };
  const added = candidate?.differences.reduce((sum, one) => sum + one.added.length, 0) ?? 0;
  const changed = candidate?.differences.reduce((sum, one) => sum + one.changed.length, 0) ?? 0;
  return (
    <Panel
      title="Import"
      note={`into ${scope}; it adds and changes, and removes nothing`}
      clip
      foot={candidate && (
        <>
          <span>{wholeCount(added)} new, {wholeCount(changed)} other than now</span>
          <span class="push" />
          <Button look="ghost" onPress={() => setCandidate(null)}>Discard</Button>
          <Button look="primary" disabled={isBusy || added + changed === 0} onPress={() => void post(candidate)}>{`Import ${wholeCount(added + changed)}`}</Button>
        </>
      )}
    >
      <div class="pad stack">
        <div class="field file">
          <label for="definitions-file">File <span class="hint">as RabbitMQ or HareMQ exported it; you see what would change before anything does</span></label>
          <input id="definitions-file" type="file" accept=".json,application/json" onChange={(event) => void read(event.currentTarget.files?.[0])} />
        </div>
        {fault !== "" && <Note look="bad">{fault}</Note>}
      </div>
      {candidate && <Differences differences={candidate.differences} />}
    </Panel>
  );
}

function Differences({ differences }: { differences: readonly Difference[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th class="num" scope="col">New</th>
          <th class="num" scope="col">Other than now</th>
          <th class="num" scope="col">The same</th>
          <th class="fluid p2" scope="col">Such as</th>
        </tr>
      </thead>
      <tbody>
        {differences.map((one) => (
          <tr key={one.kind}>
            <td>{one.kind.replaceAll("_", " ")}</td>
            <td class="num">{one.added.length > 0 ? <span class="plus">+{wholeCount(one.added.length)}</span> : <span class="zero">0</span>}</td>
            <td class="num">{one.changed.length > 0 ? <span class="warn">{wholeCount(one.changed.length)}</span> : <span class="zero">0</span>}</td>
            <td class="num">{wholeCount(one.same)}</td>
            <td class="fluid sub p2">{[...one.added, ...one.changed].slice(0, NAMES_SHOWN).join(", ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
