import type { SignedHistogram } from "./signed-histogram.ts";

/** A hump of the distribution where a timer of TCP, not the transport, decides. */
export interface StallMode {
  /** The timer's time. */
  readonly atMs: 40 | 200;
  readonly meaning: string;
  readonly count: number;
  readonly share: number;
}

/**
 * Where the humps lie, in ms past the fastest sample, and the flanks on both sides that they are
 * measured against. Linux holds an acknowledgement for 40 ms at least and 200 ms at most
 * (TCP_DELACK_MIN and _MAX in include/net/tcp.h), and 200 ms is also its least retransmission
 * timeout (TCP_RTO_MIN).
 */
const TIMERS = [
  {
    atMs: 40,
    meaning: "Nagle's algorithm waiting for a delayed acknowledgement",
    from: 38,
    to: 47,
    flank: 9,
  },
  {
    atMs: 200,
    meaning: "a retransmission or the longest delayed acknowledgement",
    from: 195,
    to: 222,
    flank: 27,
  },
] as const;

/** Fewer samples than this are no mode. */
const LEAST_COUNT = 5;
const LEAST_SHARE = 0.001;
/** How much denser than its denser flank a hump must be: a falling tail has one below 1. */
const LEAST_PROMINENCE = 3;

/** The 40 and 200 ms humps of a latency distribution; empty when there are none. */
export function stallModes(histogram: SignedHistogram): StallMode[] {
  const fastest = histogram.min;
  const below = (ms: number): number =>
    histogram.above.countAtOrBelow(Math.max(0, fastest) + ms * 1e6);
  return TIMERS.flatMap(({ atMs, meaning, from, to, flank }) => {
    const width = to - from;
    const count = below(to) - below(from);
    const before = ((below(from) - below(from - flank)) * width) / flank;
    const after = ((below(to + flank) - below(to)) * width) / flank;
    const share = count / Math.max(1, histogram.count);
    const isMode =
      count >= LEAST_COUNT &&
      share >= LEAST_SHARE &&
      count >= LEAST_PROMINENCE * Math.max(before, after);
    return isMode ? [{ atMs, meaning, count, share }] : [];
  });
}
