import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Permission, Vhost } from "../../api/types";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { askAgain, usePolled } from "../../state/polling";
import { say } from "../../state/toasts";

const MEANINGS = {
  configure: "declare and delete",
  write: "publish, and bind to",
  read: "consume, purge, and bind from",
};

/** The rights of a user in one virtual host: three regular expressions of names. */
export function PermissionDialog({ permission, onClose }: { permission: Permission; onClose: () => void }) {
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }));
  const [edited, setEdited] = useState(permission);
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    try {
      const { configure, write, read } = edited;
      await request("PUT", ["permissions", edited.vhost, edited.user], { body: { configure, write, read } });
      askAgain();
      say(`Gave ${edited.user} rights in ${edited.vhost}`);
      onClose();
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <Dialog
      title={`Rights of ${permission.user}`}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Give rights</Button></>}
    >
      <Select label="Virtual host" value={edited.vhost} onChoose={(vhost) => setEdited({ ...edited, vhost })} choices={(vhosts.data ?? [{ name: permission.vhost }]).map((vhost) => ({ id: vhost.name, title: vhost.name }))} />
      {(["configure", "write", "read"] as const).map((right) => (
        <Field
          key={right}
          label={right[0]?.toUpperCase() + right.slice(1)}
          hint={`${MEANINGS[right]}; a regular expression of names, empty is nothing`}
          isMono
          value={edited[right]}
          onInput={(text) => setEdited({ ...edited, [right]: text })}
        />
      ))}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
