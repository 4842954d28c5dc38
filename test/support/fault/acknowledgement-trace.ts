import { TYPE } from "../mqtt-wire.ts";
import type { DiskRecording, SocketWrite } from "./disk-recording.ts";
import type { PublisherRecord } from "./history.ts";

/** A message, and the place in the recording from which on its acknowledgement was on its way. */
export interface AcknowledgedAt {
  readonly payload: string;
  readonly at: number;
}

/**
 * Finds in what the gateway wrote to its clients where each acknowledgement left it. Throws when one
 * that a client has got is not there: then the trace is not whole. Numbers of MQTT publishers must
 * stay below 65,536, and there may be one of each QoS.
 */
export function findAcknowledgements(
  sockets: readonly SocketWrite[],
  mqttPort: number,
  publishers: readonly PublisherRecord[],
): AcknowledgedAt[] {
  const places = new Map<string, number>();
  for (const { port, bytes, startedAt } of sockets) {
    const names = port === mqttPort ? packetNames(bytes) : offsetNames(bytes);
    for (const name of names) if (!places.has(name)) places.set(name, startedAt);
  }
  return publishers.flatMap(({ name, qos, acknowledgements }) =>
    acknowledgements.map(({ payload, offset }) => {
      const number = Number(payload.split("#")[1]);
      const at = places.get(offset === null ? `qos ${qos} packet ${number}` : `offset ${offset}`);
      if (at === undefined) throw new Error(`no trace of the acknowledgement of ${name} ${number}`);
      return { payload, at };
    }),
  );
}

/** PUBACK answers QoS 1, PUBREC QoS 2; both hold the packet id alone. */
function packetNames(bytes: Buffer): string[] {
  const names: string[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const type = (bytes[at] ?? 0) >> 4;
    const length = bytes[at + 1] ?? 0;
    if (type === TYPE.puback) names.push(`qos 1 packet ${bytes.readUInt16BE(at + 2)}`);
    if (type === TYPE.pubrec) names.push(`qos 2 packet ${bytes.readUInt16BE(at + 2)}`);
    at += 2 + length;
  }
  return names;
}

function offsetNames(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  return Array.from(text.matchAll(/"offset":(\d+)/g), (match) => `offset ${match[1]}`);
}

/** How a payload begins: the name of its publisher and its number. */
const MARK = /^[\w-]+#\d+#/;

/**
 * The acknowledgements that did not follow a sync of their message and, after it, something synced
 * that makes it a part of the store. Empty when each waited for the disk.
 */
export function findUncovered(
  { writes, syncs }: DiskRecording,
  acknowledged: readonly AcknowledgedAt[],
): string[] {
  const written = new Map<string, number>();
  const names = new Set(acknowledged.map(({ payload }) => payload.split("#")[0]));
  // By name, because what a record holds before the payload may be text as well.
  const marks = new RegExp(`(?:${[...names].join("|")})#\\d+#`, "g");
  for (const { bytes, endedAt } of writes) {
    for (const [mark = ""] of bytes.toString("latin1").matchAll(marks)) {
      if (!written.has(mark)) written.set(mark, endedAt);
    }
  }
  // A second sync in place of a synced write would do as well.
  const entries = [...writes.filter((write) => write.isSynced), ...syncs];
  return acknowledged.flatMap(({ payload, at }) => {
    const mark = MARK.exec(payload)?.[0] ?? "";
    const writtenAt = written.get(mark) ?? Number.POSITIVE_INFINITY;
    const sync = syncs.find(({ startedAt }) => startedAt > writtenAt);
    const syncedAt = sync?.endedAt ?? Number.POSITIVE_INFINITY;
    const isCovered = entries.some((each) => each.startedAt > syncedAt && each.endedAt < at);
    return isCovered ? [] : [`${mark} written ${writtenAt}, synced ${syncedAt}, told ${at}`];
  });
}
