import { useState } from "preact/hooks";
import { checkExport, exportAddress, type ExportForm } from "../../api/exporting";
import type { MessageFilter } from "../../api/types";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { MenuItem } from "../../components/MenuItem";
import { followDownload } from "../../list/exporting";
import { useCapability } from "../../state/capabilities";
import { say, sayFailed } from "../../state/toasts";

interface Props {
  vhost: string;
  queue: string;
  /** Those alone go into the file; undefined is all. */
  filter: MessageFilter | undefined;
  /** Why it cannot be done here; undefined is that it can. */
  why?: string | undefined;
}

/** Messages of a queue as a file: all that are ready, or all that fit, not only those that are shown. */
export function ExportMessages({ vhost, queue, filter, why }: Props) {
  const canExport = useCapability("GET queues/{}/{}/messages/export");
  const [isAsked, setAsked] = useState(false);
  if (!canExport) return null;
  const save = async (form: ExportForm, close: () => void): Promise<void> => {
    close();
    setAsked(true);
    try {
      await checkExport(vhost, queue, filter);
      followDownload(exportAddress(vhost, queue, form, filter));
      say(`Exporting ${filter === undefined ? "the messages" : "what fits"} of ${queue}`);
    } catch (error) {
      sayFailed(`export ${queue}`, error);
    }
    setAsked(false);
  };
  return (
    <Menu
      label="Export messages"
      atEnd
      button={(attributes) => (
        <button class="btn" type="button" disabled={isAsked || why !== undefined} title={why} {...attributes}><Icon name="download" />Export</button>
      )}
    >
      {(close) => (
        <>
          <h3>{filter === undefined ? "All ready messages" : "All that fit the filter"}</h3>
          <MenuItem onPress={() => void save("csv", close)}>As CSV</MenuItem>
          <MenuItem onPress={() => void save("jsonl", close)}>As JSON lines</MenuItem>
        </>
      )}
    </Menu>
  );
}
