import { session, type Account } from "./session";
import { useStore } from "./store";

/** What the tags of a user let him see and do here. The broker checks all of it again. */
export interface Rights {
  /** Users, virtual hosts, definitions, limits. */
  isAdministrator: boolean;
  /** Nodes, and connections of everybody. */
  seesAll: boolean;
  /** Policies and parameters. */
  setsPolicies: boolean;
  /** Nothing that changes things is shown. */
  isReadOnly: boolean;
  /** The tag that says so. */
  readOnlyTag: string;
}

export function rightsOf(account: Account | null): Rights {
  const has = (tag: string): boolean => account?.tags.includes(tag) ?? false;
  const isAdministrator = has("administrator");
  const isReadOnly = has("monitoring") && !isAdministrator && !has("policymaker");
  return {
    isAdministrator,
    seesAll: isAdministrator || has("monitoring"),
    setsPolicies: isAdministrator || has("policymaker"),
    isReadOnly,
    readOnlyTag: isReadOnly ? "monitoring" : "",
  };
}

export function useRights(): Rights {
  const known = useStore(session);
  return rightsOf(known.state === "in" ? known.account : null);
}
