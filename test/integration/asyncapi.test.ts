import net from "node:net";
import { Parser } from "@asyncapi/parser";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mayReconnect } from "../../src/client/close-code.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { asyncApiDocument } from "../../src/documents/asyncapi.ts";
import type { DocumentAddress } from "../../src/documents/facts.ts";
import { ERROR_FORMS, type ErrorForm } from "../../src/errors.ts";
import {
  COMMAND_SUBPROTOCOLS,
  MQTT_SUBPROTOCOLS,
} from "../../src/transport/websocket/websocket-handshake.ts";
import type { Command } from "../../src/wire/command.ts";
import type { ServerFrame } from "../../src/wire/frame.ts";
import { type CommandClient, LineClient, WebSocketClient } from "../support/command-client.ts";
import { at, type Json } from "../support/documents/documents.ts";
import { DocumentSchemas } from "../support/documents/strict-schema.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { type Answer, send } from "../support/http-client.ts";

let gateway: RunningGateway;
let document: Json;

function ask(target: string): Promise<Answer> {
  return send(Number(new URL(gateway.urls.http).port), "GET", target);
}

/** What the parser has to say against a document. */
async function faults(told: unknown): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(JSON.stringify(told));
  // 3.0 is what tools read; that there is a 3.1 is no fault.
  return diagnostics
    .filter(({ code }) => code !== "asyncapi-latest-version")
    .map(({ message, path }) => `${path.join("/")}: ${message}`);
}

beforeAll(async () => {
  gateway = await startGateway();
  document = (await ask("/asyncapi.json")).json();
});
afterAll(() => gateway.stop());

/** By name, so that the compiler finds a command or a frame that is forgotten here. */
const COMMANDS: Readonly<Record<Command["type"], true>> = {
  authenticate: true,
  subscribe: true,
  unsubscribe: true,
  publish: true,
  ping: true,
};
const FRAMES: Readonly<Record<ServerFrame["type"], true>> = {
  welcome: true,
  authenticated: true,
  subscribed: true,
  live: true,
  message: true,
  position: true,
  gap: true,
  dropped: true,
  published: true,
  unsubscribed: true,
  pong: true,
  error: true,
};

describe("/asyncapi.json", () => {
  test("is a valid AsyncAPI 3 document, to a parser nobody here wrote", async () => {
    expect(document.asyncapi).toMatch(/^3\./);
    expect(await faults(document)).toEqual([]);
  });

  test("names every listener with the port it has", async () => {
    const servers = at(document, "servers");
    const protocols = Object.entries(servers).map(([name, server]) => [name, at(server).protocol]);
    expect(protocols).toEqual([
      ["mqtt", "mqtt"],
      ["http", "http"],
      ["websocket", "ws"],
      ["mqttOverWebSocket", "ws"],
      ["tcp", "tcp"],
    ]);
    for (const server of Object.values(servers)) {
      const host = String(at(server, "variables", "host").default);
      const address = String(at(server).host).replace("{host}", host);
      await connects(address);
    }
  });

  test("has every command and every frame on each channel that carries them", () => {
    const expected = [...Object.keys(COMMANDS), ...Object.keys(FRAMES)].sort();
    for (const channel of ["websocketJson", "websocketBinary", "lines"]) {
      const carried = Object.keys(at(document, "channels", channel, "messages"));
      const both = carried.filter((name) => !name.startsWith("binary"));
      expect(both.sort(), channel).toEqual(expected);
    }
  });

  test("has examples that its schemas take", () => {
    const schemas = new DocumentSchemas(document, new Ajv({ strict: false }));
    const messages = at(document, "components", "messages");
    const shown = Object.entries(messages).flatMap(([name, message]) => {
      const { examples = [], payload, headers } = at(message);
      return (examples as readonly Json[]).map((example) => ({ name, example, payload, headers }));
    });
    expect(shown.length).toBeGreaterThan(18);
    for (const { name, example, payload, headers } of shown) {
      schemas.check(name, at(payload), example.payload);
      if (example.headers !== undefined) schemas.check(name, at(headers), example.headers);
    }
  });

  test("tells the subprotocols that are served", () => {
    const channels = at(document, "channels");
    const told = Object.values(channels).map(
      (channel) =>
        at(channel, "bindings", "ws", "headers", "properties", "Sec-WebSocket-Protocol").const,
    );
    expect(told.filter((name) => name !== undefined)).toEqual(COMMAND_SUBPROTOCOLS);
    const { description } = at(channels, "topic");
    for (const name of MQTT_SUBPROTOCOLS) expect(description).toContain(name);
  });

  test("tells the close codes of the error table, and when a client may come back", () => {
    const told = at(document, "channels", "websocketJson", "x-close-codes");
    for (const [reason, form] of Object.entries<ErrorForm>(ERROR_FORMS)) {
      if (form.websocketClose === null) continue;
      const close = at(told, form.websocketClose);
      expect(String(close.reason).split(", "), reason).toContain(reason);
    }
    const errors = Object.keys(told).filter((code) => code !== "1000");
    for (const code of errors)
      expect([code, at(told, code).mayReconnect]).toEqual([code, mayReconnect(Number(code))]);
  });

  test("names each protocol's TLS, and no address that only the gateway knows itself by", async () => {
    const config = parseConfig({});
    const told = documentOf(config, [
      { transport: "mqtt", url: "mqtt://0.0.0.0:1883" },
      { transport: "mqtt", url: "mqtts://[::]:8883" },
      { transport: "http", url: "https://[::1]:8443" },
      { transport: "tcp", url: "tls://127.0.0.1:7084" },
    ]);
    expect(await faults(told)).toEqual([]);
    expect(serversOf(told)).toEqual([
      ["mqtt", "mqtt", "localhost:1883"],
      ["mqttTls", "secure-mqtt", "localhost:8883"],
      ["httpTls", "https", "[::1]:8443"],
      ["websocketTls", "wss", "[::1]:8443"],
      ["mqttOverWebSocketTls", "wss", "[::1]:8443"],
      ["tcpTls", "tls", "127.0.0.1:7084"],
    ]);
  });

  test("tells the settings while the listeners are not open yet, and leaves out what is off", async () => {
    const off = { enabled: false };
    const tls = { enabled: true, certFile: "cert.pem", keyFile: "key.pem" };
    const config = parseConfig({ tcp: off, http: off, mqtt: { tls } });
    const told = documentOf(config, []);
    expect(await faults(told)).toEqual([]);
    expect(serversOf(told)).toEqual([
      ["mqtt", "mqtt", "127.0.0.1:1883"],
      ["mqttTls", "secure-mqtt", "127.0.0.1:8883"],
    ]);
    expect(Object.keys(at(told, "channels"))).toEqual(["topic"]);
    expect(Object.keys(at(told, "operations"))).toEqual(["publishOnMqtt", "deliverOnMqtt"]);
  });
});

describe.each([
  ["OnWebsocketJson", (url: string) => new WebSocketClient(url, ["tributary.v1.json"])],
  ["OnWebsocketBinary", (url: string) => new WebSocketClient(url, ["tributary.v1.binary"])],
  ["OnLines", () => new LineClient(gateway.urls.tcp.port)],
] as const)("an operation %s", (suffix, open: (url: string) => CommandClient) => {
  test("is answered with a message of its reply, for the example that the document shows", async () => {
    const client = open(`${gateway.urls.http.replace("http", "ws")}/ws`);
    await client.expect("welcome");
    const operations = Object.keys(COMMANDS).map((name) => ({
      name,
      ...at(document, "operations", `${name}${suffix}`),
    }));
    for (const { name, reply } of operations as { name: string; reply?: unknown }[]) {
      const { examples } = at(document, "components", "messages", name);
      const [example] = examples as readonly unknown[];
      const command = at(example, "payload");
      client.send(JSON.stringify(command));
      const { messages } = at(reply);
      const names = (messages as readonly Json[]).map(({ $ref }) => String($ref).split("/").at(-1));
      for (;;) {
        const frame = await client.next();
        if (frame.id !== command.id || !names.includes(frame.type)) continue;
        expect([name, frame.type]).not.toEqual([name, "error"]);
        break;
      }
    }
    await client.close();
  });
});

function documentOf(config: Config, addresses: readonly DocumentAddress[]): Json {
  return JSON.parse(JSON.stringify(asyncApiDocument({ version: "1.0.0", config, addresses })));
}

/** Name, protocol and default address of each. */
function serversOf(told: Json): unknown[] {
  return Object.entries(at(told, "servers")).map(([name, server]) => {
    const address = String(at(server, "variables", "host").default);
    return [name, at(server).protocol, String(at(server).host).replace("{host}", address)];
  });
}

function connects(address: string): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), host);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}
