import { openCommandPublisher, openCommandReader } from "./command-link.ts";
import type { Endpoint } from "./endpoint.ts";
import { openHttpPublisher, openPollReader, openStreamReader } from "./http-link.ts";
import type { PublisherLink, ReaderLink, ReadHandlers, ReadRequest } from "./link.ts";
import { openMqttPublisher, openMqttReader, type Will } from "./mqtt-link.ts";

/** Connects a publisher by the endpoint's transport; a will only where the transport has one. */
export async function openPublisher(endpoint: Endpoint, will?: Will): Promise<PublisherLink> {
  switch (endpoint.via) {
    case "mqtt":
    case "mqtt-ws":
      return openMqttPublisher(endpoint, will);
    case "http":
      return openHttpPublisher(endpoint);
    default:
      return openCommandPublisher(endpoint);
  }
}

/** Connects and subscribes a reader; resolves when what is published from now on will reach it. */
export async function openReader(
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  switch (endpoint.via) {
    case "mqtt":
    case "mqtt-ws":
      return openMqttReader(endpoint, request, handlers);
    case "sse":
      return openStreamReader(endpoint, request, handlers);
    case "poll":
      return openPollReader(endpoint, request, handlers);
    default:
      return openCommandReader(endpoint, request, handlers);
  }
}
