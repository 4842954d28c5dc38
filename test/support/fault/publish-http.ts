import http from "node:http";
import type { GatewayUrls } from "../contract/client.ts";
import { readFrame } from "./frame.ts";
import type { ChannelEvents, Offer, PublishChannel } from "./publisher.ts";

/** A request of its own for each message, or one for many. */
export type HttpForm = "http" | "http-key" | "http-bulk";

const BULK = 6;

interface Exchange {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Publishes by POST over one kept connection, one request after the other. */
export class HttpPublishChannel implements PublishChannel {
  readonly name: HttpForm;
  readonly qos = 1;
  readonly promise: "once" | "at-least-once";
  readonly onLost: "retry" | "abandon";
  readonly window: number;
  readonly isBatch = true;
  readonly #run: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #urls: GatewayUrls | null = null;
  #events: ChannelEvents | null = null;

  constructor(form: HttpForm, run: string) {
    this.name = form;
    this.#run = run;
    // Without a key, a program that must not say anything twice cannot repeat itself.
    this.promise = "once";
    this.onLost = form === "http" ? "abandon" : "retry";
    this.window = form === "http-bulk" ? BULK : 1;
  }

  open(urls: GatewayUrls, events: ChannelEvents): Promise<void> {
    this.#urls = urls;
    this.#events = events;
    // Says early that nobody is there, as the other channels do.
    return new Promise((resolve, reject) => {
      const request = http.get(`${urls.http}/healthz`, { agent: this.#agent }, (response) => {
        response.resume();
        response.on("error", reject);
        response.on("end", resolve);
      });
      request.on("error", reject);
    });
  }

  send(offers: readonly Offer[]): void {
    const [urls, events] = [this.#urls, this.#events];
    if (urls === null || events === null) return;
    const { path, headers, body } = this.#exchange(offers);
    const options = { method: "POST", agent: this.#agent, headers };
    const request = http.request(`${urls.http}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", events.onClosed);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (response.complete) this.#answered(response.statusCode ?? 0, text, offers, events);
        else events.onClosed();
      });
    });
    request.on("error", events.onClosed);
    request.end(body);
  }

  close(): void {
    this.#events?.onClosed();
    this.#agent.destroy();
  }

  #exchange(offers: readonly Offer[]): Exchange {
    const [first] = offers;
    if (this.name === "http-bulk" || first === undefined) {
      const commands = offers.map(({ number, topic, payload, retain }) => {
        return { topic, payload, retain, idempotencyKey: this.#key(number) };
      });
      const headers = { "content-type": "application/json" };
      return { path: "/v1/publish", headers, body: JSON.stringify(commands) };
    }
    const path = `/v1/topics/${first.topic}${first.retain ? "?retain=true" : ""}`;
    const headers = this.name === "http-key" ? { "idempotency-key": this.#key(first.number) } : {};
    return { path, headers, body: first.payload };
  }

  #key(number: number): string {
    return `${this.name}-${this.#run}-${number}`;
  }

  #answered(status: number, text: string, offers: readonly Offer[], events: ChannelEvents): void {
    const answer = JSON.parse(text) as { offset?: number; results?: { offset: number }[] };
    offers.forEach(({ number }, index) => {
      const offset = answer.results?.[index]?.offset ?? answer.offset ?? null;
      if (status === 202) events.onAcknowledged(number, offset);
      else events.onRefused(number, readFrame(text)?.code ?? String(status));
    });
  }
}
