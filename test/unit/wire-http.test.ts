import { describe, expect, test } from "vitest";
import { ERROR_FORMS, type ErrorCode, GatewayError } from "../../src/errors.ts";
import { isMediaType } from "../../src/wire/media-type.ts";
import { encodeProblem, parseProblem, problemOf } from "../../src/wire/problem.ts";
import {
  parseQuery,
  pathOfTopic,
  percentDecode,
  splitTarget,
  topicOfPath,
} from "../../src/wire/query.ts";

const CODES = Object.keys(ERROR_FORMS) as ErrorCode[];

describe("a query", () => {
  test("keeps + and decodes %23, as filters need [RFC 3986 §2.1]", () => {
    expect(parseQuery("filter=a/+/b&filter=%23&max=5")).toEqual(
      new Map([
        ["filter", ["a/+/b", "#"]],
        ["max", ["5"]],
      ]),
    );
  });

  test("takes parts without =, empty parts, and = in a value", () => {
    expect(parseQuery("&a&&b=&c=1=2&")).toEqual(
      new Map([
        ["a", [""]],
        ["b", [""]],
        ["c", ["1=2"]],
      ]),
    );
    expect(parseQuery("")).toEqual(new Map());
  });

  test("has names that are nobody's property", () => {
    expect(parseQuery("__proto__=1").get("__proto__")).toEqual(["1"]);
  });

  test.each(["%", "%4", "%zz", "%ff", "%c0%af", "%ed%a0%80", "é", "%e2%82"])(
    "that holds %j is refused",
    (text) => {
      expect(() => percentDecode(text)).toThrow(expect.objectContaining({ code: "bad_request" }));
      expect(() => parseQuery(`a=${text}`)).toThrow(GatewayError);
      expect(() => parseQuery(`${text}=a`)).toThrow(GatewayError);
    },
  );

  test("begins at the first ? of the target", () => {
    expect(splitTarget("/v1/poll?a=?&b")).toEqual({ path: "/v1/poll", rawQuery: "a=?&b" });
    expect(splitTarget("/v1/poll")).toEqual({ path: "/v1/poll", rawQuery: "" });
  });
});

describe("the topic of a path", () => {
  test.each([
    ["/v1/topics/a/b", "a/b"],
    ["/v1/topics/a%2Fb", "a/b"],
    ["/v1/topics/a%2fb", "a/b"],
    ["/v1/topics//a//", "/a//"],
    ["/v1/topics/../a/./b", "../a/./b"],
    ["/v1/topics/%2e%2e/a", "../a"],
    ["/v1/topics/a%252Fb", "a%2Fb"],
    ["/v1/topics/a+b%20c", "a+b c"],
    ["/v1/topics/%C3%A9", "é"],
    ["/v1/topics/", ""],
    ["/v1/topics", null],
    ["/v1/topicsa", null],
  ])("%s is %j: decoded once, not normalised", (path, topic) => {
    expect(topicOfPath(path)).toBe(topic);
  });

  test("survives a URL library, dot segments and double slashes included", () => {
    for (const topic of ["a/../b", "//a//", "./a", "é/+x y", "a?b"]) {
      const url = new URL(pathOfTopic(topic), "http://h");
      expect(topicOfPath(url.pathname)).toBe(topic);
    }
  });
});

describe("a problem [RFC 9457]", () => {
  test("has the standard's members, the code and the details", () => {
    const error = new GatewayError("gap", "too old", {
      details: { reason: "retention", earliest: "abcdefgh-1" },
    });
    expect(JSON.parse(encodeProblem(error))).toEqual({
      type: "about:blank",
      title: "Gone",
      status: 410,
      code: "gap",
      detail: "too old",
      reason: "retention",
      earliest: "abcdefgh-1",
    });
  });

  test("keeps its own members whatever the details are called", () => {
    const error = new GatewayError("gap", "real", { details: { status: 200, detail: "fake" } });
    expect(problemOf(error)).toMatchObject({ status: 410, detail: "real" });
  });

  test.each(CODES)("of code %s has a title and comes back as the same refusal", (code) => {
    const error = new GatewayError(code, "why", { details: { limit: 5, is: true } });
    expect(problemOf(error).title).not.toBe("");
    expect(problemOf(error).status).toBe(ERROR_FORMS[code].http ?? 500);
    const parsed = parseProblem(encodeProblem(error));
    expect(parsed).toMatchObject({ code, message: "why", details: { limit: 5, is: true } });
  });

  test.each(['{"detail":"x"}', '{"code":"teapot","detail":"x"}', '{"code":"gap"}', "<html>"])(
    "that is none of ours is refused: %s",
    (text) => {
      expect(() => parseProblem(text)).toThrow(expect.objectContaining({ code: "bad_request" }));
    },
  );
});

describe("a media type [RFC 9110 §8.3.1]", () => {
  test.each([
    "text/plain",
    "application/vnd.api+json",
    "text/plain;charset=utf-8",
    "text/plain ; charset=utf-8",
    'text/plain; a="b; c"; d=e',
    'a/b;c="\\""',
    'a/b;c=""',
    "a/b;",
    "a/b; ;c=d",
    `a/${"b".repeat(253)}`,
  ])("%j is one", (text) => {
    expect(isMediaType(text)).toBe(true);
  });

  test.each([
    "",
    "text",
    "text/",
    "/plain",
    "text /plain",
    "text/plain ",
    " text/plain",
    "text/plain, text/html",
    "text/plain;charset",
    "text/plain;charset=",
    "text/plain;charset =utf-8",
    'a/b;c="d',
    'a/b;c="d\\',
    'a/b;c="d"e',
    "a/b\r\nSet-Cookie: x=y",
    "a/b;c=d\r\nX: y",
    'a/b;c="\r\n"',
    'a/b;c="\\\n"',
    "a/b;c=é",
    'a/b;c="é"',
    `a/${"b".repeat(254)}`,
  ])("%j is none", (text) => {
    expect(isMediaType(text)).toBe(false);
  });

  test("is judged quickly however hostile the text", () => {
    expect(isMediaType(`a/b${"; ".repeat(120)}x`)).toBe(false);
  });
});
