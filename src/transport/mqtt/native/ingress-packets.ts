import type { QoS } from "../../../bus/message.ts";
import type { WriteBatch } from "../../write-batch.ts";
import type { ProtocolVersion } from "./codec/packet-types.ts";

/** As many messages as a live queue holds by default. */
const KEPT_MESSAGES = 16_384;

/** Bytes of read chunks that may be kept alive. */
const KEPT_BYTES = 8_388_608;

/** The form of a packet: its QoS, and whether an empty length of properties stands in it. */
type Form = number;

const NO_FORM = 255;

function formOf(version: ProtocolVersion, qos: QoS): Form {
  return (version === 5 ? 4 : 0) | qos;
}

/**
 * The newest PUBLISH packets as they came, where they came: a message that is delivered in the form in
 * which it was published leaves as the bytes of its read chunk, in one range with its neighbours. Only
 * those without properties are here, and such as say nothing of the publisher's own: no RETAIN, no
 * alias.
 */
export class IngressPackets {
  readonly #mask = KEPT_MESSAGES - 1;
  readonly #offsets = new Float64Array(KEPT_MESSAGES);
  readonly #blocks: (Uint8Array | null)[] = new Array<Uint8Array | null>(KEPT_MESSAGES).fill(null);
  readonly #starts = new Uint32Array(KEPT_MESSAGES);
  readonly #ends = new Uint32Array(KEPT_MESSAGES);
  /** Where the packet id stands; 0 for QoS 0. */
  readonly #ids = new Uint32Array(KEPT_MESSAGES);
  readonly #forms = new Uint8Array(KEPT_MESSAGES).fill(NO_FORM);
  /** What each keeps alive: the first of a chunk all of it, the others nothing more. */
  readonly #charges = new Uint32Array(KEPT_MESSAGES);
  #oldest = 1;
  #newest = 0;
  #keptBytes = 0;
  #lastBlock: Uint8Array | null = null;

  /** Keeps `block[start…end)`, which never changes again, as the packet of the message at `offset`. */
  remember(
    offset: number,
    block: Uint8Array,
    start: number,
    end: number,
    idAt: number,
    version: ProtocolVersion,
    qos: QoS,
  ): void {
    if (offset <= this.#newest) return;
    const charge = block === this.#lastBlock ? 0 : block.buffer.byteLength;
    this.#lastBlock = block;
    this.#makeRoom(offset, charge);
    const slot = offset & this.#mask;
    this.#newest = offset;
    this.#offsets[slot] = offset;
    this.#blocks[slot] = block;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    this.#ids[slot] = idAt;
    this.#forms[slot] = formOf(version, qos);
    this.#charges[slot] = charge;
    this.#keptBytes += charge;
  }

  /** Adds the packet of QoS 0 and returns its bytes; 0 when it is not here in this form. */
  addLive(batch: WriteBatch, offset: number, version: ProtocolVersion): number {
    const slot = offset & this.#mask;
    const block = this.#blocks[slot] ?? null;
    if (block === null || this.#offsets[slot] !== offset) return 0;
    if (this.#forms[slot] !== formOf(version, 0)) return 0;
    const start = this.#starts[slot] ?? 0;
    const end = this.#ends[slot] ?? 0;
    batch.addShared(block, start, end);
    return end - start;
  }

  /** As {@link addLive}, for QoS 1 and 2, with a packet id of the receiver's own. */
  addWithId(
    batch: WriteBatch,
    offset: number,
    version: ProtocolVersion,
    qos: 1 | 2,
    packetId: number,
  ): number {
    const slot = offset & this.#mask;
    const block = this.#blocks[slot] ?? null;
    if (block === null || this.#offsets[slot] !== offset) return 0;
    if (this.#forms[slot] !== formOf(version, qos)) return 0;
    const start = this.#starts[slot] ?? 0;
    const end = this.#ends[slot] ?? 0;
    batch.addPatched(block, start, end, 0x30 | (qos << 1), this.#ids[slot] ?? 0, packetId);
    return end - start;
  }

  #makeRoom(offset: number, charge: number): void {
    if (this.#newest === 0) this.#oldest = offset;
    while (this.#oldest <= this.#newest) {
      const isOutOfReach = this.#oldest <= offset - KEPT_MESSAGES;
      if (!isOutOfReach && this.#keptBytes + charge <= KEPT_BYTES) return;
      this.#forget(this.#oldest & this.#mask, this.#oldest);
      this.#oldest += 1;
    }
    this.#oldest = offset;
  }

  #forget(slot: number, offset: number): void {
    if (this.#offsets[slot] !== offset) return;
    this.#keptBytes -= this.#charges[slot] ?? 0;
    this.#blocks[slot] = null;
    this.#offsets[slot] = 0;
    this.#charges[slot] = 0;
  }
}
