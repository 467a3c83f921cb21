import { useState } from "preact/hooks";
import { closeConnection } from "../../api/acts";
import { request } from "../../api/http";
import { rateSeries } from "../../api/series";
import type { Channel, Connection } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/Failed";
import { Figure } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { Sparkline } from "../../components/Sparkline";
import { StateMark } from "../../components/StateMark";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { moment } from "../../format/moment";
import { places } from "../../route/places";
import { now } from "../../state/clock";
import { askAgain, usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say } from "../../state/toasts";
import { nameOfConnection, productOf } from "../../api/clients";

const HISTORY = { data_rates_age: 600, data_rates_incr: 5 };

/** One connection, beside the list. */
export function ConnectionPanel({ name, onClose }: { name: string; onClose: () => void }) {
  const told = usePolled(`connections/${encodeURIComponent(name)}`, (signal) => request<Connection>("GET", ["connections", name], { query: HISTORY, signal }));
  const channels = usePolled(`connections/${encodeURIComponent(name)}/channels`, (signal) => request<Channel[]>("GET", ["connections", name, "channels"], { signal }));
  const rights = useRights();
  const [isDoomed, setDoomed] = useState(false);
  const connection = told.data;
  return (
    <section class="sidepanel" aria-label="Connection">
      <header>
        <h2 class="cut" title={name}>{connection ? nameOfConnection(connection) : name}</h2>
        {connection && <StateMark state={connection.state ?? "running"} />}
        <span class="push" />
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        {connection === undefined ? (
          told.error ? <Failed what="The connection" error={told.error} /> : <Bones />
        ) : (
          <>
            <Traffic connection={connection} />
            <Facts connection={connection} />
            {(channels.data ?? []).map((channel) => <ChannelFacts key={channel.name} channel={channel} />)}
            {!rights.isReadOnly && (
              <div><Button look="outline-bad" onPress={() => setDoomed(true)}>Close connection…</Button></div>
            )}
          </>
        )}
      </div>
      {isDoomed && connection && (
        <ConfirmDialog
          title={`Close ${nameOfConnection(connection)}`}
          losses={[{ amount: wholeCount(connection.channels ?? 0), what: "channels; what they hold unacknowledged goes back to its queues" }]}
          typed=""
          act="Close connection"
          keep="Keep connection"
          onClose={() => setDoomed(false)}
          onConfirm={async () => {
            await closeConnection(name, "Closed in the web UI");
            askAgain();
            say(`Closed ${nameOfConnection(connection)}`);
            onClose();
          }}
        />
      )}
    </section>
  );
}

function Traffic({ connection }: { connection: Connection }) {
  const [sent] = rateSeries([connection.send_oct_details]).lines;
  const known = (sent ?? []).filter((value): value is number => value !== null);
  return (
    <div>
      <h3>To client, 10 m</h3>
      <Sparkline values={known} measure="bytes" width={300} height={44} />
    </div>
  );
}

function Facts({ connection }: { connection: Connection }) {
  const at = useStore(now);
  const since = connection.connected_at;
  return (
    <dl class="kv tight">
      <dt>address</dt><dd class="mono">{connection.peer_host}:{connection.peer_port}</dd>
      <dt>node</dt><dd>{connection.node}</dd>
      <dt>virtual host</dt><dd>{connection.vhost}</dd>
      <dt>user</dt><dd><a href={places.user(connection.user)}>{connection.user}</a></dd>
      <dt>protocol</dt><dd>{connection.protocol}{connection.ssl ? `, ${connection.ssl_protocol ?? "TLS"}` : ", without TLS"}</dd>
      <dt>client</dt><dd>{productOf(connection)}{typeof connection.client_properties?.platform === "string" && `, ${connection.client_properties.platform}`}</dd>
      {since !== undefined && <><dt>connected</dt><dd><Figure parts={age(at - since)} /> ago <span class="dim">{moment(since, at)}</span></dd></>}
      <dt>heartbeat</dt><dd>{connection.timeout ? `${connection.timeout} s` : "off"}</dd>
      <dt>frame-max</dt><dd><Figure parts={bytes(connection.frame_max)} /></dd>
      <dt>channel-max</dt><dd>{connection.channel_max === undefined ? "–" : wholeCount(connection.channel_max)}</dd>
      <dt>from client</dt><dd><Figure parts={bytes(connection.recv_oct)} /></dd>
      <dt>to client</dt><dd><Figure parts={bytes(connection.send_oct)} /></dd>
    </dl>
  );
}

function ChannelFacts({ channel }: { channel: Channel }) {
  return (
    <div>
      <h3>Channel {channel.number}</h3>
      <dl class="kv tight">
        <dt>state</dt><dd><StateMark state={channel.state ?? "running"} /></dd>
        <dt>consumers</dt><dd>{wholeCount(channel.consumer_count ?? 0)}</dd>
        <dt>prefetch</dt><dd>{channel.prefetch_count ? `${wholeCount(channel.messages_unacknowledged ?? 0)} of ${wholeCount(channel.prefetch_count)} in use` : "no limit"}</dd>
        <dt>unacked</dt><dd>{wholeCount(channel.messages_unacknowledged ?? 0)}</dd>
        <dt>confirms</dt><dd>{channel.confirm ? `on, ${wholeCount(channel.messages_unconfirmed ?? 0)} waiting` : "off"}</dd>
      </dl>
    </div>
  );
}
