import { readEventStream } from "../client/event-stream.ts";
import { publishOverHttp } from "../client/http-publish.ts";
import type { HttpTarget } from "../client/http-request.ts";
import { readPolls } from "../client/long-poll.ts";
import { proxyFetch, tlsFetch } from "../client/node-fetch.ts";
import type { Delivery, HttpReadOptions } from "../client/resumable.ts";
import { incoming, startOf } from "./command-link.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  type PublisherLink,
  propertiesOf,
  type ReaderLink,
  type ReadHandlers,
  type ReadRequest,
} from "./link.ts";

/** A publisher by POST; there is nothing to connect, so the first publish finds out. */
export function openHttpPublisher(endpoint: Endpoint): PublisherLink {
  const target = targetOf(endpoint);
  return {
    publish: async (outgoing) => {
      const { topic, payload, retain } = outgoing;
      const properties = propertiesOf(outgoing);
      await publishOverHttp(target, { topic, payload, retain, properties });
    },
    close: async () => undefined,
  };
}

/** A reader of the event stream, resolved once the stream is open. */
export function openStreamReader(
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  return openReader(readEventStream, endpoint, request, handlers);
}

/** A long-polling reader, resolved once it has a position. */
export function openPollReader(
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  const wantsRetained = request.wantsRetained && request.start === "now";
  const read = (options: HttpReadOptions) => readPolls({ ...options, retained: wantsRetained });
  return openReader(read, endpoint, request, handlers);
}

async function openReader(
  read: (options: HttpReadOptions) => AsyncGenerator<Delivery>,
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  const abort = new AbortController();
  const deliveries = read({
    ...targetOf(endpoint),
    filters: request.filters,
    start: startOf(request.start),
    signal: abort.signal,
    onReconnecting: (_, delayMs) =>
      handlers.onNotice(`reading was interrupted; again in ${Math.round(delayMs)} ms`),
  });
  const take = (delivery: Delivery): void => {
    if (delivery.is === "gap") {
      handlers.onNotice(
        `gap (${delivery.reason}): messages before ${delivery.earliest} are missing`,
      );
    }
    if (delivery.is !== "message") return;
    if (delivery.message.isRetained && !request.wantsRetained) return;
    handlers.onMessage(incoming(delivery.message));
  };
  // The first delivery, be it a position, says that whatever is published from now on will come.
  const first = await deliveries.next();
  if (first.done !== true) take(first.value);
  const reading = (async () => {
    for await (const delivery of deliveries) take(delivery);
  })();
  // Told through `ended`; a failure before anyone waits for it must not pass for an unhandled one.
  reading.catch(() => undefined);
  return {
    ended: reading,
    close: async () => {
      abort.abort();
      // The abort is how it ends here; a failure has been told through `ended`.
      await reading.catch(() => undefined);
    },
  };
}

function targetOf({ url, credentials, tls, proxy }: Endpoint): HttpTarget {
  const own = tls === null ? {} : { fetch: tlsFetch(tls) };
  return {
    baseUrl: url,
    ...(credentials === undefined ? {} : { credentials }),
    ...(proxy === null ? own : { fetch: proxyFetch(proxy, tls ?? undefined) }),
  };
}
