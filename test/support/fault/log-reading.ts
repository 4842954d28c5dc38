import { parseCursor } from "../../../src/bus/cursor.ts";
import type { GatewayUrls } from "../contract/client.ts";
import { checkedFetch } from "../documents/checked-fetch.ts";
import type { HeardFrame } from "./frame.ts";
import type { LogEntry, PublisherRecord, ToldGap } from "./history.ts";

interface Page {
  readonly messages: readonly HeardFrame[];
  readonly cursor: string;
  readonly upToDate: boolean;
}

/** What a reader from `earliest` gets, and what it is told that it does not. */
export interface ReadLog {
  readonly entries: LogEntry[];
  readonly gaps: ToldGap[];
}

/** The whole log under a filter, oldest first, from `earliest` or a cursor. */
export async function readLogAndGaps(
  urls: GatewayUrls,
  filter: string,
  start = "earliest",
): Promise<ReadLog> {
  const read: ReadLog = { entries: [], gaps: [] };
  const query = `filter=${encodeURIComponent(filter)}&timeout=0&max=1000`;
  let cursor = start;
  for (;;) {
    const response = await fetch(`${urls.http}/v1/poll?${query}&cursor=${cursor}`);
    if (response.status === 204) return read;
    if (response.status === 410) {
      const { earliest = "", reason = "" } = (await response.json()) as HeardFrame;
      const from = cursor === "earliest" ? 0 : parseCursor(cursor).offset;
      read.gaps.push({ is: "gap", from, earliest: parseCursor(earliest).offset + 1, reason });
      cursor = earliest;
      continue;
    }
    if (response.status !== 200) throw new Error(`the log answered ${await response.text()}`);
    const page = (await response.json()) as Page;
    for (const { topic, payload, cursor: at, acceptedAt = null } of page.messages) {
      if (topic === undefined || payload === undefined || at === undefined) continue;
      read.entries.push({ offset: parseCursor(at).offset, topic, payload, acceptedAt });
    }
    cursor = page.cursor;
    if (page.upToDate) return read;
  }
}

/** The position of a reader that starts now. */
export async function startCursor(urls: GatewayUrls): Promise<string> {
  const response = await checkedFetch(`${urls.http}/v1/poll?filter=none&timeout=0`);
  const cursor = response.headers.get("tributary-cursor");
  if (cursor === null) throw new Error(`no cursor: ${response.status}`);
  return cursor;
}

/** The retained payload of a topic; `null` when there is none. */
export async function readRetained(urls: GatewayUrls, topic: string): Promise<string | null> {
  const response = await checkedFetch(`${urls.http}/v1/topics/${topic}`);
  if (response.status === 404) return null;
  if (response.status !== 200) throw new Error(`${topic} answered ${response.status}`);
  return response.text();
}

/** Publishes what comes after everything else, and tells it as a publisher's record. */
export async function publishMarker(urls: GatewayUrls, prefix: string): Promise<PublisherRecord> {
  const [topic, payload] = [`${prefix}/marker`, "marker#1#"];
  const url = `${urls.http}/v1/topics/${topic}`;
  const response = await checkedFetch(url, { method: "POST", body: payload });
  if (response.status !== 202) throw new Error(`the marker was refused: ${await response.text()}`);
  const { offset } = (await response.json()) as { offset: number };
  return {
    name: "marker",
    promise: "once",
    qos: 1,
    attempts: [{ topic, payload }],
    acknowledgements: [{ payload, offset }],
  };
}
