import { parseFilter, type TopicLimits } from "../../../bus/topic.ts";
import { FieldReader } from "../field-reader.ts";
import { isGroupName, parseSharedName } from "../shared-subscription.ts";

/**
 * Filters that stand in for a client's own in what aedes is given. They begin with U+0000, which no
 * client can send.
 */
export const STAND_IN = "\0";

/** A filter that aedes must answer with 0x80. */
export const REFUSED = `${STAND_IN}refused/`;

/** A filter that the same packet names again further on, where it counts. */
export const REPEATED = `${STAND_IN}repeated/`;

interface Wish {
  readonly filter: string;
  readonly qos: number;
}

/**
 * A SUBSCRIBE that aedes answers with one return code for each filter, in order [MQTT-3.9.3-1]. Left
 * alone, it closes the connection for some invalid filters, grants others
 * (aedes/lib/utils.js `validateTopic`), and answers a repeated filter once
 * (aedes/lib/handlers/subscribe.js `_dedupe`). Returns the packet itself when nothing is amiss.
 */
export function rewriteSubscribe(packet: Buffer, limits: TopicLimits, maxFilters: number): Buffer {
  const body = bodyOf(packet);
  const fields = new FieldReader(packet, body, packet.length);
  const packetId = fields.uint16();
  const wishes: Wish[] = [];
  while (!fields.isAtEnd) wishes.push({ filter: fields.text(), qos: fields.byte() });
  const last = new Map(wishes.map((wish, index) => [wish.filter, index]));
  let isAmiss = false;
  const rewritten = wishes.map((wish, index) => {
    const prefix = standInFor(
      wish.filter,
      index < maxFilters,
      last.get(wish.filter) === index,
      limits,
    );
    if (prefix === null) return wish;
    isAmiss = true;
    return { filter: `${prefix}${index}`, qos: wish.qos };
  });
  return isAmiss ? encode(packetId, rewritten) : packet;
}

/** Throws `invalid_filter` when an UNSUBSCRIBE names something that cannot be a filter. */
export function checkUnsubscribe(packet: Buffer, limits: TopicLimits): void {
  const fields = new FieldReader(packet, bodyOf(packet), packet.length);
  fields.uint16();
  while (!fields.isAtEnd) parseFilter(fields.text(), limits);
}

function standInFor(
  filter: string,
  isWithinLimit: boolean,
  isLast: boolean,
  limits: TopicLimits,
): string | null {
  if (!isWithinLimit) return REFUSED;
  const shared = parseSharedName(filter);
  if (shared !== null && !isGroupName(shared.group)) return REFUSED;
  try {
    parseFilter(shared?.filter ?? filter, limits);
  } catch {
    // The return code is all the client gets to see of the reason.
    return REFUSED;
  }
  return isLast ? null : REPEATED;
}

function bodyOf(packet: Buffer): number {
  let at = 1;
  while ((packet[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}

function encode(packetId: number, wishes: readonly Wish[]): Buffer {
  const parts = [Buffer.of(packetId >> 8, packetId & 0xff)];
  for (const { filter, qos } of wishes) {
    const bytes = Buffer.from(filter);
    parts.push(Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes, Buffer.of(qos));
  }
  const body = Buffer.concat(parts);
  const header = [0x82];
  for (let left = body.length; ; ) {
    const more = left >= 128;
    header.push((left % 128) | (more ? 0x80 : 0));
    left = Math.floor(left / 128);
    if (!more) return Buffer.concat([Buffer.from(header), body]);
  }
}
