import { keptStore } from "../state/kept";
import type { Store } from "../state/store";

/** A list as somebody wants to see it again: what stands in its address, under a name. */
export interface SavedView {
  name: string;
  filter: string;
  sort: string;
  /** Ids, with commas between; empty is what this browser shows of the list. */
  columns: string;
}

export type Shown = Omit<SavedView, "name">;

/** Views of one list. */
export const VIEWS_MAX = 30;
export const NAME_MAX = 60;
/** Characters of a filter, an order or the columns. */
export const TEXT_MAX = 2_000;

/** The views in what the browser has kept; what is broken, too long or another program's is left out. */
export function viewsIn(kept: unknown): SavedView[] {
  if (!Array.isArray(kept)) return [];
  const views: SavedView[] = [];
  for (const one of kept.slice(0, VIEWS_MAX * 2) as unknown[]) {
    if (isView(one) && !views.some((known) => known.name === one.name)) {
      views.push({ name: one.name, filter: one.filter, sort: one.sort, columns: one.columns });
    }
  }
  return views.slice(0, VIEWS_MAX);
}

function isView(value: unknown): value is SavedView {
  if (typeof value !== "object" || value === null) return false;
  const { name, ...rest } = value as Record<string, unknown>;
  const texts = [rest.filter, rest.sort, rest.columns];
  return typeof name === "string" && name === nameIn(name) && name !== "" && texts.every((text) => typeof text === "string" && text.length <= TEXT_MAX);
}

/** A name as it is kept: without space at its ends, and not too long. */
export function nameIn(typed: string): string {
  return [...typed.trim()].slice(0, NAME_MAX).join("").trim();
}

/** With one more view, by name; one of the same name is replaced. Null where there is no room for it. */
export function withView(views: readonly SavedView[], view: SavedView): SavedView[] | null {
  const others = views.filter((known) => known.name !== view.name);
  if (others.length >= VIEWS_MAX || [view.filter, view.sort, view.columns].some((text) => text.length > TEXT_MAX)) return null;
  return [...others, view].sort((one, other) => one.name.localeCompare(other.name));
}

/** Whether a list is shown as a view says. */
export function isShown(view: SavedView, shown: Shown): boolean {
  return view.filter === shown.filter && view.sort === shown.sort && view.columns === shown.columns;
}

/** The columns that an address names, of those that the list has; null where it names none of them. */
export function columnsIn(text: string | undefined, known: readonly string[]): ReadonlySet<string> | null {
  const named = (text ?? "").slice(0, TEXT_MAX).split(",").filter((id) => known.includes(id));
  return named.length === 0 ? null : new Set(named);
}

const stores = new Map<string, Store<unknown>>();

/** What this browser keeps of the views of a list; read it by `viewsIn`. */
export function viewStore(id: string): Store<unknown> {
  const known = stores.get(id) ?? keptStore<unknown>(`views.${id}`, [], (value): value is unknown => Array.isArray(value));
  stores.set(id, known);
  return known;
}
