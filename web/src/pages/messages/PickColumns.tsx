import { useState } from "preact/hooks";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { Menu } from "../../components/Menu";
import { setQuery, useAddress } from "../../route/router";
import { picksOf } from "./pickedColumns";

/** Which headers, and which parts of the body, have a column of their own. */
export function PickColumns() {
  const picks = picksOf(useAddress().query.show);
  const [text, setText] = useState("");
  const show = (next: readonly string[]): void => setQuery({ show: next.length === 0 ? undefined : next.join("\n") });
  const add = (event: Event): void => {
    event.preventDefault();
    show([...picks, text]);
    setText("");
  };
  return (
    <Menu label="Columns of your own" atEnd button={(attributes) => <button class="btn hide-s" type="button" {...attributes}><Icon name="columns" />Columns</button>}>
      {() => (
        <form class="stack s menu-form" onSubmit={add}>
          {picks.map((pick) => (
            <span class="row" key={pick}><span class="mono cut">{pick}</span><span class="push" /><IconButton icon="x" small label={`Remove ${pick}`} onPress={() => show(picks.filter((other) => other !== pick))} /></span>
          ))}
          <Field label="Header or JSONPath" isMono value={text} onInput={setText} placeholder="x-tenant, or $.total" />
          <div><Button look="s" submit disabled={text.trim() === ""}>Add column</Button></div>
        </form>
      )}
    </Menu>
  );
}
