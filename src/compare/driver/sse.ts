import { get, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import { parseJson } from "../../wire/fields.ts";
import { parseJsonMessage } from "../../wire/json-message.ts";
import { SseDecoder } from "../../wire/sse-decoder.ts";
import { monotonicNs } from "../pacer.ts";
import { resetConnection } from "./connect.ts";
import type { DriverContext, OpenReader } from "./driver.ts";
import { agentFor } from "./http-exchange.ts";

/** Reads the event stream; it is live when its headers are here. Resumes by `Last-Event-ID`. */
export const sseReader: OpenReader = async (context, { filter, start }, onPayload) => {
  const resumed = start.from === "position" ? start.position : null;
  const retained = start.from === "now" && start.wantsRetained ? "" : "&retained=false";
  const url = `${context.targets.httpUrl}/v1/stream?filter=${encodeURIComponent(filter)}${retained}`;
  const answer = await open(url, context, resumed);
  const decoder = new SseDecoder();
  let position = resumed;
  let isClosing = false;
  const fail = (cause: Error): void => {
    if (!isClosing) context.onFailure(cause);
    isClosing = true;
    answer.destroy();
  };
  answer.on("data", (chunk: Buffer) => {
    try {
      for (const event of decoder.push(chunk)) {
        position = event.id === "" ? position : event.id;
        if (event.event !== "message") continue;
        const { payload } = parseJsonMessage(parseJson(event.data, "event"));
        onPayload(payload, monotonicNs());
      }
    } catch (cause) {
      fail(cause instanceof Error ? cause : new Error(String(cause)));
    }
  });
  answer.on("error", fail);
  answer.on("close", () => fail(new Error(`${context.clientId}: the stream ended`)));
  return {
    close: async () => {
      isClosing = true;
      answer.destroy();
    },
    pause: () => answer.pause(),
    resume: () => answer.resume(),
    reset: () => {
      isClosing = true;
      resetConnection(answer.socket);
    },
    position: () => position,
  };
};

function open(
  url: string,
  context: DriverContext,
  lastEventId: string | null,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isTls = url.startsWith("https:");
    const agent = agentFor(url, context, {});
    const headers = lastEventId === null ? {} : { "last-event-id": lastEventId };
    const asked = (isTls ? getTls : get)(url, { agent, headers }, (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else {
        answer.destroy();
        reject(new Error(`the stream was refused: HTTP ${answer.statusCode}`));
      }
    });
    asked.on("error", reject);
  });
}
