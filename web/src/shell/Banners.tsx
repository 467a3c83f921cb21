import { Button } from "../components/Button";
import { Icon } from "../components/Icon";
import { age } from "../format/age";
import { moment } from "../format/moment";
import { textOf } from "../format/parts";
import { now } from "../state/clock";
import { health } from "../state/health";
import { askAgain } from "../state/polling";
import { useRights } from "../state/rights";
import { useStore } from "../state/store";

/** Above the page: that the broker is away, and that nothing can be changed. */
export function Banners() {
  const known = useStore(health);
  const at = useStore(now);
  const rights = useRights();
  const seconds = (span: number): string => textOf(age(Math.max(1000, span)));
  return (
    <>
      {known.offlineSince !== null && (
        <div class="offline" role="alert">
          <Icon name="warn" />
          Offline for {seconds(at - known.offlineSince)}
          <span class="sub">
            {known.answeredAt > 0 && `You see the state of ${moment(known.answeredAt, at)}. `}
            {known.retryAt !== null && `Trying again in ${seconds(known.retryAt - at)}.`}
          </span>
          <span class="push" />
          <Button look="s" icon="refresh" onPress={() => { health.set({ ...known, retryAt: null }); askAgain(); }}>Try now</Button>
        </div>
      )}
      {rights.isReadOnly && (
        <div class="readonly">
          <Icon name="lock" />
          <span>Read-only: your tag is <b>{rights.readOnlyTag}</b>. What changes things is not shown.</span>
        </div>
      )}
    </>
  );
}
