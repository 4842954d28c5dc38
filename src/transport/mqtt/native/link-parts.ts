import type { ByteWriter } from "../../../wire/byte-writer.ts";
import type { TransportContext } from "../../transport.ts";
import type { LivePublishes } from "../live-publishes.ts";
import type { MqttOptions } from "../options.ts";
import type { SessionTable } from "../session-table.ts";
import type { ControlPackets } from "./control-packets.ts";
import type { LiveTailV5 } from "./encoder-v5.ts";
import type { IngressPackets } from "./ingress-packets.ts";
import type { KeepAlives } from "./keep-alives.ts";
import type { NativeEncoderV3 } from "./native-encoder-v3.ts";
import type { PublishIntake } from "./publish-intake.ts";

/** What the connections of an engine share. */
export interface LinkParts {
  readonly context: TransportContext;
  readonly options: MqttOptions;
  readonly sessions: SessionTable;
  readonly keepAlives: KeepAlives;
  readonly publishing: PublishIntake;
  readonly control: ControlPackets;
  readonly encoderV3: NativeEncoderV3;
  readonly publishes: LivePublishes;
  readonly packets: IngressPackets;
  readonly tailV5: LiveTailV5;
  /** For one packet at a time: what is written is copied before the next one. */
  readonly writer: ByteWriter;
  /** The gateway is about to stop: no client is connected any more. */
  isDraining(): boolean;
}
