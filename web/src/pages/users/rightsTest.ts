import type { Permission } from "../../api/types";

export type Act = "configure" | "write" | "read";

export interface Answer {
  isAllowed: boolean;
  /** In words, with the pattern that decides. */
  why: string;
}

/**
 * Whether a user may do something to a thing of that name. The broker searches the pattern in the name,
 * and so is done here; an empty pattern allows nothing.
 */
export function mayDo(permissions: readonly Permission[], vhost: string, act: Act, name: string): Answer {
  const given = permissions.find((permission) => permission.vhost === vhost);
  if (given === undefined) return { isAllowed: false, why: `The user may not enter ${vhost}.` };
  const pattern = given[act];
  if (pattern === "") return { isAllowed: false, why: `The right to ${act} is empty, and allows nothing.` };
  try {
    const isAllowed = new RegExp(pattern).test(name === "" ? "amq.default" : name);
    return { isAllowed, why: isAllowed ? `${pattern} matches.` : `${pattern} does not match.` };
  } catch {
    return { isAllowed: false, why: `${pattern} is written for the broker alone, which has the last word.` };
  }
}
