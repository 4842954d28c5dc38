import { readdir, readFile } from "node:fs/promises";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { findViolations, type Modules } from "../support/architecture.ts";
import { PACKAGE_HOMES, PART_RULES } from "../support/architecture-rules.ts";

const SOURCE_FOLDER = fileURLToPath(new URL("../../src", import.meta.url));

async function readModules(): Promise<Modules> {
  const entries = await readdir(SOURCE_FOLDER, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => `${entry.parentPath}${sep}${entry.name}`)
    .sort();
  const modules = await Promise.all(
    files.map(async (file): Promise<[string, string]> => {
      const path = relative(SOURCE_FOLDER, file).replaceAll(sep, "/");
      return [path, await readFile(file, "utf8")];
    }),
  );
  return new Map(modules);
}

/** What is wrong with a source tree of these modules and nothing else. */
function check(modules: Readonly<Record<string, string>>): string[] {
  return findViolations(new Map(Object.entries(modules)));
}

test("the source keeps to the architecture", async () => {
  const modules = await readModules();
  expect(modules.size).toBeGreaterThan(30);
  expect(findViolations(modules)).toEqual([]);
});

describe("edges", () => {
  test.each([
    ["bus/bus.ts", "../wire/frame.ts"],
    ["bus/bus.ts", "../store/memory/message-log.ts"],
    ["wire/frame.ts", "../bus/bus.ts"],
    ["wire/frame.ts", "../transport/outbox.ts"],
    ["store/memory/message-log.ts", "../../bus/bus.ts"],
    ["security/authenticator.ts", "../transport/transport.ts"],
    ["security/authenticator.ts", "../config/load.ts"],
    ["telemetry/metrics.ts", "../bus/bus.ts"],
    ["transport/http/server.ts", "../websocket/server.ts"],
    ["transport/http/server.ts", "../../telemetry/metrics.ts"],
    ["transport/outbox.ts", "./mqtt/stream.ts"],
    ["transport/outbox.ts", "../config/schema.ts"],
    ["client/client.ts", "../transport/transport.ts"],
    ["client/client.ts", "./node.ts"],
    ["dashboard/page/charts.ts", "../../client/tcp.ts"],
    ["compare/runner.ts", "../gateway.ts"],
    ["canary/canary.ts", "../compare/runner.ts"],
    ["dashboard/routes.ts", "../client/client.ts"],
    ["gateway.ts", "./cli/serve.ts"],
    ["gateway.ts", "./compare/runner.ts"],
    ["cli/serve.ts", "../transport/http/server.ts"],
    ["config/load.ts", "../bus/topic.ts"],
    ["errors.ts", "./bus/topic.ts"],
    ["main.ts", "./gateway.ts"],
  ])("%s may not import %s", (path, target) => {
    const source = `import { x } from "${target}";\n`;
    expect(check({ [path]: source })).toEqual([expect.stringContaining(`${path} imports `)]);
  });

  test("types may go where values may not", () => {
    const target = "../bus/message.ts";
    expect(check({ "wire/a.ts": `import type { M } from "${target}";` })).toEqual([]);
    expect(check({ "wire/a.ts": `import { type M } from "${target}";` })).toHaveLength(1);
    expect(check({ "bus/a.ts": `import type { F } from "../wire/frame.ts";` })).toEqual([
      "bus/a.ts imports types of wire/frame.ts",
    ]);
  });

  test.each([
    ["over several lines", 'import {\n  a,\n  b,\n} from "../wire/frame.ts";'],
    ["as a re-export", 'export { a } from "../wire/frame.ts";'],
    ["as a re-export of everything", 'export * from "../wire/frame.ts";'],
    ["for its effect", 'import "../wire/frame.ts";'],
    ["at run time", 'const frame = await import("../wire/frame.ts");'],
    ["after another import", 'import { b } from "./b.ts";\nimport { a } from "../wire/frame.ts";'],
  ])("an import is seen when it is written %s", (_, source) => {
    expect(check({ "bus/a.ts": source })).toEqual(["bus/a.ts imports wire/frame.ts"]);
  });

  test("an import in a comment is none", () => {
    const source = '/** import { a } from "../wire/a.ts"; */\n// import "../wire/b.ts";\n';
    expect(check({ "bus/a.ts": source })).toEqual([]);
  });

  test("a module in a folder nobody planned is refused", () => {
    expect(check({ "utils/a.ts": "" })).toEqual(["utils/a.ts is in no part of the architecture"]);
  });
});

describe("packages", () => {
  test.each(["bus/a.ts", "wire/a.ts", "client/client.ts", "dashboard/page/a.ts"])(
    "%s imports neither node:* nor packages",
    (path) => {
      expect(check({ [path]: 'import { a } from "node:net";' })).toEqual([
        `${path} imports node:net`,
      ]);
      expect(check({ [path]: 'import { z } from "zod";' })).toEqual([
        `${path} imports package zod`,
      ]);
    },
  );

  test.each(Object.keys(PACKAGE_HOMES))("%s is imported at home only", (name) => {
    for (const path of ["transport/tcp/a.ts", "compare/runner.ts", "config/a.ts"]) {
      expect(check({ [path]: `import { a } from "${name}";` })).toEqual([
        `${path} imports package ${name}`,
      ]);
    }
    for (const home of PACKAGE_HOMES[name] ?? []) {
      const path = home.endsWith("/") ? `${home}a.ts` : home;
      expect(check({ [path]: `import { a } from "${name}/deep";` })).toEqual([]);
    }
  });
});

describe("circles", () => {
  const modules = {
    "bus/a.ts": 'import { b } from "./b.ts";',
    "bus/b.ts": 'import { c } from "./c.ts";',
  };

  test("a circle of values is found", () => {
    expect(check({ ...modules, "bus/c.ts": 'import { a } from "./a.ts";' })).toEqual([
      "circle: bus/a.ts → bus/b.ts → bus/c.ts → bus/a.ts",
    ]);
  });

  test("a module that imports itself is a circle", () => {
    expect(check({ "bus/a.ts": 'import { a } from "./a.ts";' })).toHaveLength(1);
  });

  test("a circle closed by a type is none", () => {
    expect(check({ ...modules, "bus/c.ts": 'import type { A } from "./a.ts";' })).toEqual([]);
  });
});

describe("text", () => {
  test.each([
    ["process.env", "export const port = process.env.PORT;"],
    ["process.exit", "process.exit(1);"],
    ["a default export", "export default 3;"],
    ["a default export", "export { a as default };"],
  ])("%s is refused", (name, source) => {
    expect(check({ "config/load.ts": source })).toEqual([`config/load.ts holds ${name}`]);
  });

  test("main.ts alone may read the environment and exit", () => {
    expect(check({ "main.ts": "const env = process.env;\nprocess.exit(0);" })).toEqual([]);
  });

  test("a barrel file is refused", () => {
    expect(check({ "bus/index.ts": "" })).toEqual(["bus/index.ts is a barrel file"]);
  });
});

test("every rule names parts that the rules know", () => {
  const known = PART_RULES.map(({ part }) => part.replace("/*", "/"));
  const isKnown = (part: string): boolean =>
    known.some((other) => other === part || part.startsWith(other) || other.startsWith(part));
  const named = PART_RULES.flatMap((rule) => [...rule.mayImport, ...(rule.mayImportTypes ?? [])]);
  expect(named.filter((part) => !isKnown(part))).toEqual([]);
});
