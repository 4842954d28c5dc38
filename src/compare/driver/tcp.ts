import { parseServerFrame } from "../../wire/frame-parser.ts";
import { LineSplitter } from "../../wire/line.ts";
import { encodePublish } from "../../wire/publish-command.ts";
import { CommandChannel } from "./command-channel.ts";
import { connectTo, resetConnection } from "./connect.ts";
import type { DriverContext, OpenPublisher, OpenReader } from "./driver.ts";

const DEFAULT_PORT = 7083;

/** A line is at most a payload of a plan (1 MiB) as base64, and its facts. */
const MAX_LINE_BYTES = 2 * 1_048_576;

/** Publishes with an id, one JSON object a line. */
export const tcpPublisher: OpenPublisher = async (context) => {
  const { channel, close } = await connectChannel(context);
  return {
    publish: ({ topic, payload, isRetained }) =>
      channel.publish((id) =>
        encodePublish({ id, topic, payload, ...(isRetained === true ? { retain: true } : {}) }),
      ),
    close,
  };
};

/** Subscribes without other topics' state; resumes by cursor. */
export const tcpReader: OpenReader = async (context, subscription, onPayload) => {
  const { channel, socket, close, reset } = await connectChannel(context);
  await channel.subscribe(subscription, onPayload);
  return {
    close,
    reset,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    position: () => channel.cursor,
  };
};

async function connectChannel(context: DriverContext) {
  const { tcpUrl } = context.targets;
  if (tcpUrl === null) throw new Error("the plan uses tcp; no address is known");
  const socket = connectTo(tcpUrl, DEFAULT_PORT, context);
  const channel = new CommandChannel(context, (frame) => socket.write(`${frame}\n`));
  const lines = new LineSplitter(MAX_LINE_BYTES);
  socket.on("data", (chunk: Buffer) => {
    try {
      lines.push(chunk, (line) => channel.receive(() => parseServerFrame(line)));
    } catch (cause) {
      channel.fail(cause instanceof Error ? cause : new Error(String(cause)));
    }
  });
  let isClosing = false;
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      if (!isClosing) channel.fail(new Error(`${context.clientId}: the connection closed`));
      resolve();
    });
  });
  socket.on("error", (cause) => {
    if (!isClosing) channel.fail(cause);
  });
  await channel.welcomed;
  return {
    channel,
    socket,
    close: () => {
      isClosing = true;
      socket.end();
      return closed;
    },
    reset: () => {
      isClosing = true;
      resetConnection(socket);
    },
  };
}
