import type { Schedule, Shot } from "./schedule.ts";

/**
 * Timers fire up to a millisecond late, which would be the largest part of a loopback latency; so the
 * last stretch before a message is due is spent turning the event loop instead of asleep.
 */
const AWAKE_NS = 2_000_000;

/** Nanoseconds of the host's monotonic clock: the same in every process of one machine. */
export function monotonicNs(): number {
  // 2^53 ns is 104 days of uptime; past that a double loses single nanoseconds, which is harmless.
  return Number(process.hrtime.bigint());
}

/** How exactly messages leave. */
export type Pacing = "to the microsecond" | "by timer";

/**
 * Fires `send` for every message of `schedule` when it is due; late ones at once, none left out. By timer
 * it is a millisecond late and takes no processor time, for runs that count bytes or processor time.
 */
export function pace(
  schedule: Schedule,
  startNs: number,
  send: (shot: Shot) => void,
  signal: AbortSignal,
  pacing: Pacing = "to the microsecond",
): Promise<void> {
  const awakeNs = pacing === "by timer" ? 0 : AWAKE_NS;
  return new Promise((resolve, reject) => {
    let index = 0;
    const turn = (): void => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      try {
        while (index < schedule.shots) {
          const shot = schedule.shot(index);
          const waitNs = startNs + shot.dueAfterNs - monotonicNs();
          if (waitNs > awakeNs) {
            setTimeout(turn, (waitNs - awakeNs) / 1e6);
            return;
          }
          if (waitNs > 0) {
            setImmediate(turn);
            return;
          }
          index += 1;
          send(shot);
        }
        resolve();
      } catch (cause) {
        reject(cause);
      }
    };
    turn();
  });
}
