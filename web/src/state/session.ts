import { Store } from "./store";
import { request, postLogin, setCsrfToken, whenLoginNeeded, ApiError, Unreachable } from "../api/http";
import type { WhoAmI } from "../api/types";

/** Who is at the screen. */
export interface Account {
  name: string;
  tags: readonly string[];
}

export type Session =
  | { state: "asking" }
  | { state: "out"; /** Why the last login failed; empty before the first. */ error: string }
  | { state: "in"; account: Account };

export const session = new Store<Session>({ state: "asking" });

const ASK_AGAIN_MS = 3_000;

/** Ask who is logged in, until the broker answers. */
export async function startSession(): Promise<void> {
  whenLoginNeeded(() => session.set({ state: "out", error: "" }));
  try {
    enter(await request<WhoAmI>("GET", ["whoami"]));
  } catch (error) {
    if (error instanceof Unreachable) setTimeout(() => void startSession(), ASK_AGAIN_MS);
    else session.set({ state: "out", error: "" });
  }
}

/** Log in with a name and a password, which are kept nowhere but in the cookie's session. */
export async function logIn(user: string, password: string): Promise<void> {
  try {
    const told = await postLogin<{ csrf_token?: string } | undefined>(user, password);
    if (told?.csrf_token !== undefined) setCsrfToken(told.csrf_token);
    enter(await request<WhoAmI>("GET", ["whoami"]));
  } catch (error) {
    session.set({ state: "out", error: loginFault(error) });
  }
}

/** End the session on the broker, too. */
export async function logOut(): Promise<void> {
  try {
    await request("DELETE", ["login"]);
  } finally {
    session.set({ state: "out", error: "" });
  }
}

function enter(who: WhoAmI): void {
  if (who.csrf_token !== undefined) setCsrfToken(who.csrf_token);
  session.set({ state: "in", account: { name: who.name, tags: tagsOf(who.tags) } });
}

function loginFault(error: unknown): string {
  if (error instanceof Unreachable) return "The broker did not answer.";
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 429) return `${error.reason}`;
  if (/^(not[_ ]authori[sz]ed|login failed)$/i.test(error.reason)) return "Wrong user or password.";
  return error.reason;
}

/** Tags came as a list or, from older versions, as words with commas. */
export function tagsOf(tags: string[] | string): string[] {
  const list = typeof tags === "string" ? tags.split(",") : tags;
  return list.map((tag) => tag.trim()).filter((tag) => tag !== "");
}
