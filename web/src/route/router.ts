import { Store, useStore } from "../state/store";
import { formatAddress, parseAddress, type Address } from "./address";

export const address = new Store<Address>(parseAddress(location.hash));

/** Follow the address of the browser. */
export function startRouter(): void {
  addEventListener("hashchange", () => address.set(parseAddress(location.hash)));
}

export function useAddress(): Address {
  return useStore(address);
}

/** The address of a place, for `href`. */
export function href(segments: readonly string[], query: Record<string, string | undefined> = {}): string {
  return formatAddress(segments, query);
}

/** Go to a place; the way back leads here. */
export function go(segments: readonly string[], query: Record<string, string | undefined> = {}): void {
  location.hash = formatAddress(segments, query);
}

/** Change entries of the query without a step in the browser's history. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const { segments, query } = address.get();
  const next = formatAddress(segments, { ...query, ...changes });
  history.replaceState(null, "", next);
  address.set(parseAddress(next));
}
