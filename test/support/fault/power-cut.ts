import type { SeededRandom } from "../seeded-random.ts";
import type { DiskRecording, DiskWrite } from "./disk-recording.ts";

/** What the disk writes whole or not at all; a longer write may be torn between them. */
const PAGE_BYTES = 4_096;

/** What becomes of the writes that no sync covers. */
export type UnsyncedFate = "none" | "all" | "whole writes" | "torn writes";

const FATES: readonly UnsyncedFate[] = ["none", "all", "whole writes", "torn writes"];

/** The power goes off once everything up to this place of the recording has happened. */
export interface PowerCut {
  readonly at: number;
  readonly fate: UnsyncedFate;
}

/** Whether a write must have survived a power cut at this place. */
export function isDurable(write: DiskWrite, { syncs }: DiskRecording, at: number): boolean {
  if (write.isSynced) return write.endedAt <= at;
  return syncs.some((sync) => sync.startedAt > write.endedAt && sync.endedAt <= at);
}

/** The file as the disk may hold it after the cut: the durable writes, and the fate of the others. */
export function buildImage(recording: DiskRecording, cut: PowerCut, random: SeededRandom): Buffer {
  const begun = recording.writes.filter((write) => write.startedAt <= cut.at);
  const pieces = begun.flatMap((write) => {
    if (isDurable(write, recording, cut.at) || cut.fate === "all") return [write];
    if (cut.fate === "none") return [];
    const parts = cut.fate === "torn writes" ? pagesOf(write) : [write];
    return parts.filter(() => random.below(2) === 0);
  });
  const length = Math.max(0, ...pieces.map(({ offset, bytes }) => offset + bytes.length));
  const image = Buffer.alloc(length);
  for (const { offset, bytes } of pieces) bytes.copy(image, offset);
  return image;
}

/**
 * Cuts where they hurt most: just before and just after something becomes durable. Each fate is
 * tried; chosen at random among the moments after `from`.
 */
export function chooseCuts(
  { writes, syncs }: DiskRecording,
  from: number,
  count: number,
  random: SeededRandom,
): PowerCut[] {
  const boundaries = [...syncs, ...writes.filter((write) => write.isSynced)]
    .map(({ endedAt }) => endedAt)
    .filter((endedAt) => endedAt > from && Number.isFinite(endedAt));
  if (boundaries.length === 0) throw new Error("the recording holds no sync after its beginning");
  return Array.from({ length: count }, (_, index) => {
    const boundary = boundaries[random.below(boundaries.length)] ?? 0;
    const fate = FATES[index % FATES.length] ?? "none";
    return { at: boundary - (index % 2), fate };
  });
}

function pagesOf({ offset, bytes, ...rest }: DiskWrite): DiskWrite[] {
  const pages: DiskWrite[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = Math.min(bytes.length, start + PAGE_BYTES - ((offset + start) % PAGE_BYTES));
    pages.push({ ...rest, offset: offset + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return pages;
}
