import http from "node:http";
import { EventSource } from "eventsource";
import { checkAnswer } from "../documents/answer-check.ts";
import { checkBlock } from "../documents/frame-check.ts";
import type {
  ContractProperties,
  Egress,
  EgressClient,
  GatewayUrls,
  Ingress,
  ReceivedMessage,
} from "./client.ts";
import { DEADLINE_MS, Inbox } from "./inbox.ts";
import { receivedFromJson } from "./json-message.ts";

/** An answer, read whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request over `node:http`. Rejects when the answer is not one the OpenAPI document knows. */
export function request(
  agent: http.Agent | undefined,
  method: string,
  url: string,
  headers: http.OutgoingHttpHeaders = {},
  body?: Buffer,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const options: http.RequestOptions = { method, headers, timeout: 60_000 };
    if (agent !== undefined) options.agent = agent;
    const outgoing = http.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        const answer = { status, headers, body: Buffer.concat(chunks) };
        try {
          checkAnswer({ method, target: outgoing.path, ...answer });
          resolve(answer);
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function propertyHeaders(properties: ContractProperties): http.OutgoingHttpHeaders {
  const headers: http.OutgoingHttpHeaders = {};
  if (properties.contentType !== undefined) headers["content-type"] = properties.contentType;
  if (properties.userProperties !== undefined) {
    headers["tributary-user-property"] = properties.userProperties.map(([k, v]) =>
      // node:http writes header text as Latin-1; the contract is UTF-8 bytes.
      Buffer.from(`${k}=${v}`).toString("latin1"),
    );
  }
  if (properties.responseTopic !== undefined) {
    headers["tributary-response-topic"] = properties.responseTopic;
  }
  if (properties.correlationData !== undefined) {
    headers["tributary-correlation-data"] = properties.correlationData.toString("base64");
  }
  return headers;
}

/** `POST /v1/topics/…` over one kept-alive connection. */
export const httpIngress: Ingress = {
  name: "http",
  transport: "http",
  qos: 1,
  carriesProperties: true,
  async open(urls) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const publish = async (topic: string, payload: Buffer, query: string, headers = {}) => {
      const path = topic.split("/").map(encodeURIComponent).join("/");
      const url = `${urls.http}/v1/topics/${path}${query}`;
      const answer = await request(agent, "POST", url, headers, payload);
      if (answer.status !== 202) throw new Error(`${answer.status} ${String(answer.body)}`);
    };
    return {
      publish: (topic, payload, options = {}) =>
        publish(
          topic,
          payload,
          options.retain === true ? "?retain=true" : "",
          propertyHeaders(options.properties ?? {}),
        ),
      async publishAll(topic, payloads) {
        for (const payload of payloads) await publish(topic, payload, "");
      },
      async close() {
        agent.destroy();
      },
    };
  },
};

function filterQuery(filters: readonly string[]): string {
  return filters.map((filter) => `filter=${encodeURIComponent(filter)}`).join("&");
}

/** The poll loop of a legacy client. `holdSeconds` 0 is the plain poll. */
export function pollEgress(holdSeconds: number): Egress {
  return {
    name: holdSeconds === 0 ? "plain poll" : "long-poll",
    carriesProperties: true,
    async open(urls, filters): Promise<EgressClient> {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const query = filterQuery(filters);
      const base = `${urls.http}/v1/poll?${query}`;
      const first = await request(agent, "GET", `${base}&timeout=0&retained=true`);
      let cursor = String(first.headers["tributary-cursor"] ?? "");
      const ready: ReceivedMessage[] = [];
      const take = (answer: HttpAnswer) => {
        if (answer.status === 204) {
          cursor = String(answer.headers["tributary-cursor"]);
          return;
        }
        if (answer.status !== 200) throw new Error(`${answer.status} ${String(answer.body)}`);
        const page = JSON.parse(String(answer.body)) as { messages: unknown[]; cursor: string };
        cursor = page.cursor;
        ready.push(...page.messages.map((message) => receivedFromJson(message)));
      };
      take(first);
      return {
        async next() {
          const deadline = performance.now() + DEADLINE_MS;
          for (;;) {
            const message = ready.shift();
            if (message !== undefined) return message;
            if (performance.now() > deadline) throw new Error("poll: nothing arrived in time");
            const url = `${base}&cursor=${cursor}&timeout=${holdSeconds}`;
            take(await request(agent, "GET", url));
          }
        },
        async close() {
          agent.destroy();
        },
      };
    },
  };
}

/** npm `eventsource`, an SSE decoder nobody here wrote. */
export const sseEgress: Egress = {
  name: "sse",
  carriesProperties: true,
  open(urls: GatewayUrls, filters): Promise<EgressClient> {
    const inbox = new Inbox<ReceivedMessage>("sse reader");
    const source = new EventSource(`${urls.http}/v1/stream?${filterQuery(filters)}`);
    source.addEventListener("message", (event) => {
      const data = String(event.data);
      try {
        checkBlock({ event: "message", data });
        inbox.push(receivedFromJson(JSON.parse(data)));
      } catch (error) {
        inbox.fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    return new Promise((resolve, reject) => {
      source.onerror = (error) => reject(new Error(error.message ?? "sse failed"));
      source.onopen = () =>
        resolve({
          next: () => inbox.next(),
          async close() {
            source.close();
          },
        });
    });
  },
};
