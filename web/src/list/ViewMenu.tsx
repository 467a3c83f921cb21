import { useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { IconButton } from "../components/IconButton";
import { Menu } from "../components/Menu";
import { MenuItem } from "../components/MenuItem";
import { href, useAddress } from "../route/router";
import { copyText } from "../state/clipboard";
import { useStore } from "../state/store";
import { say } from "../state/toasts";
import { isShown, viewStore, viewsIn, type SavedView, type Shown } from "./savedViews";
import { SaveViewDialog } from "./SaveViewDialog";

interface Props {
  /** Names the list. */
  id: string;
  /** What its rows are called. */
  what: string;
  /** As the list is shown now, with its columns named. */
  shown: Shown;
}

/** Views of a list that somebody has saved: each is a link, so it can be opened elsewhere and shared. */
export function ViewMenu({ id, what, shown }: Props) {
  const { segments, query } = useAddress();
  const store = viewStore(id);
  const views = viewsIn(useStore(store));
  const [isSaving, setSaving] = useState(false);
  const addressOf = (view: Shown): string =>
    href(segments, { ...query, open: undefined, new: undefined, filter: view.filter, sort: view.sort, columns: view.columns });
  const remove = (view: SavedView, button: HTMLElement): void => {
    const before = views;
    // The button goes: the focus stays in the menu.
    button.closest(".menu")?.querySelector<HTMLElement>("button.mi")?.focus();
    store.set(views.filter((known) => known.name !== view.name));
    say(`Deleted view ${view.name}`, () => store.set(before));
  };
  return (
    <>
      <Menu
        label="Views"
        atEnd
        button={(attributes) => (
          <button class="btn" type="button" {...attributes}><Icon name="eye" />Views</button>
        )}
      >
        {(close) => (
          <>
            <h3>Saved views of {what}</h3>
            {views.length === 0 && <p class="menu-note">None yet</p>}
            {views.map((view) => (
              <div key={view.name} class="row views">
                <a class={isShown(view, shown) ? "on grow" : "grow"} aria-current={isShown(view, shown) ? "true" : undefined} href={addressOf(view)} title={view.filter === "" ? view.name : `${view.name}: ${view.filter}`} onClick={close}>
                  <span class="cut">{view.name}</span>
                </a>
                <IconButton icon="trash" small label={`Delete view ${view.name}`} onPress={(event) => remove(view, event.currentTarget as HTMLElement)} />
              </div>
            ))}
            <hr />
            <MenuItem icon="plus" onPress={() => { close(); setSaving(true); }}>Save this view…</MenuItem>
            <MenuItem icon="link" onPress={() => { close(); void copyText(new URL(addressOf(shown), location.href).href, "the link to this view"); }}>Copy link to this view</MenuItem>
          </>
        )}
      </Menu>
      {isSaving && <SaveViewDialog what={what} views={views} shown={shown} onSave={(next) => store.set(next)} onClose={() => setSaving(false)} />}
    </>
  );
}
