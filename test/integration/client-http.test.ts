import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readEventStream } from "../../src/client/event-stream.ts";
import { publishInBulk, publishOverHttp } from "../../src/client/http-publish.ts";
import { readPolls } from "../../src/client/long-poll.ts";
import { asCursor, type Delivery, type HttpReadOptions } from "../../src/client/resumable.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

let gateway: RunningGateway;
let abort: AbortController;

beforeEach(async () => {
  gateway = await startGateway({ log: { maxMessages: 16 } });
  abort = new AbortController();
});

afterEach(async () => {
  abort.abort();
  await gateway.stop();
});

const target = () => ({ baseUrl: gateway.urls.http });
const text = (payload: Uint8Array) => Buffer.from(payload).toString();

function publish(topic: string, payload: string, retain = false) {
  return publishOverHttp(target(), { topic, payload: Buffer.from(payload), retain });
}

const READERS = [
  { name: "event stream", read: readEventStream },
  {
    name: "long-poll",
    read: (options: HttpReadOptions) => readPolls({ ...options, retained: true }),
  },
];

/** What was handed over up to the message `marker`, positions left out. */
async function until(marker: string, deliveries: AsyncGenerator<Delivery>): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const { done, value } = await deliveries.next();
    if (done === true) throw new Error(`the reader ended after ${seen.join(", ")}`);
    if (value.is === "gap") seen.push(`gap ${value.reason}`);
    if (value.is !== "message") continue;
    const { payload, isRetained } = value.message;
    if (text(payload) === marker) return seen;
    seen.push(isRetained ? `retained ${text(payload)}` : text(payload));
  }
}

describe.each(READERS)("a reader by $name", ({ read }) => {
  const open = (filters: string[], start?: HttpReadOptions["start"]) =>
    read({ ...target(), filters, signal: abort.signal, ...(start === undefined ? {} : { start }) });

  test("is given what is retained first, then what is live", async () => {
    await publish("room/1", "kept", true);
    const deliveries = open(["room/+"]);
    const first = await deliveries.next();
    const before =
      first.done !== true && first.value.is === "message"
        ? [text(first.value.message.payload)]
        : [];
    await publish("room/2", "live");
    await publish("room/2", "marker");
    const seen = await until("marker", deliveries);
    expect([...before, ...seen.map((each) => each.replace("retained ", ""))]).toEqual([
      "kept",
      "live",
    ]);
  });

  test("reads several filters, wildcards included, each message once", async () => {
    const deliveries = open(["a/+", "a/#", "+/b"]);
    await deliveries.next();
    await publish("a/b", "1");
    await publish("other/b", "2");
    await publish("other/c", "not wanted");
    await publish("a/b/c", "marker");
    expect(await until("marker", deliveries)).toEqual(["1", "2"]);
  });

  test("is told the gap when the log no longer holds what follows its cursor", async () => {
    const { cursor } = await publish("t", "0");
    for (let i = 1; i <= 25; i += 1) await publish("t", String(i));
    await publish("t", "marker");
    const seen = await until("marker", open(["t"], cursor));
    expect(seen[0]).toBe("gap retention");
    expect(seen.slice(1)).toEqual(Array.from({ length: 15 }, (_, index) => String(11 + index)));
  });

  test("is told the gap when its cursor is of another lifetime", async () => {
    await publish("t", "1");
    await publish("t", "marker");
    const seen = await until("marker", open(["t"], asCursor("strangerepoch-5")));
    expect(seen).toEqual(["gap epoch", "1"]);
  });

  test("throws the refusal of a bad filter instead of trying again", async () => {
    await expect(open(["a#"]).next()).rejects.toMatchObject({ code: "invalid_filter" });
  });

  test("returns when it is told to end", async () => {
    const deliveries = open(["t"]);
    await deliveries.next();
    const rest = (async () => {
      for await (const _ of deliveries);
    })();
    abort.abort();
    await expect(rest).resolves.toBeUndefined();
  });
});

describe("publishing over HTTP", () => {
  test.each([
    "plain",
    "a//b/",
    "/leading",
    "with space/question?mark&more=1",
    "dots/../up",
    "./here",
    "..",
    "ünïcödé/✓",
    "percent%2Fsign",
  ])("topic %s arrives as it is", async (topic) => {
    const deliveries = readPolls({ ...target(), filters: ["#"], signal: abort.signal });
    await deliveries.next();
    await publish(topic, "x");
    for await (const delivery of deliveries) {
      if (delivery.is !== "message") continue;
      expect(delivery.message.topic).toBe(topic);
      break;
    }
  });

  test.each<{ what: string; userProperties: [string, string][] }>([
    { what: "one user property", userProperties: [["k", "a=b"]] },
    {
      what: "a user property that repeats",
      userProperties: [
        ["k", "1"],
        ["k", "2, 3"],
      ],
    },
    { what: "a user property beyond Latin-1", userProperties: [["größe", "三"]] },
    { what: "a user property with space around it", userProperties: [[" k ", " v "]] },
    { what: "a user property whose name holds =", userProperties: [["a=b", "c"]] },
  ])("carries $what and every other property", async ({ userProperties }) => {
    const deliveries = readPolls({ ...target(), filters: ["#"], signal: abort.signal });
    await deliveries.next();
    const properties = {
      contentType: "text/plain",
      userProperties,
      responseTopic: "answers/1",
      correlationData: Uint8Array.of(0, 255),
      expiry: 60,
    };
    await publishOverHttp(target(), { topic: "t", payload: Buffer.from("x"), properties });
    for await (const delivery of deliveries) {
      if (delivery.is !== "message") continue;
      expect(delivery.message.properties).toEqual(properties);
      break;
    }
  });

  test("accepts a bulk in order, or none of it", async () => {
    const message = (topic: string, payload: string) => ({ topic, payload: Buffer.from(payload) });
    const deliveries = readPolls({ ...target(), filters: ["#"], signal: abort.signal });
    await deliveries.next();
    const bad = publishInBulk(target(), [message("t", "no"), message("a/#", "no")]);
    await expect(bad).rejects.toMatchObject({ code: "invalid_topic" });
    const good = await publishInBulk(target(), [message("t", "1"), message("t", "2")]);
    expect((good[1]?.offset ?? 0) - (good[0]?.offset ?? 0)).toBe(1);
    await publish("t", "marker");
    expect(await until("marker", deliveries)).toEqual(["1", "2"]);
  });

  test("rejects with the gateway's code", async () => {
    await expect(publish("$SYS/x", "x")).rejects.toMatchObject({ code: "forbidden" });
    await expect(publish("a/+", "x")).rejects.toMatchObject({ code: "invalid_topic" });
  });
});
