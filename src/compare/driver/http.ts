import type { OpenPublisher } from "./driver.ts";
import { exchange, keepAliveAgent } from "./http-exchange.ts";

/** Publishes by POST over one kept connection, in order; acknowledged by 202. */
export const httpPublisher: OpenPublisher = async ({ targets }) => {
  const agent = keepAliveAgent(targets);
  const abort = new AbortController();
  return {
    publish: async (topic, payload) => {
      const path = topic.split("/").map(encodeURIComponent).join("/");
      const { status, text } = await exchange(
        agent,
        `${targets.httpUrl}/v1/topics/${path}`,
        { method: "POST", body: payload, headers: { "content-length": String(payload.length) } },
        abort.signal,
      );
      if (status !== 202) throw new Error(`HTTP ${status}: ${text.slice(0, 200)}`);
    },
    close: async () => {
      abort.abort();
      agent.destroy();
    },
  };
};
