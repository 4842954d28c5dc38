import type { OverflowPolicy } from "../bus/overflow.ts";
import type { CommandId } from "./command-id.ts";
import { jsonLine } from "./json-string.ts";
import { encodePublish, type PublishRequest } from "./publish-command.ts";

/** What a client says besides publishing, field for field as it stands on the wire. */
export type CommandRequest =
  | { readonly type: "authenticate"; readonly id: CommandId; readonly token: string }
  | {
      readonly type: "authenticate";
      readonly id: CommandId;
      readonly user: string;
      readonly password: string;
    }
  | {
      readonly type: "subscribe";
      readonly id: CommandId;
      readonly filter: string;
      /** A cursor, `earliest` or `now`. */
      readonly cursor?: string;
      readonly retained?: boolean;
      readonly overflow?: OverflowPolicy;
    }
  | { readonly type: "unsubscribe"; readonly id: CommandId; readonly filter: string }
  | { readonly type: "ping"; readonly id: CommandId; readonly sentAt?: number };

/** The command as JSON text, on one line. */
export function encodeCommand(request: CommandRequest): string {
  return jsonLine(request);
}

/** The body of a bulk publish. */
export function encodeBulk(requests: readonly PublishRequest[]): string {
  return `[${requests.map(encodePublish).join(",")}]`;
}
