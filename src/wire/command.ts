import { parseCursor } from "../bus/cursor.ts";
import type { OverflowPolicy } from "../bus/overflow.ts";
import type { Start } from "../bus/subscription.ts";
import { parseFilter, type TopicFilter } from "../bus/topic.ts";
import { GatewayError } from "../errors.ts";
import { type CommandId, isCommandId, readCommandId } from "./command-id.ts";
import { Fields, isObject, parseJson } from "./fields.ts";
import { type CommandLimits, type PublishCommand, readPublish } from "./publish-command.ts";

/** Says who the client is. */
export interface AuthenticateCommand {
  readonly type: "authenticate";
  readonly id: CommandId;
  readonly credentials:
    | { readonly kind: "token"; readonly token: string }
    | { readonly kind: "password"; readonly user: string; readonly password: string };
}

/** Asks for messages; the same filter again replaces the options and starts again. */
export interface SubscribeCommand {
  readonly type: "subscribe";
  readonly id: CommandId;
  readonly filter: TopicFilter;
  readonly start: Start;
  readonly overflow: OverflowPolicy;
  readonly retained: boolean;
}

/** Ends a subscription. */
export interface UnsubscribeCommand {
  readonly type: "unsubscribe";
  readonly id: CommandId;
  readonly filter: TopicFilter;
}

/** Asks for a sign of life. */
export interface PingCommand {
  readonly type: "ping";
  readonly id: CommandId;
  /** The client's own time, given back as it came; `null` when it gave none. */
  readonly sentAt: number | null;
}

/** Everything a client may say on WebSocket and raw TCP. */
export type Command =
  | AuthenticateCommand
  | SubscribeCommand
  | UnsubscribeCommand
  | PublishCommand
  | PingCommand;

/** A refused command, with its id where that could be read, so that the answer can name it. */
export class CommandError extends GatewayError {
  readonly commandId: CommandId | null;

  constructor(error: GatewayError, commandId: CommandId | null) {
    super(error.code, error.message, { cause: error.cause, details: error.details });
    this.name = "CommandError";
    this.commandId = commandId;
  }
}

const OVERFLOW_NAMES = [
  "disconnect",
  "drop-oldest",
  "keep-latest",
] as const satisfies readonly OverflowPolicy[];

/** The fields that each command may have; those of `publish` stand with it. */
export const COMMAND_FIELDS = {
  authenticate: new Set(["type", "id", "token", "user", "password"]),
  subscribe: new Set(["type", "id", "filter", "cursor", "retained", "overflow"]),
  unsubscribe: new Set(["type", "id", "filter"]),
  ping: new Set(["type", "id", "sentAt"]),
} as const;

/** Reads one command. Throws a {@link CommandError} that says what is wrong, and nothing else. */
export function parseCommand(text: string, limits: CommandLimits): Command {
  let id: CommandId | null = null;
  try {
    const value = parseJson(text, "command");
    id = readableId(value);
    return readCommand(value, limits);
  } catch (error) {
    throw error instanceof GatewayError ? new CommandError(error, id) : error;
  }
}

/** The id of a value that may be no command at all; `null` when it has none to answer to. */
export function readableId(value: unknown): CommandId | null {
  if (!isObject(value)) return null;
  return isCommandId(value.id) ? value.id : null;
}

function readCommand(value: unknown, limits: CommandLimits): Command {
  const command = new Fields(value, "command");
  const type = command.text("type");
  const fields = new Fields(value, type);
  switch (type) {
    case "publish":
      return readPublish(fields, optionalId(fields), limits);
    case "subscribe":
      return readSubscribe(fields, limits);
    case "unsubscribe":
      fields.only(COMMAND_FIELDS.unsubscribe);
      return {
        type,
        id: readCommandId(fields),
        filter: parseFilter(fields.text("filter"), limits),
      };
    case "ping":
      fields.only(COMMAND_FIELDS.ping);
      return {
        type,
        id: readCommandId(fields),
        sentAt: fields.has("sentAt") ? fields.number("sentAt") : null,
      };
    case "authenticate":
      return readAuthenticate(fields);
    default:
      throw command.fault("type", "authenticate, subscribe, unsubscribe, publish or ping");
  }
}

function readAuthenticate(fields: Fields): AuthenticateCommand {
  fields.only(COMMAND_FIELDS.authenticate);
  const id = readCommandId(fields);
  if (!fields.has("token")) {
    const user = fields.text("user");
    const password = fields.text("password");
    return { type: "authenticate", id, credentials: { kind: "password", user, password } };
  }
  if (fields.has("user") || fields.has("password")) {
    throw new GatewayError("bad_request", "authenticate takes a token, or a user and a password");
  }
  return { type: "authenticate", id, credentials: { kind: "token", token: fields.text("token") } };
}

function readSubscribe(fields: Fields, limits: CommandLimits): SubscribeCommand {
  fields.only(COMMAND_FIELDS.subscribe);
  return {
    type: "subscribe",
    id: readCommandId(fields),
    filter: parseFilter(fields.text("filter"), limits),
    start: parseStart(fields.optionalText("cursor")),
    overflow: fields.has("overflow") ? fields.oneOf("overflow", OVERFLOW_NAMES) : "disconnect",
    retained: fields.flag("retained", true),
  };
}

/** Where a reader begins: `now` when nothing is said. Throws `bad_request` for any other text. */
export function parseStart(text: string | undefined): Start {
  if (text === undefined || text === "now") return { from: "now" };
  if (text === "earliest") return { from: "earliest" };
  return { from: "cursor", ...parseCursor(text) };
}

/** The id of a command that may have none. */
export function optionalId(fields: Fields): CommandId | null {
  return fields.has("id") ? readCommandId(fields) : null;
}
