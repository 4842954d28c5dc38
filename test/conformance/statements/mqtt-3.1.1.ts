import { parseStatements } from "./statement.ts";

/**
 * The 141 statements that Appendix B of MQTT Version 3.1.1 (OASIS Standard, 29 October 2014) numbers.
 * Two of its numbers are misprinted there, as MQTT-3.1.2.7 and MQTT-3-8.3-4.
 */
export const STATEMENTS_3_1_1 = parseStatements(
  "3.1.1",
  `
1.5.3-1 | both | Text is well-formed UTF-8 without surrogates; anything else closes the connection.
1.5.3-2 | both | Text holds no U+0000; where it does the connection is closed.
1.5.3-3 | server | The bytes EF BB BF are U+FEFF wherever they stand and are never stripped.
2.2.2-1 | both | Reserved header flags have the value of table 2.2.
2.2.2-2 | both | Wrong header flags close the connection.
2.3.1-1 | both | SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 carry a packet id that is not 0.
2.3.1-2 | client | A client takes an unused packet id for each new packet.
2.3.1-3 | client | A client repeats a packet with its first id, which is free again after the acknowledgement.
2.3.1-4 | server | The same holds for the PUBLISH packets of the server.
2.3.1-5 | both | A PUBLISH of QoS 0 has no packet id.
2.3.1-6 | server | PUBACK, PUBREC and PUBREL carry the packet id of their PUBLISH.
2.3.1-7 | server | SUBACK and UNSUBACK carry the packet id of what they answer.
3.1.0-1 | both | The first packet of a client is CONNECT.
3.1.0-2 | both | A second CONNECT is a violation that ends the connection.
3.1.2-1 | both | Another protocol name is not served by these rules.
3.1.2-2 | server | An unsupported protocol level is answered with return code 1 and the end.
3.1.2-3 | both | The reserved connect flag is 0, or the client is disconnected.
3.1.2-4 | server | Without clean session the session of that client id goes on, or one begins and is kept.
3.1.2-5 | server | A kept session collects messages of QoS 1 and 2 while its client is away.
3.1.2-6 | server | Clean session discards what there was, and what it leaves is used by nobody.
3.1.2-7 | server | Retained messages are no part of a session and outlive it.
3.1.2-8 | server | A will is stored, and published when the connection ends without DISCONNECT.
3.1.2-9 | both | The will flag puts will topic and will message into the payload; its QoS and retain are used.
3.1.2-10 | server | A will is forgotten once published or once DISCONNECT has come.
3.1.2-11 | both | Without the will flag there are no will QoS, retain, topic and message.
3.1.2-12 | server | Without the will flag nothing is published at the end.
3.1.2-13 | both | Without the will flag will QoS is 0.
3.1.2-14 | both | Will QoS is not 3.
3.1.2-15 | both | Without the will flag will retain is 0.
3.1.2-16 | server | A will without will retain is published as not retained.
3.1.2-17 | server | A will with will retain is published as retained.
3.1.2-18 | both | Without the user name flag the payload has no user name.
3.1.2-19 | both | With the user name flag it has one.
3.1.2-20 | both | Without the password flag the payload has no password.
3.1.2-21 | both | With the password flag it has one.
3.1.2-22 | both | No password without a user name.
3.1.2-23 | client | A client with nothing else to say sends PINGREQ within its keep-alive.
3.1.2-24 | server | A client silent for one and a half times its keep-alive is cut off as if the network had failed.
3.1.3-1 | both | The fields of the payload come in the given order.
3.1.3-2 | server | The client id names the state of a session.
3.1.3-3 | both | The client id is there, and is the first field.
3.1.3-4 | both | The client id is UTF-8.
3.1.3-5 | server | Client ids of 1 to 23 letters and digits are accepted.
3.1.3-6 | server | An empty client id, where allowed, is replaced by a unique one.
3.1.3-7 | both | An empty client id goes with clean session.
3.1.3-8 | server | An empty client id without clean session gets return code 2 and the end.
3.1.3-9 | server | A client id that is not accepted gets return code 2 and the end.
3.1.3-10 | both | The will topic is UTF-8.
3.1.3-11 | both | The user name is UTF-8.
3.1.4-1 | server | A CONNECT of another form ends the connection without CONNACK.
3.1.4-2 | server | A client id that connects again ends the connection that had it.
3.1.4-3 | server | Clean session is dealt with before the answer.
3.1.4-4 | server | An accepted CONNECT is answered with return code 0.
3.1.4-5 | server | Nothing behind a refused CONNECT is processed.
3.2.0-1 | server | The first packet of the server is CONNACK.
3.2.2-1 | server | Clean session is answered with session present 0.
3.2.2-2 | server | A session that was kept is answered with session present 1.
3.2.2-3 | server | Where none was kept, session present is 0.
3.2.2-4 | server | A refusal has session present 0.
3.2.2-5 | server | A refusal is followed by the end of the connection.
3.2.2-6 | server | Where no return code fits, the connection ends without CONNACK.
3.3.1-1 | both | A PUBLISH that is sent again has DUP.
3.3.1-2 | both | A PUBLISH of QoS 0 has no DUP.
3.3.1-3 | server | DUP is not passed on from the publisher to subscribers.
3.3.1-4 | both | QoS 3 closes the connection.
3.3.1-5 | server | A message with RETAIN is kept, with its QoS, for later subscribers.
3.3.1-6 | server | A new subscription is sent the retained message of each matching topic.
3.3.1-7 | server | A retained message of QoS 0 takes the place of the one before it.
3.3.1-8 | server | What a new subscription causes to be sent has RETAIN.
3.3.1-9 | server | What an established subscription is sent has no RETAIN.
3.3.1-10 | server | An empty payload with RETAIN removes the retained message and is delivered like any other.
3.3.1-11 | server | An empty message is never retained.
3.3.1-12 | server | A message without RETAIN neither becomes the retained one nor removes it.
3.3.2-1 | both | The topic is the first field of PUBLISH, and UTF-8.
3.3.2-2 | both | The topic of a PUBLISH has no wildcards.
3.3.2-3 | server | What a subscriber is sent matches its filter.
3.3.4-1 | server | A PUBLISH is answered as its QoS asks.
3.3.5-1 | server | Overlapping subscriptions deliver at the highest of their QoS.
3.3.5-2 | server | A PUBLISH that is not allowed is acknowledged all the same, or closes the connection.
3.6.1-1 | both | The header flags of PUBREL are 0010, or the connection is closed.
3.8.1-1 | both | The header flags of SUBSCRIBE are 0010, or the connection is closed.
3.8.3-1 | both | Filters of a SUBSCRIBE are UTF-8.
3.8.3-2 | not observable | A server without wildcards refuses filters that have them. | The gateway supports wildcards.
3.8.3-3 | both | A SUBSCRIBE names at least one filter.
3.8.3-4 | both | Reserved bits beside the QoS, or QoS 3, close the connection.
3.8.4-1 | server | SUBSCRIBE is answered with SUBACK.
3.8.4-2 | server | SUBACK has the packet id of its SUBSCRIBE.
3.8.4-3 | server | The same filter again replaces the subscription and repeats retained messages, losing nothing.
3.8.4-4 | server | Several filters are treated as several packets with one answer.
3.8.4-5 | server | SUBACK says for each filter the granted QoS or the failure.
3.8.4-6 | server | A delivery has the lower of the published and the granted QoS.
3.9.3-1 | server | The return codes of SUBACK are in the order of the filters.
3.9.3-2 | server | SUBACK has no return codes but 0, 1, 2 and 0x80.
3.10.1-1 | both | The header flags of UNSUBSCRIBE are 0010, or the connection is closed.
3.10.3-1 | both | Filters of an UNSUBSCRIBE are UTF-8, one behind the other.
3.10.3-2 | both | An UNSUBSCRIBE names at least one filter.
3.10.4-1 | server | Filters are compared character by character; an equal one ends its subscription.
3.10.4-2 | server | A subscription that has ended gets no new messages.
3.10.4-3 | server | What it has begun to deliver above QoS 0 is brought to its end.
3.10.4-4 | server | UNSUBSCRIBE is answered with UNSUBACK of its packet id.
3.10.4-5 | server | So it is when there was nothing to end.
3.10.4-6 | server | Several filters are treated as several packets with one answer.
3.12.4-1 | server | PINGREQ is answered with PINGRESP.
3.14.1-1 | both | The header flags of DISCONNECT are 0, or the client is disconnected.
3.14.4-1 | client | A client closes the connection behind DISCONNECT.
3.14.4-2 | both | Nothing is sent, and nothing is heeded, behind DISCONNECT.
3.14.4-3 | server | DISCONNECT discards the will.
4.1.0-1 | server | A session is kept for as long as it lasts.
4.1.0-2 | server | A session lasts at least as long as its connection.
4.3.1-1 | server | QoS 0 is sent with QoS 0 and without DUP.
4.3.2-1 | server | QoS 1 is sent with an unused packet id and without DUP, and is open until PUBACK.
4.3.2-2 | server | QoS 1 is answered with PUBACK; the same id behind it is a new message.
4.3.3-1 | server | QoS 2 is sent as PUBLISH until PUBREC and as PUBREL until PUBCOMP, never back.
4.3.3-2 | server | QoS 2 is answered with PUBREC and taken once, until PUBREL is answered with PUBCOMP.
4.4.0-1 | server | A client that returns to its session is sent again what it left open, under the same ids.
4.5.0-1 | server | An accepted message joins the session of every matching subscriber.
4.5.0-2 | client | A client acknowledges what it is sent, wanted or not.
4.6.0-1 | server | What is sent again comes in the order of the first time.
4.6.0-2 | server | PUBACK packets come in the order of their PUBLISH packets.
4.6.0-3 | server | PUBREC packets come in the order of their PUBLISH packets.
4.6.0-4 | server | PUBREL packets come in the order of their PUBREC packets.
4.6.0-5 | server | Every topic is an ordered one, unless an administrator says otherwise.
4.6.0-6 | server | A client's messages on an ordered topic reach each subscriber in the order they were sent.
4.7.1-1 | both | Wildcards are for filters, not for topics.
4.7.1-2 | both | The wildcard # is the last level, whole.
4.7.1-3 | both | The wildcard + is a whole level, at any place.
4.7.2-1 | server | A filter that begins with a wildcard does not match a topic that begins with $.
4.7.3-1 | both | Topics and filters have at least one character.
4.7.3-2 | both | Topics and filters hold no U+0000.
4.7.3-3 | not observable | Topics and filters have at most 65,535 bytes. | Their length field cannot say more.
4.7.3-4 | server | Topics are compared as they are, without normalising or replacing anything.
4.8.0-1 | server | A violation of the protocol closes the connection it came by.
4.8.0-2 | not observable | A passing fault while a packet is processed closes its connection. | No client can cause one; the store's faults are tested in test/unit and test/integration.
6.0.0-1 | both | Over WebSocket packets travel in binary frames; any other frame closes the connection.
6.0.0-2 | server | Packets need not begin or end with a frame.
6.0.0-3 | client | A client offers the subprotocol mqtt.
6.0.0-4 | server | The server selects the subprotocol mqtt.
7.0.0-1 | not observable | A server that also connects to others is a client as well. | The gateway connects to no other server.
7.0.0-2 | not observable | Nothing outside the standard is needed to work together. | It is what the foreign clients show (mqtt-foreign-clients.test.ts).
7.1.1-1 | not observable | A server offers an ordered, lossless stream of bytes both ways. | Every test uses one: TCP, or WebSocket.
7.1.2-1 | client | A client can use an ordered, lossless stream of bytes both ways.
`,
);
