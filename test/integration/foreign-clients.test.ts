import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpIngress } from "../support/contract/http.ts";
import { mqttIngress } from "../support/contract/mqtt.ts";
import { ForeignProgram } from "../support/foreign-program.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { requireTool } from "../support/tools.ts";

let gateway: RunningGateway;
let mqttPort: string;
let httpPort: string;

beforeAll(async () => {
  gateway = await startGateway();
  mqttPort = new URL(gateway.urls.mqtt).port;
  httpPort = new URL(gateway.urls.http).port;
});

afterAll(() => gateway.stop());

async function publish(topic: string, text: string): Promise<void> {
  const publisher = await httpIngress.open(gateway.urls);
  await publisher.publish(topic, Buffer.from(text), { retain: true });
  await publisher.close();
}

function mosquitto(name: "pub" | "sub", args: readonly string[]): ForeignProgram {
  return new ForeignProgram(`mosquitto_${name}`, ["-h", "127.0.0.1", "-p", mqttPort, ...args]);
}

describe("clients nobody here wrote", () => {
  for (const version of ["mqttv31", "mqttv311"]) {
    for (const qos of ["0", "1", "2"]) {
      test.skipIf(requireTool("mosquitto_pub"))(
        `mosquitto_pub and mosquitto_sub exchange messages, ${version} QoS ${qos}`,
        async () => {
          const topic = `foreign/mosquitto/${version}/${qos}`;
          await publish(topic, "retained");
          const options = ["-V", version, "-q", qos, "-t", topic];
          const reader = mosquitto("sub", [...options, "-v"]);
          expect(await reader.line()).toBe(`${topic} retained`);
          const publisher = mosquitto("pub", [...options, "-m", "grüße"]);
          expect(await publisher.exit()).toBe(0);
          expect(await reader.line()).toBe(`${topic} grüße`);
          await reader.stop();
        },
      );
    }
  }

  test.skipIf(requireTool("mosquitto_sub"))(
    "mosquitto_sub with a persistent session gets what it missed",
    async () => {
      const options = ["-c", "-i", "sleeper", "-q", "1", "-t", "foreign/sleeper", "-v"];
      const first = mosquitto("sub", [...options, "-E"]);
      expect(await first.exit()).toBe(0);
      const publisher = await mqttIngress("mqtt", 1).open(gateway.urls);
      await publisher.publish("foreign/sleeper", Buffer.from("by mqtt"));
      const other = await httpIngress.open(gateway.urls);
      await other.publish("foreign/sleeper", Buffer.from("by http"));
      await publisher.close();
      await other.close();
      const second = mosquitto("sub", [...options, "-C", "2"]);
      expect([await second.line(), await second.line()]).toEqual([
        "foreign/sleeper by mqtt",
        "foreign/sleeper by http",
      ]);
      expect(await second.exit()).toBe(0);
    },
  );

  test.skipIf(requireTool("python3-paho-mqtt"))(
    "Paho for Python publishes and subscribes",
    async () => {
      const script = `
import sys, paho.mqtt.client as paho
def on_connect(client, *_): client.subscribe("foreign/paho", 2)
def on_subscribe(client, *_): client.publish("foreign/paho", bytes(range(256)), 2)
def on_message(client, _, message):
    print(message.topic, message.payload == bytes(range(256)), message.qos, flush=True)
    client.disconnect()
client = paho.Client(client_id="paho", protocol=paho.MQTTv311)
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect("127.0.0.1", ${mqttPort})
client.loop_forever()
`;
      const paho = new ForeignProgram("/usr/bin/python3", ["-c", script]);
      expect(await paho.line()).toBe("foreign/paho True 2");
      expect(await paho.exit()).toBe(0);
    },
  );

  test.skipIf(requireTool("python3-websockets"))(
    "Python's websockets speaks the JSON subprotocol",
    async () => {
      const script = `
import asyncio, json, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:${httpPort}/ws", subprotocols=["tributary.v1.json"]) as ws:
        assert json.loads(await ws.recv())["type"] == "welcome"
        await ws.send(json.dumps({"type": "subscribe", "id": 1, "filter": "foreign/+"}))
        seen = []
        await ws.send(json.dumps({"type": "publish", "id": 2, "topic": "foreign/python", "payload": "héllo"}))
        while "message" not in seen or "published" not in seen:
            frame = json.loads(await ws.recv())
            seen.append(frame["type"])
            if frame["type"] == "message" and not frame.get("retained"): print(frame["topic"], frame["payload"], flush=True)
asyncio.run(main())
`;
      const python = new ForeignProgram("/usr/bin/python3", ["-c", script]);
      expect(await python.line()).toBe("foreign/python héllo");
      expect(await python.exit()).toBe(0);
    },
  );

  test.skipIf(requireTool("curl"))(
    "curl publishes, polls and follows the event stream",
    async () => {
      const url = gateway.urls.http;
      const stream = new ForeignProgram("curl", [
        "-sNG",
        `${url}/v1/stream`,
        "--data-urlencode",
        "filter=foreign/curl/#",
        "--data-urlencode",
        "cursor=earliest",
      ]);
      const post = ["-s", "-d", "21.5", `${url}/v1/topics/foreign/curl/temperature`];
      const publisher = new ForeignProgram("curl", post);
      expect(JSON.parse(await publisher.line())).toMatchObject({ offset: expect.any(Number) });
      let line = "";
      while (!line.startsWith("data: ")) line = await stream.line();
      expect(JSON.parse(line.slice(6))).toMatchObject({
        topic: "foreign/curl/temperature",
        payload: "21.5",
        ingress: "http",
      });
      await stream.stop();
      const poll = new ForeignProgram("curl", [
        "-sG",
        `${url}/v1/poll`,
        "--data-urlencode",
        "filter=foreign/curl/#",
        "-d",
        "cursor=earliest",
      ]);
      expect(JSON.parse(await poll.line())).toMatchObject({ upToDate: true });
    },
  );
});
