import type { Overview } from "../../api/types";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Panel } from "../../components/Panel";
import { copyText } from "../../state/clipboard";

/** A first start: the address to connect to. */
export function FirstSteps({ overview }: { overview: Overview }) {
  const listener = overview.listeners?.find((candidate) => candidate.protocol === "amqp");
  const address = `amqp://${location.hostname}:${listener?.port ?? 5672}`;
  return (
    <Panel title="Ready for clients" clip>
      <Empty icon="conn" title="Nobody is connected yet" act={<Button icon="copy" onPress={() => void copyText(address, "the address")}>Copy the address</Button>}>
        Clients connect to <code>{address}</code> with their user and password. Charts begin with the first message.
      </Empty>
    </Panel>
  );
}
