import type { RawData } from "ws";
import { encodeBinaryPublish, parseBinaryMessage } from "../../wire/binary-frame.ts";
import { parseServerFrame } from "../../wire/frame-parser.ts";
import { encodePublish } from "../../wire/publish-command.ts";
import { CommandChannel } from "./command-channel.ts";
import type { DriverContext, OpenPublisher, OpenReader } from "./driver.ts";
import { openWebSocket } from "./open-websocket.ts";

/** The form of frames: that of the run, or always messages and publishes as binary frames. */
export type FrameForm = "of the run" | "binary";

/** Publishes with an id, so that each is acknowledged by `published`. */
export function websocketPublisher(form: FrameForm): OpenPublisher {
  return async (context) => {
    const { channel, close, isBinary } = await connectChannel(context, form);
    const encode = isBinary ? encodeBinaryPublish : encodePublish;
    return {
      publish: ({ topic, payload, isRetained }) =>
        channel.publish((id) =>
          encode({ id, topic, payload, ...(isRetained === true ? { retain: true } : {}) }),
        ),
      close,
    };
  };
}

/** Subscribes without other topics' state; resumes by cursor. */
export function websocketReader(form: FrameForm): OpenReader {
  return async (context, subscription, onPayload) => {
    const { channel, socket, close, reset } = await connectChannel(context, form);
    await channel.subscribe(subscription, onPayload);
    return {
      close,
      reset,
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      position: () => channel.cursor,
    };
  };
}

async function connectChannel(context: DriverContext, form: FrameForm) {
  const { websocketSubprotocol } = context.factors;
  const subprotocol = form === "binary" ? "tributary.v1.binary" : websocketSubprotocol;
  const { socket, reset } = openWebSocket(context, context.targets.websocketUrl, subprotocol);
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
  socket.on("error", (cause) => {
    if (!isClosing) channel.fail(cause);
  });
  await channel.welcomed;
  return {
    channel,
    socket,
    isBinary: subprotocol === "tributary.v1.binary",
    close: () => {
      isClosing = true;
      socket.close(1000);
      return closed;
    },
    reset: () => {
      isClosing = true;
      reset();
    },
  };
}
