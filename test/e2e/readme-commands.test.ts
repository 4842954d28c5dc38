import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayProcess } from "../support/gateway-process.ts";
import { requireTool } from "../support/tools.ts";

const README = fileURLToPath(new URL("../../README.md", import.meta.url));

/** A quick-start block: commands after `$`, then what they print. */
interface Session {
  readonly commands: readonly string[];
  readonly printed: readonly string[];
}

function sessions(): Session[] {
  const blocks = [...readFileSync(README, "utf8").matchAll(/```console\n([\s\S]*?)```/g)];
  return blocks.map(([, block = ""]) => {
    const lines = block.split("\n");
    return {
      commands: lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2)),
      printed: lines.filter((line) => line !== "" && !line.startsWith("$ ")),
    };
  });
}

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
});

afterAll(() => gateway.stop());

/** The command as a newcomer types it, but for the ports, which are free ones here. */
function onFreePorts(command: string): string {
  const { http, mqtt, tcp } = gateway.urls;
  return command
    .replaceAll("127.0.0.1:8080", new URL(http).host)
    .replaceAll("127.0.0.1 7083", `127.0.0.1 ${tcp.port}`)
    .replace(/^mosquitto_pub/, `mosquitto_pub -p ${new URL(mqtt).port}`)
    .replace(/ &$/, ` & until curl -s ${http}/v1/status | grep -q '"streams":1'; do :; done`);
}

/** What differs from run to run: epochs, session ids and times. */
function comparable(line: string): string {
  return line
    .replace(/[0-9a-z]{12}(?=-[0-9a-z]+\b|",)/g, "EPOCH")
    .replace(/"epoch":"[0-9a-z]+"/, '"epoch":"EPOCH"')
    .replace(/"sessionId":"[^"]+"/, '"sessionId":"SESSION"')
    .replaceAll(/"acceptedAt":[0-9.]+/g, '"acceptedAt":TIME');
}

test.skipIf(requireTool("curl") || requireTool("mosquitto_pub") || requireTool("nc"))(
  "the README's quick start prints what the README says",
  () => {
    const found = sessions();
    expect(found.length).toBeGreaterThan(1);
    for (const { commands, printed } of found) {
      // An event stream has no end of its own, so the shell's children are ended after 2 s.
      const script = ["trap 'kill $(jobs -p)' EXIT", ...commands.map(onFreePorts), "sleep 1"];
      const shell = spawnSync("timeout", ["20", "bash", "-c", script.join("\n")], {
        encoding: "utf8",
      });
      const lines = shell.stdout.replaceAll("}{", "}\n{").split("\n");
      const seen = lines.filter((line) => line !== "").map(comparable);
      for (const line of printed) expect(seen).toContain(comparable(line));
    }
  },
);
