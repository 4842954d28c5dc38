import type { GatewayUnderTest } from "./gateway-under-test.ts";
import { routeThrough } from "./network/routed-targets.ts";
import type { PlanPoint } from "./plan-points.ts";

/** The gateway as the load reaches it: directly, or by way of the point's network. */
export async function behindNetwork(
  gateway: GatewayUnderTest,
  { network, seed }: Pick<PlanPoint, "network" | "seed">,
): Promise<GatewayUnderTest> {
  if (network === "loopback") return gateway;
  try {
    const routed = await routeThrough(gateway.targets, { profile: network, seed });
    return {
      targets: routed.targets,
      facts: gateway.facts,
      // What asks the gateway how it is goes round the network.
      probe: gateway.probe,
      stop: async () => {
        await routed.stop();
        await gateway.stop();
      },
    };
  } catch (cause) {
    await gateway.stop();
    throw cause;
  }
}
