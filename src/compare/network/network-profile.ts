/**
 * One direction of a link. A message takes: its wait for the link, its bytes at the link's rate, the
 * latency, its share of jitter, and whatever it has to wait for what was lost or stalled before it.
 */
export interface DirectionProfile {
  /** Propagation, one way, milliseconds. */
  readonly latencyMs: number;
  /**
   * Mean of an exponential addition, drawn once for the bytes that arrive together: most are hardly
   * late, a few are very late, as waits in a queue are. 0 draws nothing.
   */
  readonly jitterMs: number;
  /** `null`: no limit. */
  readonly bytesPerSecond: number | null;
  /**
   * A lost segment of {@link SEGMENT_BYTES} comes `recoveryMs` later, and all that is behind it waits:
   * what an application sees of loss on TCP.
   */
  readonly loss: { readonly share: number; readonly recoveryMs: number } | null;
  /** Nothing passes for `durationMs`; the time between two stalls is exponential with this mean. */
  readonly stall: { readonly meanIntervalMs: number; readonly durationMs: number } | null;
}

/** A middlebox that forgets connections on which neither side has said anything for `idleMs`. */
export interface NatProfile {
  readonly idleMs: number;
  /** What becomes of bytes of a forgotten connection: nothing at all, or a reset to who sent them. */
  readonly forgotten: "dropped" | "reset";
}

/**
 * A network between a client and the gateway, as a proxy of TCP connections can make it.
 *
 * It sits above TCP, so it models what an application sees and not what packets do. Loss appears as
 * delay, never as missing bytes. There is no congestion control: the rate is there at once, without a
 * slow start. Packets do not overtake each other. The time of the TCP handshake is spent before the
 * first byte passes, although the client's `connect` itself returns at once. The kernel's socket
 * buffers hold some bytes before and after the proxy, in addition to the queue of its own.
 */
export interface NetworkProfile {
  /** From the client to the gateway. */
  readonly up: DirectionProfile;
  /** From the gateway to the client. */
  readonly down: DirectionProfile;
  readonly nat: NatProfile | null;
}

/** The payload of an Ethernet frame (1,500 bytes) without IPv4 and TCP headers (20 each). */
export const SEGMENT_BYTES = 1_460;

/** Linux waits at least this long before it sends again (TCP_RTO_MIN; RFC 6298 would have 1 s). */
const RETRANSMISSION_MS = 200;

const MEGABIT = 1_000_000 / 8;

/** A cable: nothing but the proxy's own work. */
export const NO_DELAY: DirectionProfile = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  loss: null,
  stall: null,
};

/** No shaping, and a place to break things. */
export const UNSHAPED: NetworkProfile = { up: NO_DELAY, down: NO_DELAY, nat: null };

/** Gigabit Ethernet (IEEE 802.3ab) through a few switches: 0.5 ms there and back. */
const LAN: NetworkProfile = {
  up: { ...NO_DELAY, latencyMs: 0.25, jitterMs: 0.05, bytesPerSecond: 1_000 * MEGABIT },
  down: { ...NO_DELAY, latencyMs: 0.25, jitterMs: 0.05, bytesPerSecond: 1_000 * MEGABIT },
  nat: null,
};

/**
 * 30 Mbit/s down, 15 up, 2 ms: "Wi-Fi" in the throttling of Firefox's developer tools
 * (devtools/client/shared/components/throttling/profiles.js). Ours are the jitter of a shared channel,
 * and one stall of 100 ms in about 20 s, as when a station scans for other access points.
 */
const WIFI: NetworkProfile = {
  up: { ...NO_DELAY, latencyMs: 1, jitterMs: 1, bytesPerSecond: 15 * MEGABIT },
  down: {
    ...NO_DELAY,
    latencyMs: 1,
    jitterMs: 1,
    bytesPerSecond: 30 * MEGABIT,
    stall: { meanIntervalMs: 20_000, durationMs: 100 },
  },
  nat: null,
};

/**
 * 1.6 Mbit/s down, 768 kbit/s up, 300 ms there and back: "3G" of WebPageTest
 * (www/settings/connectivity.ini.sample). Ours are the jitter and 1 % of segments lost, since radio
 * links hide most of their loss by sending again themselves, which costs delay (RFC 3366 §1).
 */
const THIRD_GENERATION: NetworkProfile = {
  up: {
    ...NO_DELAY,
    latencyMs: 150,
    jitterMs: 20,
    bytesPerSecond: 0.768 * MEGABIT,
    loss: { share: 0.01, recoveryMs: 300 + RETRANSMISSION_MS },
  },
  down: {
    ...NO_DELAY,
    latencyMs: 150,
    jitterMs: 20,
    bytesPerSecond: 1.6 * MEGABIT,
    loss: { share: 0.01, recoveryMs: 300 + RETRANSMISSION_MS },
  },
  nat: null,
};

/**
 * A geostationary satellite: at least 558 ms there and back, of which 279 ms each way (RFC 2488 §2);
 * 25 Mbit/s down and 3 up, what the FCC called broadband from 2015 to 2024. Ours are the jitter of
 * its shared return channel and one segment of 1,000 lost.
 */
const SATELLITE: NetworkProfile = {
  up: {
    ...NO_DELAY,
    latencyMs: 279,
    jitterMs: 10,
    bytesPerSecond: 3 * MEGABIT,
    loss: { share: 0.001, recoveryMs: 558 + RETRANSMISSION_MS },
  },
  down: {
    ...NO_DELAY,
    latencyMs: 279,
    jitterMs: 5,
    bytesPerSecond: 25 * MEGABIT,
    loss: { share: 0.001, recoveryMs: 558 + RETRANSMISSION_MS },
  },
  nat: null,
};

/**
 * A cable behind a translator that forgets after 4 minutes of silence and drops what comes then: the
 * default of Azure's load balancer, and near the shortest of 34 home routers (Hätönen et al., "An
 * Experimental Study of Home Gateway Characteristics", IMC 2010). RFC 5382 REQ-5 asks for 124 minutes
 * and is widely not followed. A run must be silent for longer than this to see it.
 */
const NAT_TIMEOUT: NetworkProfile = { ...LAN, nat: { idleMs: 240_000, forgotten: "dropped" } };

/** The networks a plan can name, without the one that is none. */
export const PROFILES = {
  lan: LAN,
  wifi: WIFI,
  "3g": THIRD_GENERATION,
  satellite: SATELLITE,
  "nat-timeout": NAT_TIMEOUT,
} as const satisfies Readonly<Record<string, NetworkProfile>>;

/** `profile` with another patience of its translator: for runs that have no 4 minutes. */
export function withNatIdle(profile: NetworkProfile, idleMs: number): NetworkProfile {
  return { ...profile, nat: { forgotten: profile.nat?.forgotten ?? "dropped", idleMs } };
}
