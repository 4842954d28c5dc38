import { z } from "zod";
import { http } from "./schema/http.ts";
import { limits } from "./schema/limits.ts";
import { mqtt } from "./schema/mqtt.ts";
import { drain, logging, security } from "./schema/operation.ts";
import { log, store } from "./schema/storage.ts";
import { tcp, websocket } from "./schema/websocket.ts";

/**
 * Every setting of the gateway with its default, bounds and meaning; the unit is in the name. What
 * is documented, generated or overridden by environment and flags is derived from here.
 */
export const configSchema = z.strictObject({
  http,
  websocket,
  tcp,
  mqtt,
  limits,
  log,
  store,
  drain,
  security,
  logging,
});

/** Nothing in it can be changed, at any depth. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The gateway's settings: complete, checked, frozen. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
