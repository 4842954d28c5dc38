import type { Targets } from "./driver/driver.ts";
import { GatewayProbe } from "./gateway-probe.ts";
import type { LedgerFactor, LedgerValue } from "./ledger.ts";

/** The gateway, or any broker, that a run measures. */
export interface GatewayUnderTest {
  readonly targets: Targets;
  /** What is known of it, for the ledger. */
  readonly facts: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;
  readonly probe: GatewayProbe;
  stop(): Promise<void>;
}

/** One that stood before the run and stands after it. */
export function standingGateway(targets: Targets): GatewayUnderTest {
  return {
    targets,
    facts: { gatewayIsOwn: false },
    probe: new GatewayProbe(targets, null),
    stop: async () => undefined,
  };
}
