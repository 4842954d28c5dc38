import { GatewayError } from "../errors.ts";
import type { Credentials } from "./authenticator.ts";

const SCHEME = /^([A-Za-z]+) +(\S+) *$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads an `Authorization` header: Basic (RFC 7617, UTF-8) or Bearer (RFC 6750). Throws
 * `unauthenticated` for anything else; the message repeats nothing of the header.
 */
export function parseAuthorization(header: string): Credentials {
  const [, scheme = "", value = ""] = SCHEME.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return { kind: "token", token: value };
    case "basic":
      return parseBasic(value);
    default:
      throw new GatewayError(
        "unauthenticated",
        "the Authorization header is neither Basic nor Bearer with one value",
      );
  }
}

function parseBasic(value: string): Credentials {
  const text = BASE64.test(value) ? Buffer.from(value, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  if (colon < 0) {
    throw new GatewayError(
      "unauthenticated",
      "the Basic credentials are not base64 of user:password",
    );
  }
  return { kind: "password", user: text.slice(0, colon), password: text.slice(colon + 1) };
}
