import type { Bus } from "../../bus/bus.ts";
import { GatewayError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Requests of one connection that may wait for the store, each with its body: clients send one at a
 * time, and one that pipelines without end must not fill the memory while the store is behind.
 */
const MAX_WAITING = 16;

/**
 * Runs the step now, or, while the store is behind, as soon as it has caught up: the publisher waits
 * with its request. A client that has gone by then publishes nothing. Throws `store_unavailable`.
 */
export function whenStoreKeepsUp(exchange: Exchange, bus: Bus, step: () => void): void {
  if (!bus.isCongested) {
    step();
    return;
  }
  const { connection } = exchange;
  if (connection.waiting >= MAX_WAITING) {
    throw new GatewayError(
      "store_unavailable",
      `the store is behind, and ${MAX_WAITING} requests of this connection wait for it already`,
    );
  }
  connection.waiting += 1;
  bus.whenRelieved(() => {
    connection.waiting -= 1;
    if (!exchange.isOver) exchange.attempt(() => whenStoreKeepsUp(exchange, bus, step));
  });
}
