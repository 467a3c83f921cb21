import type { ApiError } from "../api/http";
import { askAgain } from "../state/polling";
import { Button } from "./Button";
import { Empty } from "./Empty";

/** What did not answer, in the broker's own words, and a way to try again. */
export function Failed({ what, error }: { what: string; error: ApiError }) {
  const title = error.status === 404 ? `${what} is not there` : `${what} could not be read`;
  return (
    <Empty icon="bad" title={title} act={<Button icon="refresh" onPress={() => askAgain()}>Try now</Button>}>
      The broker says: <code>{error.reason || error.kind}</code>
    </Empty>
  );
}
