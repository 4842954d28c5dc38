import { get, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import { parseJson } from "../../wire/fields.ts";
import { parseJsonMessage } from "../../wire/json-message.ts";
import { SseDecoder } from "../../wire/sse-decoder.ts";
import { monotonicNs } from "../pacer.ts";
import type { OpenReader, Targets } from "./driver.ts";
import { agentFor } from "./http-exchange.ts";

/** Reads the event stream; it is live when its headers are here. */
export const sseReader: OpenReader = async (context, filter, onPayload) => {
  const url = `${context.targets.httpUrl}/v1/stream?filter=${encodeURIComponent(filter)}`;
  const answer = await open(url, context.targets);
  const decoder = new SseDecoder();
  let isClosing = false;
  const fail = (cause: Error): void => {
    if (!isClosing) context.onFailure(cause);
    isClosing = true;
    answer.destroy();
  };
  answer.on("data", (chunk: Buffer) => {
    try {
      for (const event of decoder.push(chunk)) {
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
  };
};

function open(url: string, targets: Targets): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = agentFor(url, targets, {});
    const asked = (url.startsWith("https:") ? getTls : get)(url, { agent }, (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else {
        answer.destroy();
        reject(new Error(`the stream was refused: HTTP ${answer.statusCode}`));
      }
    });
    asked.on("error", reject);
  });
}
