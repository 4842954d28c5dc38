import type { NetworkProfile } from "./network-profile.ts";
import type { ProxyCounts } from "./network-proxy.ts";
import type { Direction, Place } from "./proxied-connection.ts";

/** What is asked of the proxies of a process; `proxy` is the index of one. */
export type NetworkRequest =
  | {
      readonly do: "start";
      readonly profile: NetworkProfile;
      readonly seed: number;
      readonly targets: readonly Place[];
    }
  | { readonly do: "reset"; readonly proxy: number }
  | { readonly do: "half-open"; readonly proxy: number; readonly directions: readonly Direction[] }
  | {
      readonly do: "stall";
      readonly proxy: number;
      readonly durationMs: number;
      readonly directions: readonly Direction[];
    }
  | { readonly do: "retarget"; readonly proxy: number; readonly target: Place }
  | { readonly do: "observe" }
  | { readonly do: "stop" };

/** How the process is. */
export interface NetworkObservation {
  readonly proxies: readonly ProxyCounts[];
  /** By how much its event loop was late since the last observation, 99th percentile. */
  readonly loopDelayP99Ns: number;
}

/** The answer to the request of the same id. */
export interface NetworkAnswer {
  readonly id: number;
  readonly ports?: readonly number[];
  readonly observation?: NetworkObservation;
  /** Why it was not done. */
  readonly failure?: string;
}

/** A request on its way to the process. */
export interface NumberedRequest {
  readonly id: number;
  readonly request: NetworkRequest;
}
