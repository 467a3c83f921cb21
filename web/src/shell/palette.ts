import { Store } from "../state/store";

/** Whether the palette is open. */
export const isPaletteOpen = new Store(false);

export function openPalette(): void {
  isPaletteOpen.set(true);
}
