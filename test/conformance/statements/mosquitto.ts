import type { StatementVersion } from "./statement.ts";

/**
 * Where mosquitto 2.0.11, as Debian 12 builds it, departs from the standards or from what these suites ask
 * beyond them: version, what it does, and the titles that show it. With
 * `TEST_MQTT_BROKER=mosquitto npx vitest run --project conformance test/conformance/mqtt-` all others
 * pass, which is how the suites themselves were checked. That it mostly closes without a reason code, as
 * the standard allows, is let pass.
 */
export const MOSQUITTO_DEVIATIONS: readonly (readonly [
  version: StatementVersion,
  does: string,
  titles: readonly string[],
])[] = [
  [
    "3.1.1",
    "takes client ids of any length",
    ["[MQTT-3.1.3-9] a client id over the limit gets return code 2 and the end"],
  ],
  [
    "3.1.1",
    "looks at keep-alives only every few seconds, beyond the deadline of the test",
    [
      "[MQTT-3.1.2-24] a client silent for one and a half times its keep-alive is cut off and its will published",
    ],
  ],
  [
    "3.1.1",
    "does not look at the flags and bodies of PINGREQ and acknowledgements",
    [
      "[MQTT-2.2.2-1] [MQTT-2.2.2-2] PINGREQ with flag 1 closes the connection, and no other",
      "[MQTT-2.2.2-2] PINGREQ with flag 8 closes the connection, and no other",
      "[MQTT-2.2.2-2] PUBACK with flags closes the connection, and no other",
      "[MQTT-2.2.2-2] PUBREC with flags closes the connection, and no other",
      "[MQTT-2.2.2-2] PUBCOMP with flags closes the connection, and no other",
      "[MQTT-4.8.0-1] PUBACK of three bytes closes the connection, and no other",
      "[MQTT-4.8.0-1] PINGREQ with a body closes the connection, and no other",
    ],
  ],
  [
    "3.1.1",
    "takes QoS 0 with DUP",
    ["[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP closes the connection, and no other"],
  ],
  [
    "3.1.1",
    "heeds SUBACK, UNSUBACK and PINGRESP of clients, as of bridges",
    [
      "[MQTT-4.8.0-1] SUBACK, which only servers send closes the connection, and no other",
      "[MQTT-4.8.0-1] UNSUBACK, which only servers send closes the connection, and no other",
      "[MQTT-4.8.0-1] PINGRESP, which only servers send closes the connection, and no other",
    ],
  ],
  [
    "3.1.1",
    "delivers overlapping subscriptions by the first that matches, not by all",
    ["[MQTT-3.3.5-1] overlapping filters deliver at the highest granted QoS"],
  ],
  [
    "3.1.1",
    "Debian builds it without WebSocket",
    [
      "[MQTT-6.0.0-4] the server selects the subprotocol mqtt",
      "[MQTT-6.0.0-1] packets leave in binary frames, and a text frame is the end",
      "[MQTT-6.0.0-2] packets may be split and joined over frames",
    ],
  ],
  [
    "5.0",
    "takes authentication data without a method",
    [
      "[MQTT-3.1.4-1] [MQTT-4.13.1-1] authentication data without a method in CONNECT is refused by 0x81 or 0x82",
    ],
  ],
  [
    "5.0",
    "closes without DISCONNECT",
    [
      "[MQTT-3.1.0-2] a second CONNECT is a protocol error",
      "[MQTT-3.1.4-3] [MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.4-2] a connection that is taken over gets 0x8E, without a session expiry",
      "[MQTT-3.14.2-3] no explanation makes DISCONNECT larger than the client takes",
    ],
  ],
  [
    "5.0",
    "takes client ids of any length",
    [
      "[MQTT-3.1.3-8] [MQTT-3.1.4-2] [MQTT-3.2.2-6] [MQTT-3.2.2-7] a client id over the limit is refused by 0x85",
    ],
  ],
  [
    "5.0",
    "counts down its quota too late: one delivery too many is open",
    [
      "[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more deliveries of QoS 1 are open than the client allows",
    ],
  ],
  [
    "5.0",
    "answers PUBREC 0x97 where the standard asks for DISCONNECT 0x93",
    ["[MQTT-3.3.4-7] more open messages than the server allows are ended by 0x93"],
  ],
  [
    "5.0",
    "looks at keep-alives only every few seconds, beyond the deadline of the test",
    [
      "[MQTT-3.1.2-22] [MQTT-3.2.2-22] a client silent for one and a half times its keep-alive gets 0x8D, and its will is published",
    ],
  ],
  [
    "5.0",
    "does not look at the flags and bodies of PINGREQ and acknowledgements",
    [
      "[MQTT-2.1.3-1] PINGREQ with flags gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-2.1.3-1] PUBACK with flags gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-2.1.3-1] PUBREC with flags gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-2.1.3-1] PUBCOMP with flags gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-4.13.1-1] PINGREQ with a body gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-4.13.1-1] PUBACK with an unknown code gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
    ],
  ],
  [
    "5.0",
    "heeds SUBACK, UNSUBACK and PINGRESP of clients, as of bridges",
    [
      "[MQTT-4.13.1-1] SUBACK, which only servers send gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-4.13.1-1] UNSUBACK, which only servers send gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-4.13.1-1] PINGRESP, which only servers send gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
    ],
  ],
  [
    "5.0",
    "takes QoS 0 with DUP",
    [
      "[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
    ],
  ],
  [
    "5.0",
    "says 0x81 where the standard asks for 0x94",
    ["[MQTT-3.3.2-8] topic alias 0 gets DISCONNECT 0x94 and the end, and nobody else does"],
  ],
  [
    "5.0",
    "does not look at the values of these properties",
    [
      "[MQTT-3.3.2-14] a response topic with + gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-3.3.2-14] a response topic with # gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-3.3.4-6] a subscription identifier gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
      "[MQTT-4.13.1-1] payload format 2 gets DISCONNECT 0x81 or 0x82 and the end, and nobody else does",
    ],
  ],
  [
    "5.0",
    "takes shared subscriptions without a look at their form",
    [
      "[MQTT-3.8.3-4] no-local on a shared subscription gets DISCONNECT 0x82 and the end, and nobody else does",
      "[MQTT-4.8.2-1] an empty share name is refused by its code in SUBACK, or by DISCONNECT",
      "[MQTT-4.8.2-1] nothing but a share name is refused by its code in SUBACK, or by DISCONNECT",
      "[MQTT-4.8.2-2] an empty filter is refused by its code in SUBACK, or by DISCONNECT",
    ],
  ],
  [
    "5.0",
    "a message too large for its client stays in flight",
    [
      "[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message of QoS 1 too large for the client counts as sent",
      "[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message of QoS 2 too large for the client counts as sent",
    ],
  ],
  [
    "5.0",
    "delivers overlapping subscriptions by the first that matches, not by all",
    [
      "[MQTT-3.3.4-3] [MQTT-3.3.4-4] one copy names the identifiers of all subscriptions that match",
    ],
  ],
  [
    "5.0",
    "answers what it does not know with 0, not with 0x92",
    [
      "[MQTT-3.6.2-1] PUBREC for nothing is answered with PUBREL 0x92",
      "[MQTT-4.3.3-11] [MQTT-3.7.2-1] PUBREL is answered with PUBCOMP, for nothing with 0x92",
    ],
  ],
  [
    "5.0",
    "lets a message expire that was already sent",
    ["[MQTT-4.3.3-7] a QoS 2 message that was sent does not expire"],
  ],
  [
    "5.0",
    "does not replace no-local",
    [
      "[MQTT-3.8.4-3] [MQTT-3.8.4-4] the same filter again replaces the options and repeats the retained message",
    ],
  ],
  [
    "5.0",
    "Debian builds it without WebSocket",
    [
      "[MQTT-6.0.0-4] the server selects the subprotocol mqtt",
      "[MQTT-6.0.0-1] packets leave in binary frames, and a text frame is the end",
      "[MQTT-6.0.0-2] packets may be split and joined over frames",
    ],
  ],
  [
    "5.0",
    "does not publish a delayed will when clean start ends its session",
    ["[MQTT-3.1.2-8] a delayed will is published when clean start ends its session"],
  ],
];
