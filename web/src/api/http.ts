/** What the broker told as an error: its status, its kind and its own text. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly reason: string,
  ) {
    super(reason);
  }
}

/** No answer came: the network, or a broker that is not there. */
export class Unreachable extends Error {}

export type Query = Record<string, string | number | boolean | undefined>;
export type Method = "GET" | "PUT" | "POST" | "DELETE";

export interface Options {
  query?: Query | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
  headers?: Record<string, string> | undefined;
}

const JSON_TYPE = "application/json";
/** Some answers have no body at all, and RabbitMQ refuses to make such one for JSON alone. */
const ACCEPTED = `${JSON_TYPE}, */*;q=0.1`;
const CSRF_HEADER = "x-csrf";

let csrfToken = "1";
let onLoginNeeded: () => void = () => undefined;

/** The token that the login told; it goes with each request that changes something. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Whom to tell when the broker wants a login (401). */
export function whenLoginNeeded(listener: () => void): void {
  onLoginNeeded = listener;
}

/** The address of a route: segments are percent-encoded, so that names may hold anything. */
export function addressOf(segments: readonly string[], query: Query = {}): string {
  const path = segments.map((segment) => encodeURIComponent(segment)).join("/");
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  const tail = search.toString();
  return `api/${path}${tail === "" ? "" : `?${tail}`}`;
}

/**
 * Send one request and read its answer; undefined where it has no body.
 *
 * @throws ApiError What the broker told. Unreachable: it did not answer.
 */
export async function request<T>(method: Method, segments: readonly string[], options: Options = {}): Promise<T> {
  const answer = await send(method, addressOf(segments, options.query), options);
  if (!answer.ok) {
    const error = await errorOf(answer);
    if (isLoginNeeded(error)) onLoginNeeded();
    throw error;
  }
  const text = await answer.text();
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(answer.status, "unreadable", `The answer of ${segments.join("/")} is not JSON.`);
  }
}

/** A text, or its beginning where it is longer than what is wanted. */
export interface TextAnswer {
  text: string;
  isWhole: boolean;
}

/**
 * Ask for a text; no more of it than wanted is read.
 *
 * @param address Relative, as `addressOf` makes it.
 * @throws ApiError What the broker told. Unreachable: it did not answer.
 */
export async function requestText(address: string, bytesMax: number, signal: AbortSignal): Promise<TextAnswer> {
  const answer = await fetchOrFail(address, { headers: { accept: "text/plain, */*;q=0.1" }, credentials: "same-origin", cache: "no-store", signal });
  if (!answer.ok || answer.body === null) {
    const error = await errorOf(answer);
    if (isLoginNeeded(error)) onLoginNeeded();
    throw error;
  }
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), isWhole: true };
    size += value.length;
    text += decoder.decode(value, { stream: true });
    if (size > bytesMax) {
      await reader.cancel();
      return { text, isWhole: false };
    }
  }
}

/** The login form, as it is posted: `application/x-www-form-urlencoded`. */
export async function postLogin<T>(user: string, password: string): Promise<T> {
  const answer = await fetchOrFail("api/login", {
    method: "POST",
    headers: { [CSRF_HEADER]: csrfToken },
    body: new URLSearchParams({ username: user, password }),
    credentials: "same-origin",
  });
  if (!answer.ok) throw await errorOf(answer);
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

function send(method: Method, address: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: ACCEPTED, ...options.headers };
  if (method !== "GET") headers[CSRF_HEADER] = csrfToken;
  if (options.body !== undefined) headers["content-type"] = JSON_TYPE;
  return fetchOrFail(address, {
    method,
    headers,
    credentials: "same-origin",
    cache: "no-store",
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

async function fetchOrFail(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable("The broker did not answer.");
  }
}

async function errorOf(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    const told = JSON.parse(text) as { error?: unknown; reason?: unknown };
    return new ApiError(answer.status, String(told.error ?? answer.status), readable(told.reason ?? text));
  } catch {
    return new ApiError(answer.status, String(answer.status), text || answer.statusText);
  }
}

function readable(reason: unknown): string {
  return typeof reason === "string" ? reason : JSON.stringify(reason);
}

/** 401 is told for rights that lack too; only the others mean that nobody is logged in. */
function isLoginNeeded(error: ApiError): boolean {
  const lacks = /^(User not authori|Not (management|administrator|monitor)|Access refused|ACCESS_REFUSED)/i;
  return error.status === 401 && !lacks.test(error.reason);
}
