import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { wholeCount } from "../../format/count";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";

/** Whose limits: of a virtual host or of a user. */
export type LimitRoute = "vhost-limits" | "user-limits";

const LIMITS: Record<LimitRoute, readonly { name: string; title: string }[]> = {
  "vhost-limits": [
    { name: "max-queues", title: "Queues at most" },
    { name: "max-connections", title: "Connections at most" },
  ],
  "user-limits": [
    { name: "max-connections", title: "Connections at most" },
    { name: "max-channels", title: "Channels at most" },
  ],
};

interface Props {
  route: LimitRoute;
  name: string;
  known: Record<string, number>;
  mayEdit: boolean;
}

/** The limits of one virtual host or user; to who may not change them they are told in words. */
export function LimitsForm({ route, name, known, mayEdit }: Props) {
  const limits = LIMITS[route];
  const [typed, setTyped] = useState<Record<string, string>>({});
  const shown = (limit: string): string => typed[limit] ?? (known[limit] === undefined ? "" : String(known[limit]));
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      for (const [limit, text] of Object.entries(typed)) {
        if (text === "") await request("DELETE", [route, name, limit]);
        else await request("PUT", [route, name, limit], { body: { value: Number(text) } });
      }
      setTyped({});
      askAgain();
      say(`Saved the limits of ${name}`);
    } catch (error) {
      sayFailed("save the limits", error);
    }
  };
  if (!mayEdit) {
    return (
      <dl class="kv tight">
        {limits.map((limit) => (<><dt>{limit.title}</dt><dd>{known[limit.name] === undefined ? <span class="dim">no limit</span> : wholeCount(known[limit.name] as number)}</dd></>))}
      </dl>
    );
  }
  return (
    <form class="stack" onSubmit={(event) => void save(event)}>
      {limits.map((limit) => (
        <Field key={limit.name} label={limit.title} hint="empty is no limit" type="number" value={shown(limit.name)} onInput={(text) => setTyped({ ...typed, [limit.name]: text })} />
      ))}
      <div><Button submit disabled={Object.keys(typed).length === 0}>Save limits</Button></div>
    </form>
  );
}
