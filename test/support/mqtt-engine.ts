import type { MqttEngineName } from "../../src/transport/mqtt/options.ts";

/** The engine that tests run against which are not about one of them; the project `native` sets it. */
export const ENGINE_UNDER_TEST: MqttEngineName =
  process.env.TEST_MQTT_ENGINE === "native" ? "native" : "aedes";
