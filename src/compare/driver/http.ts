import { setMaxListeners } from "node:events";
import { encodeBulk } from "../../wire/command-request.ts";
import type { OpenPublisher } from "./driver.ts";
import { agentOf, exchange } from "./http-exchange.ts";

/** Publishes by POST, in order, several together by a bulk request; acknowledged by 202. */
export const httpPublisher: OpenPublisher = async (context) => {
  const { httpUrl } = context.targets;
  const agent = agentOf(context);
  const abort = new AbortController();
  // Every request that waits for the connection listens to it.
  setMaxListeners(0, abort.signal);
  const post = async (url: string, body: Uint8Array | string, type: Record<string, string>) => {
    const headers = { ...type, "content-length": String(Buffer.byteLength(body)) };
    const { status, text } = await exchange(
      agent,
      url,
      { method: "POST", body, headers },
      abort.signal,
    );
    if (status !== 202) throw new Error(`HTTP ${status}: ${text.slice(0, 200)}`);
  };
  return {
    publish: ({ topic, payload, isRetained }) => {
      const path = topic.split("/").map(encodeURIComponent).join("/");
      const query = isRetained === true ? "?retain=true" : "";
      return post(`${httpUrl}/v1/topics/${path}${query}`, payload, {});
    },
    publishTogether: (messages) =>
      post(
        `${httpUrl}/v1/publish`,
        encodeBulk(messages.map(({ topic, payload }) => ({ topic, payload }))),
        { "content-type": "application/json" },
      ),
    close: async () => {
      abort.abort();
      agent.destroy();
    },
  };
};
