import { isIP } from "node:net";
import type { Targets } from "../driver/driver.ts";
import { PROFILES, type NetworkProfile, withNatIdle } from "./network-profile.ts";
import { NetworkProcess } from "./network-process.ts";
import type { Place } from "./proxied-connection.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
  "mqtt:": 1883,
  "mqtts:": 8883,
  "tcp:": 7083,
  "tls:": 7084,
};

/** The addresses of a gateway as they are behind a network. */
export interface RoutedNetwork {
  /** The same gateway, by way of the network. */
  readonly targets: Targets;
  readonly network: NetworkProcess;
  /** The gateway came back at other addresses: the ones of `targets` lead there from now on. */
  retarget(targets: Targets): Promise<void>;
  stop(): Promise<void>;
}

export interface RouteOptions {
  readonly profile: keyof typeof PROFILES | NetworkProfile;
  readonly seed: number;
  /** In place of the profile's own: for runs that have no 4 minutes. */
  readonly natIdleMs?: number;
  /** See `NetworkOptions`. */
  readonly main?: URL;
}

/** Starts a network and leads every address of a gateway through it: one proxy for each listener. */
export async function routeThrough(
  targets: Targets,
  options: RouteOptions,
): Promise<RoutedNetwork> {
  const named = typeof options.profile === "string" ? PROFILES[options.profile] : options.profile;
  const profile = options.natIdleMs === undefined ? named : withNatIdle(named, options.natIdleMs);
  const places = placesOf(targets);
  const network = await NetworkProcess.start({
    profile,
    seed: options.seed,
    targets: [...places.values()],
    ...(options.main === undefined ? {} : { main: options.main }),
  });
  const keys = [...places.keys()];
  return {
    targets: moved(targets, (listener) => network.ports[keys.indexOf(listener)] ?? 0),
    network,
    retarget: async (next) => {
      const nextPlaces = placesOf(next);
      for (const [index, key] of keys.entries()) {
        const place = nextPlaces.get(key);
        if (place !== undefined) await network.retarget(index, place);
      }
    },
    stop: () => network.stop(),
  };
}

/** The proxy of a listener, by its place among a network's: that of MQTT, raw TCP, or all the rest. */
type Listener = "http" | "websocket" | "mqtt-websocket" | "mqtt" | "tcp";

function urlsOf(targets: Targets): [Listener, string][] {
  const urls: [Listener, string][] = [
    ["http", targets.httpUrl],
    ["websocket", targets.websocketUrl],
    ["mqtt-websocket", targets.mqttWebsocketUrl],
    ["mqtt", targets.mqttUrl],
  ];
  if (targets.tcpUrl !== null) urls.push(["tcp", targets.tcpUrl]);
  return urls;
}

function placesOf(targets: Targets): Map<Listener, Place> {
  return new Map(urlsOf(targets).map(([listener, url]) => [listener, placeOf(url)]));
}

function placeOf(url: string): Place {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return { host, port: Number(port || DEFAULT_PORTS[protocol] || 0) };
}

function moved(targets: Targets, portOf: (listener: Listener) => number): Targets {
  const through = (listener: Listener, url: string): string => {
    const { protocol, pathname } = new URL(url);
    const path = pathname === "/" ? "" : pathname;
    return `${protocol}//127.0.0.1:${portOf(listener)}${path}`;
  };
  return {
    ...targets,
    httpUrl: through("http", targets.httpUrl),
    websocketUrl: through("websocket", targets.websocketUrl),
    mqttWebsocketUrl: through("mqtt-websocket", targets.mqttWebsocketUrl),
    mqttUrl: through("mqtt", targets.mqttUrl),
    tcpUrl: targets.tcpUrl === null ? null : through("tcp", targets.tcpUrl),
    tls: { ...targets.tls, ...nameOf(targets.httpUrl) },
  };
}

/** A gateway is still asked for by its own name, which its certificate holds, and not by the proxy's. */
function nameOf(url: string): { readonly servername?: string } {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && isIP(hostname) === 0 ? { servername: hostname } : {};
}
