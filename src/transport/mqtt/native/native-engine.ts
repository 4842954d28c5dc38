import { ByteWriter } from "../../../wire/byte-writer.ts";
import type { TransportContext } from "../../transport.ts";
import type { EngineSide, MqttEngine } from "../engine.ts";
import { LivePublishes } from "../live-publishes.ts";
import type { MqttConnection } from "../mqtt-connection.ts";
import type { MqttOptions } from "../options.ts";
import { SessionTable } from "../session-table.ts";
import { SharedMessage } from "../shared-message.ts";
import { ControlPackets } from "./control-packets.ts";
import { LiveTailV5 } from "./encoder-v5.ts";
import { IngressPackets } from "./ingress-packets.ts";
import { KeepAlives } from "./keep-alives.ts";
import type { LinkParts } from "./link-parts.ts";
import { NativeEncoderV3 } from "./native-encoder-v3.ts";
import { NativeLink } from "./native-link.ts";
import { PublishIntake } from "./publish-intake.ts";

/** MQTT 3.1, 3.1.1 and 5.0, on our own codec and sessions. */
export class NativeEngine implements MqttEngine {
  readonly #parts: LinkParts;
  #isDraining = false;

  constructor(context: TransportContext, options: MqttOptions) {
    const { bus, observer, logger, limits, clock } = context;
    const publishes = new LivePublishes();
    const writer = new ByteWriter();
    const packets = new IngressPackets();
    const shared = new SharedMessage(bus);
    const sessionParts = { bus, observer, logger, shared, publishes, limits: options };
    this.#parts = {
      context,
      options,
      sessions: new SessionTable(sessionParts, options, clock),
      keepAlives: new KeepAlives(clock),
      publishing: new PublishIntake({ bus, publishes, packets }, { ...limits, ...options }),
      encoderV3: new NativeEncoderV3(publishes, packets),
      publishes,
      packets,
      tailV5: new LiveTailV5(),
      control: new ControlPackets(bus, { ...limits, ...options }, writer),
      writer,
      isDraining: () => this.#isDraining,
    };
  }

  async start(): Promise<void> {
    this.#parts.sessions.start();
  }

  accept(connection: MqttConnection): EngineSide {
    return new NativeLink(connection, this.#parts);
  }

  drain(): void {
    this.#isDraining = true;
    this.#parts.sessions.drain();
  }

  async stop(): Promise<void> {
    this.drain();
    this.#parts.keepAlives.stop();
    this.#parts.sessions.stop();
  }
}
