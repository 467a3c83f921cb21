import { csv } from "../format/csv";
import type { Column } from "./column";

/** What is shown, as CSV: a head of the columns' names, then the rows in their order. */
export function asCsv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return csv([columns.map((column) => column.label), ...rows.map((row) => columns.map((column) => column.value(row)))]);
}

/** The same as JSON: a list of objects by the columns' ids. */
export function asJson<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const told = rows.map((row) => Object.fromEntries(columns.map((column) => [column.id, column.value(row) ?? null])));
  return JSON.stringify(told, null, 2);
}

/** Hand a text to the reader as a file. */
export function saveFile(name: string, text: string, type: string): void {
  saveBlob(name, new Blob([text], { type }));
}

/** The same for what is no text. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  followDownload(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Let the browser save what is at an address. Without a name, it is what the answer says. */
export function followDownload(address: string, name = ""): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
