import { TributaryClient } from "../client/client.ts";
import { BINARY_FORM, JSON_FORM } from "../client/client-form.ts";
import type { ClientOptions } from "../client/client-options.ts";
import { nodeWebSocket, tcpSocket } from "../client/node.ts";
import { asCursor } from "../client/resumable.ts";
import type { ReceivedMessage } from "../wire/json-message.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  type Incoming,
  type Outgoing,
  type PublisherLink,
  propertiesOf,
  type ReaderLink,
  type ReadHandlers,
  type ReadRequest,
} from "./link.ts";

const DEFAULT_TCP_PORT = 7083;
const DEFAULT_TLS_PORT = 7084;

/** Connects a publisher of the command protocol: WebSocket or raw TCP. */
export async function openCommandPublisher(endpoint: Endpoint): Promise<PublisherLink> {
  let refusal: Error | null = null;
  const client = await connectClient(endpoint, {
    reconnect: false,
    onError: (error) => {
      refusal ??= error;
    },
  });
  return {
    publish: async (outgoing: Outgoing) => {
      const { topic, payload, qos, retain } = outgoing;
      const message = { topic, payload, retain, properties: propertiesOf(outgoing) };
      if (qos === 0) client.publishUnanswered(message);
      else {
        await client.whenPublishable();
        await client.publish(message);
      }
    },
    close: async () => {
      // Only a refusal is answered at QoS 0; commands are answered in order, so it is here by then.
      await client.roundTrip();
      await client.close();
      if (refusal !== null) throw refusal;
    },
  };
}

/** Connects a reader of the command protocol that resumes after every loss of its connection. */
export async function openCommandReader(
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  const client = await connectClient(endpoint, {
    onReconnecting: ({ code, reason }, delayMs) =>
      handlers.onNotice(
        `the connection ended (${code} ${reason}); again in ${Math.round(delayMs)} ms`,
      ),
    onReconnected: () => handlers.onNotice("connected again"),
    onError: (error) => handlers.onNotice(error.message),
  });
  const subscriptions = request.filters.map((filter) =>
    client.subscribe(
      filter,
      {
        onMessage: (message) => handlers.onMessage(incoming(message)),
        onGap: ({ reason, earliest }) =>
          handlers.onNotice(
            `gap (${reason}): messages of ${filter} before ${earliest} are missing`,
          ),
        onDropped: ({ count, reason }) =>
          handlers.onNotice(`${count} messages of ${filter} were dropped (${reason})`),
      },
      { start: startOf(request.start), retained: request.wantsRetained },
    ),
  );
  await Promise.all(subscriptions.map(({ ready }) => ready));
  return {
    ended: client.ended.then(({ code, reason }) => {
      if (code !== 1000) throw new Error(`the gateway ended the connection: ${code} ${reason}`);
    }),
    close: async () => {
      await client.close();
    },
  };
}

/** What a message of a JSON transport tells. */
export function incoming(message: ReceivedMessage): Incoming {
  const { userProperties } = message.properties;
  return {
    topic: message.topic,
    payload: message.payload,
    qos: message.qos,
    isRetained: message.isRetained,
    cursor: message.cursor,
    contentType: message.properties.contentType ?? null,
    ingress: message.ingress,
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(message.trace === undefined ? {} : { trace: message.trace }),
  };
}

/** `now`, `earliest`, or a cursor. Throws `bad_request` for anything else. */
export function startOf(text: string): "now" | "earliest" | ReturnType<typeof asCursor> {
  return text === "now" || text === "earliest" ? text : asCursor(text);
}

function connectClient(endpoint: Endpoint, options: ClientOptions): Promise<TributaryClient> {
  const { via, url, credentials, tls, proxy } = endpoint;
  const all = credentials === undefined ? options : { ...options, credentials };
  if (via === "tcp") {
    const { hostname, port } = new URL(url);
    const defaultPort = tls === null ? DEFAULT_TCP_PORT : DEFAULT_TLS_PORT;
    const host = hostname.replace(/^\[|\]$/g, "");
    const open = tcpSocket(host, port === "" ? defaultPort : Number(port), tls, proxy);
    return TributaryClient.connect(open, JSON_FORM, all);
  }
  const form = via === "websocket-binary" ? BINARY_FORM : JSON_FORM;
  const open = nodeWebSocket(url, form.subprotocol, tls ?? undefined, proxy);
  return TributaryClient.connect(open, form, all);
}
