import { describe, expect, test } from "vitest";
import { parseAuthorization } from "../../src/security/authorization-header.ts";
import { refusalOf } from "../support/refusal.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("an Authorization header", () => {
  test.each([
    ["Bearer abc.def", { kind: "token", token: "abc.def" }],
    ["bearer  abc ", { kind: "token", token: "abc" }],
    [basic("ada:pa:ss"), { kind: "password", user: "ada", password: "pa:ss" }],
    [basic("ä:ö"), { kind: "password", user: "ä", password: "ö" }],
    [basic(":"), { kind: "password", user: "", password: "" }],
  ])("%s is read (RFC 6750 §2.1, RFC 7617 §2)", (header, credentials) => {
    expect(parseAuthorization(header)).toEqual(credentials);
  });

  test.each(["", "Bearer a b", "Digest x", basic("no colon"), "Basic a:b", "Basic !!!!!"])(
    "%s is refused, and not repeated",
    (header) => {
      const refusal = refusalOf(() => parseAuthorization(header));
      expect(refusal.code).toBe("unauthenticated");
      if (header !== "") expect(refusal.message).not.toContain(header);
    },
  );
});
