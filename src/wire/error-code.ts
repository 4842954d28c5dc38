import { ERROR_FORMS, type ErrorCode } from "../errors.ts";
import type { Fields } from "./fields.ts";

/** Field `code`, as a client reads it. */
export function readErrorCode(fields: Fields): ErrorCode {
  const code = fields.text("code");
  if (!isErrorCode(code)) throw fields.fault("code", "an error code");
  return code;
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_FORMS, text);
}
