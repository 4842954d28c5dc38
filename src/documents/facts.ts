import type { Config } from "../config/schema.ts";

/** Where a transport can be reached. */
export interface DocumentAddress {
  /** Name of the transport that listens. */
  readonly transport: string;
  /** Such as `mqtt://127.0.0.1:1883`; the scheme says whether it is TLS. */
  readonly url: string;
}

/** What the documents tell of one gateway beside what is the same for all. */
export interface DocumentFacts {
  readonly version: string;
  readonly config: DocumentedConfig;
  readonly addresses: readonly DocumentAddress[];
}

/** The settings that show in the documents. */
export type DocumentedConfig = Pick<Config, "http" | "websocket" | "tcp" | "mqtt" | "limits">;
