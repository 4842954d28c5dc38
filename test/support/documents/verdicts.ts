import { GatewayError } from "../../../src/errors.ts";

/** Whether a parser takes its input; throws what is no refusal of ours. */
export function parsesWith(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (thrown) {
    if (thrown instanceof GatewayError || Array.isArray(thrown)) return false;
    throw thrown;
  }
}
