const HOUR_MS = 3_600_000;

/** Bytes closer together than this belong to one question and its answer. */
const SAME_CYCLE_MS = 20;

/**
 * Bytes an hour of a connection that only stands, from a short look at it: those of one cycle of its
 * keep-alive times the cycles of an hour. The length of a cycle is the distance between cycles, or,
 * when a single one was seen, its distance from the opening. `null` when none was.
 *
 * Counting bytes over the look and dividing by its length would not do: 35 s hold one cycle of 30 s,
 * or two.
 */
export function keepAlivePerHour(
  bytes: number,
  timesMs: readonly number[],
  openedAtMs: number,
): number | null {
  const starts = cycleStarts(timesMs.filter((time) => time >= openedAtMs));
  const first = starts[0];
  const last = starts.at(-1);
  if (first === undefined || last === undefined) return null;
  const period = starts.length === 1 ? first - openedAtMs : (last - first) / (starts.length - 1);
  return period <= 0 ? null : (bytes / starts.length) * (HOUR_MS / period);
}

function cycleStarts(timesMs: readonly number[]): number[] {
  const starts: number[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  for (const time of timesMs) {
    if (time - latest > SAME_CYCLE_MS) starts.push(time);
    latest = time;
  }
  return starts;
}
