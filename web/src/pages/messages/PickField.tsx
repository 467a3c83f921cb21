import { useMemo } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { wholeCount } from "../../format/count";
import { prettyJson } from "../../format/prettyJson";
import { setQuery, useAddress } from "../../route/router";
import { TooLong, valuesAt } from "./jsonpath/evaluate";
import { parsePath, PathError } from "./jsonpath/parse";

/** What of a body is shown. */
interface Picked {
  /** As JSON; undefined is the whole body. */
  text: string | undefined;
  /** How many values were found, or what is wrong with the path. */
  note: string;
}

/** The values that the JSONPath of the address leads to; it stays while one steps through messages. */
export function usePicked(body: string | undefined): Picked {
  const path = useAddress().query.pick ?? "";
  return useMemo(() => (body === undefined || path === "" ? { text: undefined, note: "" } : pick(body, path)), [body, path]);
}

function pick(body: string, path: string): Picked {
  try {
    const values = valuesAt(parsePath(path), JSON.parse(body));
    const text = values.map((value) => prettyJson(JSON.stringify(value)) ?? "").join("\n");
    return { text, note: values.length === 0 ? "leads nowhere here" : values.length === 1 ? "" : `${wholeCount(values.length)} values` };
  } catch (error) {
    if (error instanceof PathError || error instanceof TooLong) return { text: undefined, note: error.message };
    return { text: undefined, note: "too much to show" };
  }
}

/** Which part of a JSON body to show. */
export function PickField({ picked }: { picked: Picked }) {
  const path = useAddress().query.pick ?? "";
  return (
    <div class="row">
      <label class="input mono">
        <Icon name="filter" small />
        <input aria-label="Show only what this JSONPath leads to" placeholder="$.customer.id" value={path} onInput={(event) => setQuery({ pick: event.currentTarget.value || undefined })} />
        {picked.note !== "" && <span class="suffix" role="status">{picked.note}</span>}
      </label>
    </div>
  );
}
