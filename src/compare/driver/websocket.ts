import { type RawData, WebSocket } from "ws";
import { encodeBinaryPublish, parseBinaryMessage } from "../../wire/binary-frame.ts";
import { parseServerFrame } from "../../wire/frame-parser.ts";
import { encodePublish } from "../../wire/publish-command.ts";
import { CommandChannel } from "./command-channel.ts";
import type { DriverContext, OpenPublisher, OpenReader } from "./driver.ts";
import { agentFor } from "./http-exchange.ts";

/** The form of frames: JSON text throughout, or messages and publishes as binary frames. */
export type FrameForm = "json" | "binary";

/** Publishes with an id, so that each is acknowledged by `published`. */
export function websocketPublisher(form: FrameForm): OpenPublisher {
  return async (context) => {
    const { channel, close } = await connectChannel(context, form);
    const encode = form === "json" ? encodePublish : encodeBinaryPublish;
    return {
      publish: (topic, payload) => channel.publish((id) => encode({ id, topic, payload })),
      close,
    };
  };
}

/** Subscribes at now, without retained messages. */
export function websocketReader(form: FrameForm): OpenReader {
  return async (context, filter, onPayload) => {
    const { channel, close } = await connectChannel(context, form);
    await channel.subscribe(filter, onPayload);
    return { close };
  };
}

async function connectChannel(context: DriverContext, form: FrameForm) {
  const { websocketUrl, tls, proxyUrl } = context.targets;
  const socket = new WebSocket(websocketUrl, [`tributary.v1.${form}`], {
    ...tls,
    perMessageDeflate: false,
    ...(proxyUrl === undefined ? {} : { agent: agentFor(websocketUrl, context.targets, {}) }),
  });
  socket.binaryType = "nodebuffer";
  const channel = new CommandChannel(context, (frame) => socket.send(frame));
  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (!Buffer.isBuffer(data)) return;
    channel.receive(() =>
      isBinary ? parseBinaryMessage(data) : parseServerFrame(data.toString("utf8")),
    );
  });
  let isClosing = false;
  const closed = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      if (!isClosing) channel.fail(new Error(`${context.clientId}: closed with ${code}`));
      resolve();
    });
  });
  socket.on("error", (cause) => channel.fail(cause));
  await channel.welcomed;
  return {
    channel,
    close: () => {
      isClosing = true;
      socket.close(1000);
      return closed;
    },
  };
}
