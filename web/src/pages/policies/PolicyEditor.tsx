import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Policy, Table } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Field } from "../../components/Field";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { MenuItem } from "../../components/MenuItem";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { Select } from "../../components/Select";
import { wholeCount } from "../../format/count";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";
import { DEFINITION_KEYS } from "./definitionKeys";
import { PolicyPreview, usePreview } from "./PolicyPreview";
import { SettingRow } from "./SettingRow";

interface Props {
  policies: readonly Policy[];
  /** Null is a new one. */
  saved: Policy | null;
  vhost: string;
  isOperators: boolean;
  mayEdit: boolean;
  /** Called with what was saved; undefined was deleted. */
  onSaved: (policy: Policy | undefined) => void;
}

const APPLIES = [
  { id: "all", title: "Queues and exchanges" },
  { id: "queues", title: "Queues of any type" },
  { id: "classic_queues", title: "Classic queues" },
  { id: "quorum_queues", title: "Quorum queues" },
  { id: "streams", title: "Streams" },
  { id: "exchanges", title: "Exchanges" },
];

/** One policy, its settings in words, and what saving it would change. */
export function PolicyEditor({ policies, saved, vhost, isOperators, mayEdit, onSaved }: Props) {
  const empty: Policy = { vhost, name: "", pattern: "", "apply-to": isOperators ? "queues" : "all", priority: 0, definition: {} };
  const [edited, setEdited] = useState<Policy>(saved ?? empty);
  const [isDoomed, setDoomed] = useState(false);
  const [fault, setFault] = useState("");
  const preview = usePreview(policies, saved, edited);
  const route = isOperators ? "operator-policies" : "policies";
  const isEdited = JSON.stringify(edited) !== JSON.stringify(saved ?? empty);
  const change = (part: Partial<Policy>): void => setEdited({ ...edited, ...part });
  const setSetting = (key: string, value: unknown): void => change({ definition: { ...edited.definition, [key]: value } });
  const dropSetting = (key: string): void => {
    const { [key]: _, ...rest } = edited.definition;
    change({ definition: rest });
  };
  const put = (policy: Policy): Promise<void> =>
    request("PUT", [route, policy.vhost, policy.name], { body: { pattern: policy.pattern, definition: policy.definition, priority: policy.priority, "apply-to": policy["apply-to"] } });
  const drop = (policy: Policy): Promise<void> => request("DELETE", [route, policy.vhost, policy.name]);
  const undo = (act: () => Promise<void>): void => {
    act().then(() => askAgain(), (error: unknown) => sayFailed("take it back", error));
  };
  const save = async (): Promise<void> => {
    try {
      await put(edited);
      askAgain();
      say(`Saved policy ${edited.name}`, () => undo(() => (saved === null ? drop(edited) : put(saved))));
      setFault("");
      onSaved(edited);
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  const offered = DEFINITION_KEYS.filter((key) => !(key.key in edited.definition) && (!isOperators || key.isOperators));
  return (
    <form class="body" onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <Panel
        title={saved?.name ?? "New policy"}
        acts={
          <>
            {isEdited && mayEdit && <Badge look="info">edited, not saved</Badge>}
            {saved && mayEdit && <Button look="ghost s" icon="trash" onPress={() => setDoomed(true)}>Delete…</Button>}
          </>
        }
      >
        <div class="pad stack">
          {saved === null && <Field label="Name" value={edited.name} onInput={(name) => change({ name })} required placeholder="keep-7d" />}
          <div class="f4">
            <Field label="Name matches" hint="regular expression" isMono required value={edited.pattern} onInput={(pattern) => change({ pattern })} placeholder="^orders\." {...(preview.fault ? { error: preview.fault } : {})} />
            <Select label="Applies to" value={edited["apply-to"]} choices={APPLIES} onChoose={(id) => change({ "apply-to": id })} />
            <Field label="Priority" hint="the highest wins alone" type="number" value={String(edited.priority)} onInput={(text) => change({ priority: Number(text) || 0 })} />
          </div>
          <div>
            <h3 class="mb">Settings</h3>
            {Object.keys(edited.definition).length === 0 ? (
              <p class="sub">It sets nothing yet.</p>
            ) : (
              <div class="def">
                {Object.entries(edited.definition as Table).map(([key, value]) => (
                  <SettingRow key={key} name={key} value={value} onChange={(next) => setSetting(key, next)} onRemove={() => dropSetting(key)} />
                ))}
              </div>
            )}
          </div>
          {mayEdit && (
            <div class="row wrap">
              <span class="push" />
              <Menu label="Settings" atEnd button={(attributes) => <button class="btn ghost" type="button" {...attributes}><Icon name="plus" />Add a setting</button>}>
                {(close) => offered.map((key) => (
                  <MenuItem key={key.key} onPress={() => { setSetting(key.key, key.choices?.[0]?.id ?? ""); close(); }}>
                    {key.title} <span class="dim fs">{key.key}</span>
                  </MenuItem>
                ))}
              </Menu>
            </div>
          )}
          {fault !== "" && <Note look="bad">{fault}</Note>}
        </div>
      </Panel>
      {preview.told && (
        <PolicyPreview
          preview={preview.told}
          name={edited.name}
          foot={mayEdit && (
            <>
              <span class="push" />
              {isEdited && <Button look="ghost" onPress={() => setEdited(saved ?? empty)}>Discard edits</Button>}
              <Button look="primary" icon="check" submit disabled={!isEdited}>{`Save and apply to ${wholeCount(preview.told.matchedAfter)}`}</Button>
            </>
          )}
        />
      )}
      {isDoomed && saved && (
        <ConfirmDialog
          title={`Delete policy ${saved.name}`}
          losses={[{ amount: wholeCount(preview.told?.matchedBefore ?? 0), what: "queues and exchanges lose its settings, or get those of the next policy that matches" }]}
          typed=""
          act="Delete policy"
          keep="Keep policy"
          onClose={() => setDoomed(false)}
          onConfirm={async () => {
            await drop(saved);
            askAgain();
            say(`Deleted policy ${saved.name}`, () => undo(() => put(saved)));
            onSaved(undefined);
          }}
        />
      )}
    </form>
  );
}
