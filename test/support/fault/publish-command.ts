import { once } from "node:events";
import net from "node:net";
import { WebSocket } from "ws";
import type { GatewayUrls } from "../contract/client.ts";
import { onLine, readFrame } from "./frame.ts";
import type { ChannelEvents, Offer, PublishChannel } from "./publisher.ts";

/** How the commands travel. */
export type CommandForm = "websocket-json" | "websocket-binary" | "tcp";

interface FormFacts {
  readonly promise: "once" | "at-least-once";
  readonly onLost: "retry" | "abandon";
}

/** With a key, without one and retried, without one and given up: each form takes one of them. */
const FORMS: Readonly<Record<CommandForm, FormFacts>> = {
  "websocket-json": { promise: "once", onLost: "retry" },
  "websocket-binary": { promise: "at-least-once", onLost: "retry" },
  tcp: { promise: "once", onLost: "abandon" },
};

/** Publishes with an `id` and waits for `published`. */
export class CommandPublishChannel implements PublishChannel {
  readonly name: string;
  readonly qos = 1;
  readonly promise: "once" | "at-least-once";
  readonly onLost: "retry" | "abandon";
  readonly window = 8;
  readonly isBatch = false;
  readonly #form: CommandForm;
  readonly #run: string;
  #write: (offer: Offer) => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(form: CommandForm, run: string) {
    this.name = form;
    this.#form = form;
    this.#run = run;
    this.promise = FORMS[form].promise;
    this.onLost = FORMS[form].onLost;
  }

  async open(urls: GatewayUrls, events: ChannelEvents): Promise<void> {
    if (this.#form === "tcp") await this.#openTcp(urls, events);
    else await this.#openWebSocket(urls, events);
  }

  send(offers: readonly Offer[]): void {
    for (const offer of offers) this.#write(offer);
  }

  close(): void {
    this.#end();
  }

  async #openTcp(urls: GatewayUrls, events: ChannelEvents): Promise<void> {
    const socket = net.connect({ ...urls.tcp, noDelay: true });
    await once(socket, "connect");
    onLine(socket, (line) => take(line, events));
    socket.on("error", () => socket.destroy());
    socket.on("close", events.onClosed);
    this.#end = () => socket.destroy();
    this.#write = (offer) => socket.write(`${JSON.stringify(this.#command(offer))}\n`);
  }

  async #openWebSocket(urls: GatewayUrls, events: ChannelEvents): Promise<void> {
    const isBinary = this.#form === "websocket-binary";
    const subprotocol = isBinary ? "tributary.v1.binary" : "tributary.v1.json";
    const url = `${urls.http.replace("http", "ws")}/ws`;
    const socket = new WebSocket(url, [subprotocol], { perMessageDeflate: false });
    await once(socket, "open");
    socket.on("message", (data: Buffer) => take(data.toString(), events));
    socket.on("error", () => socket.terminate());
    socket.on("close", events.onClosed);
    this.#end = () => socket.terminate();
    this.#write = (offer) => {
      if (socket.readyState !== WebSocket.OPEN) return;
      const { payload, ...header } = this.#command(offer);
      socket.send(isBinary ? binaryFrame(header, payload) : JSON.stringify({ ...header, payload }));
    };
  }

  #command({ number, topic, payload, retain }: Offer) {
    const key = `${this.#form}-${this.#run}-${number}`;
    const isKeyed = this.promise === "once";
    const idempotencyKey = isKeyed ? { idempotencyKey: key } : {};
    return { type: "publish", id: number, topic, payload, retain, ...idempotencyKey };
  }
}

function binaryFrame(header: object, payload: string): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.of(json.length >> 8, json.length & 0xff);
  return Buffer.concat([length, json, Buffer.from(payload)]);
}

function take(text: string, events: ChannelEvents): void {
  const frame = readFrame(text);
  if (frame?.id === undefined) return;
  if (frame.type === "published") events.onAcknowledged(frame.id, frame.offset ?? null);
  if (frame.type === "error") events.onRefused(frame.id, frame.code ?? "");
}
