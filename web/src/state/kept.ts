import { Store } from "./store";

/** A store whose value outlives the page in this browser: looks and habits, never a secret. */
export function keptStore<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): Store<T> {
  const store = new Store(read(key, fallback, isValid));
  store.subscribe((value) => {
    try {
      localStorage.setItem(`haremq.${key}`, JSON.stringify(value));
    } catch {
      // A private window keeps nothing: the value holds for this page.
    }
  });
  return store;
}

function read<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`haremq.${key}`) ?? "null");
    return isValid(value) ? value : fallback;
  } catch {
    return fallback;
  }
}
