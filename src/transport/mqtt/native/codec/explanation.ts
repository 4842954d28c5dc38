import type { PropertiesOf } from "./properties.ts";

/** What an acknowledgement or DISCONNECT may say beside its code: reason string, user properties. */
export type Explanation = PropertiesOf<"puback">;

/** No explanation. */
export const UNEXPLAINED: Explanation = Object.freeze({});
