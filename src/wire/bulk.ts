import { type ErrorCode, GatewayError } from "../errors.ts";
import { optionalId } from "./command.ts";
import { Fields, parseJson } from "./fields.ts";
import { type CommandLimits, type PublishCommand, readPublish } from "./publish-command.ts";

/** Bounds of one bulk publish. */
export interface BulkLimits extends CommandLimits {
  readonly maxMessages: number;
}

/** Why one command of a bulk publish is refused. */
export interface BulkError {
  /** Its place in the array, from 0. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** All commands, or every reason why none is accepted. */
export type Bulk =
  | { readonly is: "complete"; readonly commands: readonly PublishCommand[] }
  | { readonly is: "refused"; readonly errors: readonly BulkError[] };

/**
 * Reads the body of a bulk publish: a JSON array of publish commands, whose `type` may be left out.
 * Throws `bad_request` when it is no array and `too_large` when it holds too many.
 */
export function parseBulk(text: string, limits: BulkLimits): Bulk {
  const values = parseJson(text, "body");
  if (!Array.isArray(values)) {
    throw new GatewayError("bad_request", "body is not a JSON array of publish commands");
  }
  if (values.length > limits.maxMessages) {
    throw new GatewayError(
      "too_large",
      `body holds ${values.length} commands; the limit is ${limits.maxMessages}`,
    );
  }
  const commands: PublishCommand[] = [];
  const errors: BulkError[] = [];
  values.forEach((value: unknown, index) => {
    try {
      commands.push(readItem(value, limits));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      errors.push({ index, code: error.code, message: error.message });
    }
  });
  return errors.length === 0 ? { is: "complete", commands } : { is: "refused", errors };
}

function readItem(value: unknown, limits: CommandLimits): PublishCommand {
  const fields = new Fields(value, "publish");
  if (fields.has("type")) fields.oneOf("type", ["publish"]);
  return readPublish(fields, optionalId(fields), limits);
}
