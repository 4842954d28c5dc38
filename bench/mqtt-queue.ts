import { LastingSessions } from "../src/bus/lasting-sessions.ts";
import { VOLATILE_SESSIONS } from "../src/bus/volatile-stores.ts";
import { MemoryMessageLog } from "../src/store/memory/message-log.ts";
import { OutgoingQueue, packetIdOf } from "../src/transport/mqtt/outgoing-queue.ts";

/**
 * Nanoseconds of CPU for one message through the queue of a session: queued, sent, acknowledged; with
 * as many in flight as a client that acknowledges in bursts leaves.
 */
const MESSAGES = 2_000_000;
const BURST = 64;
const ROUNDS = 5;

const log = new MemoryMessageLog({
  epoch: "bench",
  window: { maxMessages: 1_024, maxBytes: 1_048_576, maxAgeMs: Number.POSITIVE_INFINITY },
  clock: { now: () => 0 },
});
const limits = { maxInflight: 256, maxQueuedMessages: 10_000, maxQueuedBytes: 16_777_216 };
const entry = { offset: 0, bytes: 128, qos: 1 as const, isRetained: false, subscriptionId: 0 };

for (let round = 0; round < ROUNDS; round += 1) {
  const queue = new OutgoingQueue(limits, new LastingSessions(log, VOLATILE_SESSIONS), null);
  const begin = process.cpuUsage();
  for (let offset = 1; offset <= MESSAGES; offset += BURST) {
    for (let i = 0; i < BURST; i += 1) {
      entry.offset = offset + i;
      if (!queue.merge(entry) && queue.hasRoomFor(128)) queue.push(entry);
    }
    for (let i = 0; i < BURST; i += 1) queue.take(queue.nextSequence);
    for (let i = 0; i < BURST; i += 1) queue.acknowledge(packetIdOf(offset + i), 1);
  }
  const { user, system } = process.cpuUsage(begin);
  const nanoseconds = ((user + system) * 1_000) / MESSAGES;
  process.stdout.write(`queue, send, acknowledge: ${nanoseconds.toFixed(1)} ns a message\n`);
}
