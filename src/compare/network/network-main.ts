import { monitorEventLoopDelay } from "node:perf_hooks";
import type {
  NetworkAnswer,
  NetworkObservation,
  NetworkRequest,
  NumberedRequest,
} from "./network-messages.ts";
import { NetworkProxy } from "./network-proxy.ts";

/**
 * The process of the network: proxies, and nothing else on their event loop. Talks with its parent
 * only, and ends when that has gone.
 */

const LOOP_RESOLUTION_MS = 1;

const loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
loopDelay.enable();

const proxies: NetworkProxy[] = [];

// The parent is this program; it sends nothing else.
process.on("message", ({ id, request }: NumberedRequest) => {
  handle(request).then(
    (answer) => tell({ id, ...answer }),
    (cause: unknown) => tell({ id, failure: cause instanceof Error ? cause.message : "unknown" }),
  );
});
process.on("disconnect", () => void stop());

function tell(answer: NetworkAnswer): void {
  if (process.connected) process.send?.(answer);
}

async function handle(request: NetworkRequest): Promise<Omit<NetworkAnswer, "id">> {
  switch (request.do) {
    case "start": {
      const { profile, seed, targets } = request;
      for (const [index, target] of targets.entries()) {
        proxies.push(await NetworkProxy.start({ target, profile, seed: seed + index * 65_536 }));
      }
      return { ports: proxies.map(({ port }) => port) };
    }
    case "reset":
      proxyAt(request.proxy).reset();
      return {};
    case "half-open":
      proxyAt(request.proxy).halfOpen(request.directions);
      return {};
    case "stall":
      proxyAt(request.proxy).stall(request.durationMs, request.directions);
      return {};
    case "retarget":
      proxyAt(request.proxy).retarget(request.target);
      return {};
    case "observe":
      return { observation: observe() };
    case "stop":
      await stop();
      return {};
  }
}

function observe(): NetworkObservation {
  // What the monitor records holds its own waiting time.
  const late = loopDelay.percentile(99) - LOOP_RESOLUTION_MS * 1e6;
  loopDelay.reset();
  return {
    proxies: proxies.map(({ counts }) => counts),
    loopDelayP99Ns: Number.isFinite(late) ? Math.max(0, late) : 0,
  };
}

function proxyAt(index: number): NetworkProxy {
  const proxy = proxies[index];
  if (proxy === undefined) throw new RangeError(`there is no proxy ${index}`);
  return proxy;
}

async function stop(): Promise<void> {
  loopDelay.disable();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
}
