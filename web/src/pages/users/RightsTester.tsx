import { useState } from "preact/hooks";
import type { Permission } from "../../api/types";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Segmented } from "../../components/Segmented";
import { Select } from "../../components/Select";
import { mayDo, type Act } from "./rightsTest";

const ACTS: readonly { id: Act; title: string }[] = [
  { id: "configure", title: "Configure" },
  { id: "write", title: "Write" },
  { id: "read", title: "Read" },
];

/** "May the user write to it?", answered from the rights, with the pattern that decides. */
export function RightsTester({ permissions }: { permissions: readonly Permission[] }) {
  const [vhost, setVhost] = useState(permissions[0]?.vhost ?? "/");
  const [act, setAct] = useState<Act>("write");
  const [name, setName] = useState("");
  const answer = mayDo(permissions, vhost, act, name);
  return (
    <div class="stack s" role="group" aria-label="Try the rights">
      <h3>May the user…</h3>
      <Segmented label="Act" chosen={act} onChoose={(id) => setAct(id as Act)} choices={ACTS} />
      {permissions.length > 1 && <Select label="In" value={vhost} onChoose={setVhost} choices={permissions.map((permission) => ({ id: permission.vhost, title: permission.vhost }))} />}
      <Field label="Queue or exchange" isMono value={name} onInput={setName} placeholder="orders.created" />
      {name !== "" && <Note look={answer.isAllowed ? "ok" : "warn"} {...(answer.isAllowed ? { icon: "check" as const } : {})}><b>{answer.isAllowed ? "Yes." : "No."}</b> {answer.why}</Note>}
    </div>
  );
}
