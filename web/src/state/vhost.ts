import { keptStore } from "./kept";

/** The virtual host that lists show; "" is all of them. */
export const chosenVhost = keptStore<string>("vhost", "", (value): value is string => typeof value === "string");
