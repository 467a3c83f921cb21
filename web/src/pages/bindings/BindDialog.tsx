import { useState } from "preact/hooks";
import { bind } from "../../api/acts";
import { ApiError, request } from "../../api/http";
import type { Page } from "../../api/types";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Segmented } from "../../components/Segmented";
import { askAgain, usePolled } from "../../state/polling";
import { say } from "../../state/toasts";
import { ArgumentsField, readArguments } from "../ArgumentsField";

interface Props {
  vhost: string;
  side: "source" | "destination";
  of: { name: string; kind: "queue" | "exchange" };
  onClose: () => void;
}

/** A new binding between what is shown and something else. */
export function BindDialog({ vhost, side, of, onClose }: Props) {
  const [other, setOther] = useState("");
  const [kind, setKind] = useState<"queue" | "exchange">(side === "source" ? "exchange" : "queue");
  const [key, setKey] = useState("");
  const [args, setArgs] = useState("");
  const [fault, setFault] = useState("");
  const names = useNames(kind === "queue" ? "queues" : "exchanges", vhost, other);
  const submit = async (): Promise<void> => {
    try {
      const place =
        side === "source"
          ? { vhost, source: other, destination: of.name, kind: of.kind }
          : { vhost, source: of.name, destination: other, kind };
      await bind(place, key, readArguments(args));
      askAgain();
      say(`Bound ${place.destination} to ${place.source}`);
      onClose();
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : (error as Error).message);
    }
  };
  return (
    <Dialog
      title={side === "source" ? `Bind ${of.name} to an exchange` : `Bind to ${of.name}`}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Bind</Button></>}
    >
      {side === "destination" && (
        <Segmented
          label="To what"
          chosen={kind}
          choices={[{ id: "queue", title: "Queue" }, { id: "exchange", title: "Exchange" }]}
          onChoose={(id) => setKind(id === "queue" ? "queue" : "exchange")}
        />
      )}
      <Field label={kind === "queue" ? "Queue" : "Exchange"} value={other} onInput={setOther} suggestions={names} required autoFocus />
      <Field label="Routing key" value={key} onInput={setKey} isMono placeholder="order.created.*" />
      <ArgumentsField value={args} words={["x-match"]} onInput={setArgs} />
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}

/** Names that hold what was typed, to choose from. */
export function useNames(route: "queues" | "exchanges", vhost: string, typed: string): string[] {
  const told = usePolled(
    `names ${route} ${vhost} ${typed}`,
    (signal) => request<Page<{ name: string }>>("GET", [route, vhost], { query: { page: 1, page_size: 20, name: typed || undefined, columns: "name" }, signal }),
    60_000,
  );
  return (told.data?.items ?? []).map((item) => item.name).filter((name) => name !== "");
}
