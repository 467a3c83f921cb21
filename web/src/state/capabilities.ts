import { request } from "../api/http";
import { Store, useStore } from "./store";

/** Routes that the broker has beyond RabbitMQ's, such as `POST queues/{}/{}/peek`. */
export const capabilities = new Store<ReadonlySet<string>>(new Set());

interface Description {
  paths?: Record<string, Record<string, unknown>>;
}

let isAsked = false;

/** Whether it is known what the broker has. Until then a page does not say that something is missing. */
export const areKnown = new Store(false);

/**
 * Read the broker's description of its own routes, once. A broker that has none has no more than RabbitMQ.
 *
 * @param isOurs The broker is HareMQ; another one is not asked.
 */
export async function askCapabilities(isOurs: boolean): Promise<void> {
  if (isAsked) return;
  isAsked = true;
  if (!isOurs) {
    areKnown.set(true);
    return;
  }
  try {
    capabilities.set(routesOf(await request<Description>("GET", ["openapi.json"])));
  } catch {
    capabilities.set(new Set());
  }
  areKnown.set(true);
}

/** The routes of a description, with `{}` for each parameter and without `/api/`. */
export function routesOf(description: Description): Set<string> {
  const routes = new Set<string>();
  for (const [path, methods] of Object.entries(description.paths ?? {})) {
    const plain = path.replace(/^\/?(api\/)?/, "").replace(/\{[^}]*\}/g, "{}");
    for (const method of Object.keys(methods)) routes.add(`${method.toUpperCase()} ${plain}`);
  }
  return routes;
}

/** Whether the broker has a route: `useCapability("POST queues/{}/{}/peek")`. */
export function useCapability(route: string): boolean {
  return useStore(capabilities).has(route);
}
