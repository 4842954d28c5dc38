import { z } from "zod";
import { configSchema } from "./schema.ts";

/** What a setting can hold. */
export type SettingValue = number | boolean | string | readonly string[];

/** How the text of an environment variable or a flag is read. */
export type SettingType = "whole number" | "true or false" | "text" | "name" | "list";

/** One setting, as the schema states it. */
export interface Setting {
  /** Dotted path, such as `http.poll.maxHoldMs`. */
  readonly path: string;
  readonly type: SettingType;
  readonly default: SettingValue;
  /** What is allowed, for people; empty when anything of the type is. */
  readonly bounds: string;
  readonly meaning: string;
  /** Environment variable that sets it. */
  readonly env: string;
  readonly schema: z.ZodType;
}

/** Every setting in the schema's order. */
export function listSettings(): readonly Setting[] {
  return collect(configSchema, []);
}

/** `http.poll.maxHoldMs` is set by `TRIBUTARY_HTTP_POLL_MAX_HOLD_MS`. */
export function envName(path: string): string {
  const words = path.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(".", "_");
  return `TRIBUTARY_${words.toUpperCase()}`;
}

function collect(group: z.ZodObject, path: readonly string[]): Setting[] {
  const settings: Setting[] = [];
  for (const [key, member] of Object.entries(group.shape)) {
    const inner = member instanceof z.ZodPrefault ? member.unwrap() : member;
    const memberPath = [...path, key];
    if (inner instanceof z.ZodObject) settings.push(...collect(inner, memberPath));
    else settings.push(describe(memberPath.join("."), asType(member)));
  }
  return settings;
}

/** The parts of a setting's JSON Schema that are read here. */
const jsonForm = z.object({
  type: z.enum(["integer", "boolean", "string", "array"]),
  default: z.union([z.number(), z.boolean(), z.string(), z.array(z.string())]),
  description: z.string(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  enum: z.array(z.string()).optional(),
});

function describe(path: string, schema: z.ZodType): Setting {
  const form = jsonForm.parse(z.toJSONSchema(schema, { io: "input" }));
  const base = {
    path,
    default: form.default,
    meaning: form.description,
    env: envName(path),
    schema,
  };
  if (form.enum !== undefined) return { ...base, type: "name", bounds: form.enum.join(", ") };
  if (form.type === "integer") {
    return { ...base, type: "whole number", bounds: `${form.minimum}…${form.maximum}` };
  }
  if (form.type === "boolean") return { ...base, type: "true or false", bounds: "" };
  return { ...base, type: form.type === "array" ? "list" : "text", bounds: "" };
}

function asType(member: z.core.$ZodType): z.ZodType {
  if (member instanceof z.ZodType) return member;
  throw new TypeError("the schema holds a setting that is not of zod's classic API");
}
