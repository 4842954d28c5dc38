import type { Identity } from "../../bus/ports.ts";
import type { StoreState } from "../../bus/store-port.ts";
import type { ActivityReport } from "../../telemetry/activity.ts";
import type { LogLevelSwitch } from "../../telemetry/log-level.ts";
import type { TlsListening } from "../listener.ts";

/** Settings of the HTTP listener. Times are milliseconds, sizes bytes. */
export interface HttpSettings {
  /** Whether the plain listener is opened. */
  readonly enabled: boolean;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
  readonly maxBulkMessages: number;
  readonly maxBulkBytes: number;
  readonly maxHeldPolls: number;
  /** Origins other than the gateway's own whose pages may use it; `*` for all. */
  readonly allowedOrigins: readonly string[];
  readonly poll: PollSettings;
  readonly stream: StreamSettings;
}

/** Settings of `GET /v1/poll`. */
export interface PollSettings {
  readonly defaultHoldMs: number;
  readonly maxHoldMs: number;
  /** A hold ends up to this much early. */
  readonly jitterMs: number;
  readonly defaultMessages: number;
  readonly maxMessages: number;
  /** Payload bytes of one answer. */
  readonly maxBytes: number;
}

/** Settings of `GET /v1/stream`. */
export interface StreamSettings {
  readonly positionIntervalMs: number;
}

/** The store as the status report shows it. */
export interface ReportedStore extends StoreState {
  /** Its adapter, as `store.kind` names it. */
  readonly kind: string;
}

/** How much the stores hold; bytes are of payloads and properties. */
export interface StoredState {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly logMessages: number;
  readonly logBytes: number;
  readonly store: ReportedStore;
}

/** What the listener shows of the rest of the gateway. */
export interface HttpServices {
  readonly version: string;
  /** Whether traffic may be sent here, and if not, why. */
  health(): {
    readonly isReady: boolean;
    readonly reasons: readonly { readonly name: string; readonly text: string }[];
  };
  /** The metrics in Prometheus text form, and the media type of that form. */
  metricsText(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** API documents by their path: JSON text, made when it is asked for. */
  readonly documents: ReadonlyMap<string, () => string>;
  /** What the gateway has been doing lately, for the status report. */
  activity(): ActivityReport;
  /** What the stores hold. */
  state(): StoredState;
  /** The level of the log, to be read and changed. */
  readonly logLevel: LogLevelSwitch;
  /** Whether this identity may see who is connected and what is published. */
  isAdmin(identity: Identity): boolean;
}

/** Everything the HTTP transport takes beside its context. */
export interface HttpOptions extends HttpSettings, HttpServices {
  /** `null` for none. */
  readonly tlsListener: TlsListening | null;
  /** Where connections upgrade; a request there that does not ask to is told so. */
  readonly upgradePaths: readonly string[];
}
