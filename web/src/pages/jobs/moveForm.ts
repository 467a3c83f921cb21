import type { Move } from "../../api/jobs";
import { wholeCount } from "../../format/count";
import { messageFilterOf } from "../messages/messageFilter";

/** Which messages go, how many and how fast, as it is typed. */
export interface MoveForm {
  find: string;
  count: string;
  rate: string;
}

export const EMPTY_FORM: MoveForm = { find: "", count: "", rate: "" };

/** The same as the broker is told it. */
export function wantedMove(form: MoveForm): Pick<Move, "filter" | "count" | "rate"> {
  return { filter: messageFilterOf(form.find), count: whole(form.count), rate: form.rate === "" ? undefined : Math.max(1, whole(form.rate) ?? 1) };
}

/** The act and its size: how many fit a filter is not known before. */
export function actOf(verb: string, form: MoveForm, ready: number): string {
  const count = Math.min(ready, whole(form.count) ?? ready);
  return messageFilterOf(form.find) === undefined ? `${verb} ${wholeCount(count)}` : `${verb} what fits of ${wholeCount(count)}`;
}

function whole(text: string): number | undefined {
  return text === "" ? undefined : Math.max(0, Math.floor(Number(text) || 0));
}
