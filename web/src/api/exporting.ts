import { addressOf, request, type Query } from "./http";
import type { MessageFilter } from "./types";

export type ExportForm = "csv" | "jsonl";

const pathOf = (vhost: string, queue: string): string[] => ["queues", vhost, queue, "messages", "export"];

const queryOf = (form: ExportForm, filter: MessageFilter | undefined): Query => ({
  format: form,
  filter: filter === undefined ? undefined : JSON.stringify(filter),
});

/** Where the file is: the browser writes it to the disk as it comes, however long it is. */
export function exportAddress(vhost: string, queue: string, form: ExportForm, filter: MessageFilter | undefined): string {
  return addressOf(pathOf(vhost, queue), queryOf(form, filter));
}

/**
 * Ask for none of the messages: what would be refused is refused here, where it can be told.
 *
 * @throws ApiError What the broker told. Unreachable: it did not answer.
 */
export async function checkExport(vhost: string, queue: string, filter: MessageFilter | undefined): Promise<void> {
  // Of JSON lines, none are an empty answer; CSV would have its head.
  await request("GET", pathOf(vhost, queue), { query: { ...queryOf("jsonl", filter), count: 0 } });
}
