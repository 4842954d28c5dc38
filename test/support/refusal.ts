import { GatewayError } from "../../src/errors.ts";

/** The refusal an act throws; fails when it throws nothing or a defect. */
export function refusalOf(act: () => unknown): GatewayError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error("expected a refusal, but nothing was thrown");
}
