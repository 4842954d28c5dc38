import { parseCursor } from "../../../src/bus/cursor.ts";
import type { GatewayUrls } from "../contract/client.ts";
import { checkedFetch } from "../documents/checked-fetch.ts";
import type { HeardFrame } from "./frame.ts";
import type { LogEntry } from "./history.ts";

interface Page {
  readonly messages: readonly HeardFrame[];
  readonly cursor: string;
  readonly upToDate: boolean;
}

/** The whole log under a filter, oldest first, as a reader sees it that starts at `earliest`. */
export async function readLog(urls: GatewayUrls, filter: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  const query = `filter=${encodeURIComponent(filter)}&timeout=0&max=1000`;
  let cursor = "earliest";
  for (;;) {
    const response = await fetch(`${urls.http}/v1/poll?${query}&cursor=${cursor}`);
    if (response.status === 204) return entries;
    if (response.status !== 200) throw new Error(`the log answered ${await response.text()}`);
    const page = (await response.json()) as Page;
    for (const { topic, payload, cursor: at } of page.messages) {
      if (topic === undefined || payload === undefined || at === undefined) continue;
      entries.push({ offset: parseCursor(at).offset, topic, payload });
    }
    cursor = page.cursor;
    if (page.upToDate) return entries;
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
