import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type {
  DriverContext,
  OnPayload,
  OpenPublisher,
  OpenReader,
  Outgoing,
  Targets,
} from "../../src/compare/driver/driver.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import type { EgressName, IngressName } from "../../src/compare/plan.ts";

// Each transport by bytes written by hand on a bare socket: the least that a client can do. A
// driver is held against its twin, so that a library's cost is not taken for a transport's.

const STAMP = Buffer.from("trb1");

/** Bytes to say, and what the answer to them holds. */
interface Step {
  readonly say: Buffer;
  readonly until: Buffer | string;
}

/** How a twin speaks, once connected. */
interface Speech {
  readonly port: (targets: Targets) => number;
  /** What opens the connection; each step is sent once the one before is answered. */
  readonly opening: (context: DriverContext, filter: string | null) => readonly Step[];
  readonly publish: (message: Outgoing, id: number) => Buffer;
  /** What a reader says at a message whose payload begins at `at`. */
  readonly acknowledge: (bytes: Buffer, at: number) => Buffer | null;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = body.length; ; left >>= 7) {
    if (left < 128) {
      length.push(left);
      break;
    }
    length.push((left & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

const CLEAN_SESSION = 0x02;

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const SUBACK = Buffer.from([0x90, 3]);

function mqttOpening({ clientId }: DriverContext, filter: string | null): Step[] {
  const flags = Buffer.from([4, CLEAN_SESSION, 0, 30]);
  const connectPacket = packet(0x10, text("MQTT"), flags, text(clientId));
  const connecting = { say: connectPacket, until: CONNACK };
  if (filter === null) return [connecting];
  const subscribe = packet(0x82, word(1), text(filter), Buffer.from([1]));
  return [connecting, { say: subscribe, until: SUBACK }];
}

function mqttPublish(qos: 0 | 1): Speech["publish"] {
  return ({ topic, payload }, id) =>
    packet(0x30 | (qos << 1), text(topic), ...(qos === 0 ? [] : [word(id)]), Buffer.from(payload));
}

/** The packet id stands right in front of the payload. */
function puback(bytes: Buffer, at: number): Buffer {
  return Buffer.concat([Buffer.from([0x40, 2]), bytes.subarray(at - 2, at)]);
}

/** A client's frame; a mask of zeros leaves the body as it is (RFC 6455 §5.3 allows any). */
function frame(opcode: number, body: Buffer): Buffer {
  const { length } = body;
  const header =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | 126]), word(length)]);
  return Buffer.concat([header, Buffer.alloc(4), body]);
}

function upgrade(path: string, subprotocol: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      `Sec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
  );
}

function subscribeCommand(filter: string): string {
  const command = { type: "subscribe", id: "reader", filter, cursor: "now", retained: false };
  return JSON.stringify(command);
}

function publishCommand({ topic, payload }: Outgoing, id: number): string {
  const body = Buffer.from(payload).toString();
  return JSON.stringify({ type: "publish", id, topic, payload: body });
}

function binaryPublish({ topic, payload }: Outgoing, id: number): Buffer {
  const header = Buffer.from(JSON.stringify({ type: "publish", id, topic }));
  return Buffer.concat([word(header.length), header, Buffer.from(payload)]);
}

const silent = (): null => null;
const httpPort = ({ httpUrl }: Targets): number => portOf(httpUrl);

function websocket(form: "json" | "binary"): Speech {
  return {
    port: httpPort,
    opening: (_context, filter) => [
      { say: upgrade("/ws", `tributary.v1.${form}`), until: '"welcome"' },
      ...(filter === null
        ? []
        : [{ say: frame(1, Buffer.from(subscribeCommand(filter))), until: '"live"' }]),
    ],
    publish: (message, id) =>
      form === "json"
        ? frame(1, Buffer.from(publishCommand(message, id)))
        : frame(2, binaryPublish(message, id)),
    acknowledge: silent,
  };
}

const TCP: Speech = {
  port: ({ tcpUrl }) => portOf(tcpUrl ?? ""),
  opening: (_context, filter) =>
    filter === null ? [] : [{ say: Buffer.from(`${subscribeCommand(filter)}\n`), until: '"live"' }],
  publish: (message, id) => Buffer.from(`${publishCommand(message, id)}\n`),
  acknowledge: silent,
};

function mqtt(qos: 0 | 1): Speech {
  return {
    port: ({ mqttUrl }) => portOf(mqttUrl),
    opening: mqttOpening,
    publish: mqttPublish(qos),
    acknowledge: puback,
  };
}

const MQTT_WS: Speech = {
  port: ({ mqttWebsocketUrl }) => portOf(mqttWebsocketUrl),
  opening: (context, filter) => [
    { say: upgrade("/mqtt", "mqtt"), until: "\r\n\r\n" },
    ...mqttOpening(context, filter).map(({ say, until }) => ({ say: frame(2, say), until })),
  ],
  publish: (message, id) => frame(2, mqttPublish(1)(message, id)),
  acknowledge: (bytes, at) => frame(2, puback(bytes, at)),
};

const SSE: Speech = {
  port: httpPort,
  opening: (_context, filter) => [
    {
      say: Buffer.from(
        `GET /v1/stream?filter=${encodeURIComponent(filter ?? "")}&retained=false HTTP/1.1\r\n` +
          "Host: 127.0.0.1\r\n\r\n",
      ),
      until: "\r\n\r\n",
    },
  ],
  publish: () => Buffer.alloc(0),
  acknowledge: silent,
};

/** With the header lines that the driver's own agent writes, none of them idle. */
const HTTP: Speech = {
  port: httpPort,
  opening: () => [],
  publish: ({ topic, payload }) =>
    Buffer.concat([
      Buffer.from(
        `POST /v1/topics/${topic} HTTP/1.1\r\ncontent-length: ${payload.length}\r\n` +
          "Host: 127.0.0.1:00000\r\nConnection: keep-alive\r\n\r\n",
      ),
      Buffer.from(payload),
    ]),
  acknowledge: silent,
};

const INGRESS_SPEECH: Readonly<Record<IngressName, Speech>> = {
  "mqtt-qos0": mqtt(0),
  "mqtt-qos1": mqtt(1),
  "mqtt-ws": MQTT_WS,
  websocket: websocket("json"),
  "websocket-binary": websocket("binary"),
  http: HTTP,
  tcp: TCP,
};

/** Readers with twins; polls are requests in a loop, and HTTP has its twin as an ingress. */
export const TWIN_READERS = [
  "mqtt",
  "mqtt-ws",
  "websocket",
  "websocket-binary",
  "sse",
  "tcp",
] as const satisfies readonly EgressName[];

const EGRESS_SPEECH: Readonly<Record<(typeof TWIN_READERS)[number], Speech>> = {
  mqtt: mqtt(1),
  "mqtt-ws": MQTT_WS,
  websocket: websocket("json"),
  "websocket-binary": websocket("binary"),
  sse: SSE,
  tcp: TCP,
};

async function open(
  speech: Speech,
  context: DriverContext,
  filter: string | null,
): Promise<Socket> {
  const socket = connect({ port: speech.port(context.targets), host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  // Raw TCP is greeted before it has said anything.
  if (speech === TCP) await answer(socket, '"welcome"');
  for (const { say, until } of speech.opening(context, filter)) {
    const answered = answer(socket, until);
    socket.write(say);
    await answered;
  }
  return socket;
}

/** Resolves once what has come since holds `mark`. */
function answer(socket: Socket, mark: Buffer | string): Promise<void> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!bytes.includes(mark)) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });
}

function closing(socket: Socket): () => Promise<void> {
  return async () => {
    const closed = once(socket, "close");
    socket.destroy();
    await closed;
  };
}

/** A publisher by hand; it is acknowledged by the first bytes that come back. */
export function twinPublisher(name: IngressName): OpenPublisher {
  const speech = INGRESS_SPEECH[name];
  return async (context) => {
    const socket = await open(speech, context, null);
    let id = 0;
    return {
      publish: async (message) => {
        id += 1;
        const acknowledged = name === "mqtt-qos0" ? null : once(socket, "data");
        socket.write(speech.publish(message, id));
        await acknowledged;
      },
      close: closing(socket),
    };
  };
}

/** A reader by hand: it finds each payload by its stamp and reads nothing else. */
export function twinReader(name: (typeof TWIN_READERS)[number], payloadBytes: number): OpenReader {
  const speech = EGRESS_SPEECH[name];
  return async (context, { filter }, onPayload: OnPayload) => {
    const socket = await open(speech, context, filter);
    socket.on("data", (bytes: Buffer) => {
      const receivedAtNs = monotonicNs();
      for (let at = bytes.indexOf(STAMP); at >= 0; at = bytes.indexOf(STAMP, at + 1)) {
        onPayload(bytes.subarray(at, at + payloadBytes), receivedAtNs);
        const acknowledgement = speech.acknowledge(bytes, at);
        if (acknowledgement !== null) socket.write(acknowledgement);
      }
    });
    return {
      close: closing(socket),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      reset: () => socket.resetAndDestroy(),
      position: () => null,
    };
  };
}
