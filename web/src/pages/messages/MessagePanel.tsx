import type { ComponentChildren } from "preact";
import type { Message } from "../../api/types";
import { IconButton } from "../../components/IconButton";
import { moment } from "../../format/moment";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";
import { propertiesOf } from "./body";
import { deathsOf } from "./deaths";
import { taskOf } from "./decoders/celery";
import { MessageBody } from "./MessageBody";

interface Props {
  message: Message;
  vhost: string;
  title: string;
  note: string;
  acts?: ComponentChildren;
  onStep: (step: number) => void;
  onClose: () => void;
}

/** One message: body, history, properties and headers. */
export function MessagePanel({ message, vhost, title, note, acts, onStep, onClose }: Props) {
  const deaths = deathsOf(message);
  const task = taskOf(message);
  const { headers, ...properties } = propertiesOf(message);
  const table = Object.entries((headers ?? {}) as Record<string, unknown>).filter(([name]) => name !== "x-death");
  return (
    <section class="sidepanel" aria-label="Message">
      <header>
        <IconButton icon="left" small label="Previous (k)" onPress={() => onStep(-1)} />
        <IconButton icon="right" small label="Next (j)" onPress={() => onStep(1)} />
        <h2>{title}</h2>
        <span class="dim">{note}</span>
        <span class="push" />
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        {acts}
        {task && (
          <div>
            <h3>Task of Celery</h3>
            <dl class="kv tight">{task.map(({ name, value }) => (<><dt>{name}</dt><dd class={name === "task" ? "name" : "mono"}>{value}</dd></>))}</dl>
          </div>
        )}
        <MessageBody message={message} />
        {deaths.length > 0 && (
          <div>
            <h3>{deaths.length === 1 ? "Died once before it came here" : `Died in ${deaths.length} ways before it came here`}</h3>
            <ol class="timeline">
              {deaths.map((death, index) => (
                <li key={index} class={death.reason === "rejected" ? "bad" : "warn"}>
                  <svg class="dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" /></svg>
                  <b>{death.reason}</b> in <a href={places.queue(vhost, death.queue)}>{death.queue}</a>{" "}
                  {death.count > 1 && <span class="dim">{death.count} times</span>}
                  <br />
                  <time>{death.at > 0 && moment(death.at, Date.now())}</time>
                </li>
              ))}
            </ol>
          </div>
        )}
        <div>
          <h3>Properties and headers</h3>
          <dl class="kv tight">
            <dt>exchange</dt>
            <dd><a href={places.exchange(vhost, message.exchange)}>{exchangeTitle(message.exchange)}</a></dd>
            <dt>routing key</dt>
            <dd class="mono">{message.routing_key}</dd>
            <dt>redelivered</dt>
            <dd>{message.redelivered ? "yes" : "no"}</dd>
            {Object.entries(properties).map(([name, value]) => (
              <>
                <dt>{name.replaceAll("_", "-")}</dt>
                <dd class={typeof value === "string" ? "mono" : undefined}>{shown(name, value)}</dd>
              </>
            ))}
            {table.map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd class={typeof value === "string" ? "mono" : undefined}>
                  {typeof value === "object" ? JSON.stringify(value) : String(value)}
                  {message.header_types?.[name] && <span class="dim type">{message.header_types[name]}</span>}
                </dd>
              </>
            ))}
          </dl>
        </div>
      </div>
    </section>
  );
}

function shown(name: string, value: unknown): string {
  if (name === "delivery_mode") return value === 2 ? "2, persistent" : "1, transient";
  if (name === "timestamp" && typeof value === "number") return moment(value * 1000, Date.now());
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
