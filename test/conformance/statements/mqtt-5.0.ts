import { parseStatements } from "./statement.ts";

const NO_AUTH = "No authentication method is configured; the tests of 4.12.0-1 hold its refusal.";
const OWN_EXTRAS =
  "The gateway need not add the property; the tests of 3.1.2-24 hold the size of every packet.";
const FULL = "The gateway supports it in full.";

/**
 * The 251 statements that Appendix B of MQTT Version 5.0 (OASIS Standard, 7 March 2019) numbers: 5 of
 * chapter 1, 7 of chapter 2, 175 of chapter 3, 60 of chapter 4, 4 of chapter 6. The numbers 2.2.1-1
 * and those of chapter 7 of earlier drafts do not exist in it.
 */
export const STATEMENTS_5_0 = parseStatements(
  "5.0",
  `
1.5.4-1 | both | Text is well-formed UTF-8 without surrogates.
1.5.4-2 | both | Text holds no U+0000.
1.5.4-3 | server | The bytes EF BB BF are U+FEFF wherever they stand and are never stripped.
1.5.5-1 | both | A variable byte integer takes as few bytes as it needs.
1.5.7-1 | both | Both halves of a pair of texts are UTF-8.
2.1.3-1 | both | Reserved header flags have the value of their table.
2.2.1-2 | both | A PUBLISH of QoS 0 has no packet id.
2.2.1-3 | both | A client takes a packet id that is unused and not 0.
2.2.1-4 | server | The server takes a packet id that is unused and not 0.
2.2.1-5 | server | PUBACK, PUBREC, PUBREL and PUBCOMP carry the packet id of their PUBLISH.
2.2.1-6 | server | SUBACK and UNSUBACK carry the packet id of what they answer.
2.2.2-1 | both | A packet without properties says so by a length of 0.
3.1.0-1 | both | The first packet of a client is CONNECT.
3.1.0-2 | both | A second CONNECT is a protocol error that ends the connection.
3.1.2-1 | both | The protocol name is MQTT; another one may be answered with 0x84, and ends the connection.
3.1.2-2 | server | A version that is not served may be answered with 0x84, and ends the connection.
3.1.2-3 | both | The reserved connect flag is 0.
3.1.2-4 | server | Clean start discards the session there was and begins a new one.
3.1.2-5 | server | Without clean start the session of that client id goes on.
3.1.2-6 | server | Without clean start and without a session, one begins.
3.1.2-7 | server | A will is stored with the session.
3.1.2-8 | server | A will is published when its delay or the session ends, unless DISCONNECT 0 or a return came first.
3.1.2-9 | both | The will flag puts will properties, topic and payload into the packet.
3.1.2-10 | server | A will is forgotten once published or once DISCONNECT 0 has come.
3.1.2-11 | both | Without the will flag will QoS is 0.
3.1.2-12 | both | Will QoS is 0, 1 or 2.
3.1.2-13 | both | Without the will flag will retain is 0.
3.1.2-14 | server | A will without will retain is published as not retained.
3.1.2-15 | server | A will with will retain is published as retained.
3.1.2-16 | both | Without the user name flag there is no user name.
3.1.2-17 | both | With the user name flag there is one.
3.1.2-18 | both | Without the password flag there is no password.
3.1.2-19 | both | With the password flag there is one.
3.1.2-20 | client | A client with nothing else to say sends PINGREQ within its keep-alive.
3.1.2-21 | client | A client uses the server's keep-alive where CONNACK names one.
3.1.2-22 | server | A client silent for one and a half times its keep-alive is cut off as if the network had failed.
3.1.2-23 | server | A session with an expiry above 0 is kept when its connection ends.
3.1.2-24 | server | The server sends no packet larger than the client's maximum packet size.
3.1.2-25 | server | A message too large to be sent counts as sent.
3.1.2-26 | server | The server uses no topic alias above the client's maximum.
3.1.2-27 | server | The server uses no topic alias where the client allows none.
3.1.2-28 | server | Unasked, the server sends no response information.
3.1.2-29 | server | A client that asks for no problem information gets reason strings only in CONNACK and DISCONNECT.
3.1.2-30 | client | With an authentication method a client sends only AUTH and DISCONNECT before CONNACK.
3.1.3-1 | both | The fields of the payload come in the given order.
3.1.3-2 | server | The client id names the state of a session.
3.1.3-3 | both | The client id is there, and is the first field.
3.1.3-4 | both | The client id is UTF-8.
3.1.3-5 | server | Client ids of 1 to 23 letters and digits are accepted.
3.1.3-6 | server | An empty client id, where allowed, is replaced by a unique one.
3.1.3-7 | server | The assigned client id is used as if the client had given it, and told in CONNACK.
3.1.3-8 | server | A client id that is not accepted may be answered with 0x85, and ends the connection.
3.1.3-9 | server | A client that returns within the will delay has no will published.
3.1.3-10 | server | The user properties of a will keep their order.
3.1.3-11 | both | The will topic is UTF-8.
3.1.3-12 | both | The user name is UTF-8.
3.1.4-1 | server | A CONNECT of another form ends the connection.
3.1.4-2 | server | A CONNECT that fails a further check ends the connection.
3.1.4-3 | server | A client id that connects again sends DISCONNECT 0x8E to the connection that had it, and ends it.
3.1.4-4 | server | Clean start is dealt with before the answer.
3.1.4-5 | server | An accepted CONNECT is answered with reason code 0.
3.1.4-6 | server | Nothing but AUTH behind a refused CONNECT is processed.
3.2.0-1 | server | The server sends nothing but AUTH before its CONNACK.
3.2.0-2 | server | A connection sees one CONNACK.
3.2.2-1 | server | Of the flags of CONNACK all but session present are 0.
3.2.2-2 | server | Clean start is answered with session present 0.
3.2.2-3 | server | Without clean start session present says whether there was a session.
3.2.2-4 | client | A client without a session closes when told that there is one.
3.2.2-5 | client | A client with a session drops it when told that there is none.
3.2.2-6 | server | A refusal has session present 0.
3.2.2-7 | server | A reason code from 0x80 is followed by the end of the connection.
3.2.2-8 | server | CONNACK has a reason code of its table.
3.2.2-9 | not observable | A server that lacks QoS 1 or 2 says so by maximum QoS. | ${FULL}
3.2.2-10 | not observable | A server that lacks QoS 1 or 2 still takes SUBSCRIBE with any QoS. | ${FULL}
3.2.2-11 | client | A client keeps to the server's maximum QoS.
3.2.2-12 | not observable | A will above the server's maximum QoS is refused. | ${FULL}
3.2.2-13 | not observable | A retained will is refused by a server that retains nothing. | ${FULL}
3.2.2-14 | client | A client does not send RETAIN to a server that retains nothing.
3.2.2-15 | both | A client keeps to the server's maximum packet size.
3.2.2-16 | server | An assigned client id is told in CONNACK, and no other session has it.
3.2.2-17 | both | A client keeps to the server's topic alias maximum.
3.2.2-18 | client | A client uses no topic alias where the server allows none.
3.2.2-19 | server | A reason string does not make CONNACK larger than the client takes.
3.2.2-20 | not observable | User properties do not make CONNACK larger than the client takes. | ${OWN_EXTRAS}
3.2.2-21 | client | A client uses the server's keep-alive where CONNACK names one.
3.2.2-22 | server | Where CONNACK names no keep-alive the client's own holds.
3.3.1-1 | both | A PUBLISH that is sent again has DUP.
3.3.1-2 | both | A PUBLISH of QoS 0 has no DUP.
3.3.1-3 | server | DUP is not passed on from the publisher to subscribers.
3.3.1-4 | both | There is no QoS 3.
3.3.1-5 | server | A message with RETAIN replaces the retained message of its topic.
3.3.1-6 | server | An empty payload with RETAIN removes the retained message.
3.3.1-7 | server | An empty message is never retained.
3.3.1-8 | server | A message without RETAIN neither becomes the retained one nor removes it.
3.3.1-9 | server | Retain handling 0 sends the retained messages at every SUBSCRIBE.
3.3.1-10 | server | Retain handling 1 sends them only when the subscription is new.
3.3.1-11 | server | Retain handling 2 does not send them.
3.3.1-12 | server | Without retain-as-published, messages are forwarded without RETAIN.
3.3.1-13 | server | With retain-as-published, RETAIN is as the publisher set it.
3.3.2-1 | both | The topic is the first field of PUBLISH, and UTF-8.
3.3.2-2 | both | The topic of a PUBLISH has no wildcards.
3.3.2-3 | server | What a subscriber is sent matches its filter.
3.3.2-4 | server | The payload format indicator is passed on unaltered.
3.3.2-5 | server | A message whose expiry has passed before its delivery began is not delivered.
3.3.2-6 | server | The expiry a subscriber sees is less by the time the message waited.
3.3.2-7 | both | Topic aliases do not outlive their connection.
3.3.2-8 | both | Topic alias 0 is not sent.
3.3.2-9 | both | A client sends no topic alias above the server's maximum.
3.3.2-10 | client | A client takes every alias up to its maximum.
3.3.2-11 | server | The server sends no topic alias above the client's maximum.
3.3.2-12 | server | The server takes every alias up to its maximum.
3.3.2-13 | both | The response topic is UTF-8.
3.3.2-14 | both | The response topic has no wildcards.
3.3.2-15 | server | The response topic is passed on unaltered.
3.3.2-16 | server | Correlation data is passed on unaltered.
3.3.2-17 | server | User properties are passed on unaltered.
3.3.2-18 | server | User properties keep their order.
3.3.2-19 | both | The content type is UTF-8.
3.3.2-20 | server | The content type is passed on unaltered.
3.3.4-1 | server | A PUBLISH is answered as its QoS asks.
3.3.4-2 | server | Overlapping subscriptions deliver at the highest of their QoS.
3.3.4-3 | server | A delivery names the subscription identifiers it is owed to.
3.3.4-4 | server | A single copy names the identifiers of all matching subscriptions.
3.3.4-5 | not observable | Each of several copies names the identifier of its subscription. | The gateway sends one copy, which 3.3.4-4 tests.
3.3.4-6 | both | A client's PUBLISH has no subscription identifier.
3.3.4-7 | both | A client has no more PUBLISH packets open than the server's receive maximum.
3.3.4-8 | client | A client at that limit still sends other packets.
3.3.4-9 | server | The server has no more PUBLISH packets open than the client's receive maximum.
3.3.4-10 | server | The server at that limit still sends other packets.
3.4.2-1 | server | PUBACK has a reason code of its table.
3.4.2-2 | server | A reason string does not make PUBACK larger than the client takes.
3.4.2-3 | not observable | User properties do not make PUBACK larger than the client takes. | ${OWN_EXTRAS}
3.5.2-1 | server | PUBREC has a reason code of its table.
3.5.2-2 | server | A reason string does not make PUBREC larger than the client takes.
3.5.2-3 | not observable | User properties do not make PUBREC larger than the client takes. | ${OWN_EXTRAS}
3.6.1-1 | both | The header flags of PUBREL are 0010, or the connection is closed.
3.6.2-1 | server | PUBREL has a reason code of its table.
3.6.2-2 | not observable | A reason string does not make PUBREL larger than the client takes. | ${OWN_EXTRAS}
3.6.2-3 | not observable | User properties do not make PUBREL larger than the client takes. | ${OWN_EXTRAS}
3.7.2-1 | server | PUBCOMP has a reason code of its table.
3.7.2-2 | server | A reason string does not make PUBCOMP larger than the client takes.
3.7.2-3 | not observable | User properties do not make PUBCOMP larger than the client takes. | ${OWN_EXTRAS}
3.8.1-1 | both | The header flags of SUBSCRIBE are 0010, or the connection is closed.
3.8.3-1 | both | Filters of a SUBSCRIBE are UTF-8.
3.8.3-2 | both | A SUBSCRIBE names at least one filter.
3.8.3-3 | server | No-local keeps a client's own messages from it.
3.8.3-4 | both | No-local on a shared subscription is a protocol error.
3.8.3-5 | both | Reserved bits among the options make the packet malformed.
3.8.4-1 | server | SUBSCRIBE is answered with SUBACK.
3.8.4-2 | server | SUBACK has the packet id of its SUBSCRIBE.
3.8.4-3 | server | The same filter again replaces the subscription.
3.8.4-4 | server | With retain handling 0 that repeats retained messages, and loses nothing.
3.8.4-5 | server | Several filters are treated as several packets with one answer.
3.8.4-6 | server | SUBACK has a reason code for each filter.
3.8.4-7 | server | It says the granted QoS or the failure.
3.8.4-8 | server | A delivery has the lower of the published and the granted QoS.
3.9.2-1 | server | A reason string does not make SUBACK larger than the client takes.
3.9.2-2 | not observable | User properties do not make SUBACK larger than the client takes. | ${OWN_EXTRAS}
3.9.3-1 | server | The reason codes of SUBACK are in the order of the filters.
3.9.3-2 | server | SUBACK has reason codes of its table.
3.10.1-1 | both | The header flags of UNSUBSCRIBE are 0010, or the connection is closed.
3.10.3-1 | both | Filters of an UNSUBSCRIBE are UTF-8.
3.10.3-2 | both | An UNSUBSCRIBE names at least one filter.
3.10.4-1 | server | Filters are compared character by character; an equal one ends its subscription.
3.10.4-2 | server | A subscription that has ended gets no new messages.
3.10.4-3 | server | What it has begun to deliver above QoS 0 is brought to its end.
3.10.4-4 | server | UNSUBSCRIBE is answered with UNSUBACK.
3.10.4-5 | server | UNSUBACK has its packet id, also when there was nothing to end.
3.10.4-6 | server | Several filters are treated as several packets with one answer.
3.11.2-1 | server | A reason string does not make UNSUBACK larger than the client takes.
3.11.2-2 | not observable | User properties do not make UNSUBACK larger than the client takes. | ${OWN_EXTRAS}
3.11.3-1 | server | The reason codes of UNSUBACK are in the order of the filters.
3.11.3-2 | server | UNSUBACK has reason codes of its table.
3.12.4-1 | server | PINGREQ is answered with PINGRESP.
3.14.0-1 | server | The server sends no DISCONNECT before it has accepted the connection.
3.14.1-1 | both | The header flags of DISCONNECT are 0, or it is malformed: 0x81.
3.14.2-1 | server | DISCONNECT has a reason code of its table.
3.14.2-2 | server | The server's DISCONNECT has no session expiry.
3.14.2-3 | server | A reason string does not make DISCONNECT larger than the client takes.
3.14.2-4 | not observable | User properties do not make DISCONNECT larger than the client takes. | ${OWN_EXTRAS}
3.14.4-1 | both | Nothing is sent, and nothing is heeded, behind DISCONNECT.
3.14.4-2 | server | Who has sent DISCONNECT closes the connection.
3.14.4-3 | server | DISCONNECT with reason 0 discards the will.
3.15.1-1 | both | The header flags of AUTH are 0, or the connection is closed.
3.15.2-1 | both | AUTH has a reason code of its table.
3.15.2-2 | not observable | A reason string does not make AUTH larger than the client takes. | ${NO_AUTH}
3.15.2-3 | not observable | User properties do not make AUTH larger than the client takes. | ${NO_AUTH}
4.1.0-1 | server | A session is kept while its connection is open.
4.1.0-2 | server | A session is discarded when its expiry has passed without a connection.
4.2.0-1 | not observable | A server offers an ordered, lossless stream of bytes both ways. | Every test uses one: TCP, or WebSocket.
4.3.1-1 | server | QoS 0 is sent with QoS 0 and without DUP.
4.3.2-1 | server | QoS 1 is sent with an unused packet id.
4.3.2-2 | server | QoS 1 is sent the first time without DUP.
4.3.2-3 | server | QoS 1 is open until PUBACK.
4.3.2-4 | server | QoS 1 is answered with PUBACK once the message is accepted.
4.3.2-5 | server | Behind PUBACK the same packet id is a new message, with DUP or without.
4.3.3-1 | server | QoS 2 is sent with an unused packet id.
4.3.3-2 | server | QoS 2 is sent the first time without DUP.
4.3.3-3 | server | QoS 2 is open until PUBREC.
4.3.3-4 | server | PUBREC below 0x80 is answered with PUBREL of the same packet id.
4.3.3-5 | server | PUBREL is open until PUBCOMP.
4.3.3-6 | server | Behind PUBREL the PUBLISH is not sent again.
4.3.3-7 | server | A PUBLISH of QoS 2 that was sent does not expire any more.
4.3.3-8 | server | QoS 2 is answered with PUBREC once the message is accepted.
4.3.3-9 | server | Behind a refusing PUBREC the same packet id is a new message.
4.3.3-10 | server | Until PUBREL the same packet id is answered with PUBREC and delivered to nobody again.
4.3.3-11 | server | PUBREL is answered with PUBCOMP of the same packet id.
4.3.3-12 | server | Behind PUBCOMP the same packet id is a new message.
4.3.3-13 | server | The handshake goes on for a message that has expired.
4.4.0-1 | server | A client that returns to its session is sent again what it left open, and only then.
4.4.0-2 | server | A PUBLISH that was refused by PUBACK or PUBREC is not sent again.
4.5.0-1 | server | An accepted message joins the session of every matching subscriber.
4.5.0-2 | client | A client acknowledges what it is sent, wanted or not.
4.6.0-1 | client | A client sends again in the order of the first time.
4.6.0-2 | client | A client's PUBACK packets come in the order of what they answer.
4.6.0-3 | client | A client's PUBREC packets come in the order of what they answer.
4.6.0-4 | client | A client's PUBREL packets come in the order of what they answer.
4.6.0-5 | server | A client's messages on an ordered topic reach each subscriber in the order they were sent.
4.6.0-6 | server | Every topic is an ordered one for subscriptions that are not shared.
4.7.0-1 | both | Wildcards are for filters, not for topics.
4.7.1-1 | both | The wildcard # is the last level, whole.
4.7.1-2 | both | The wildcard + is a whole level, at any place.
4.7.2-1 | server | A filter that begins with a wildcard does not match a topic that begins with $.
4.7.3-1 | both | Topics and filters have at least one character.
4.7.3-2 | both | Topics and filters hold no U+0000.
4.7.3-3 | not observable | Topics and filters have at most 65,535 bytes. | Their length field cannot say more.
4.7.3-4 | server | Topics are compared as they are, without normalising or replacing anything.
4.8.2-1 | both | A shared subscription is $share/, a name of at least one character, and more.
4.8.2-2 | both | The name has no /, + and #; a / and a filter come behind it.
4.8.2-3 | server | Shared deliveries keep to the QoS granted to the member.
4.8.2-4 | server | A QoS 2 delivery cut short is brought to its end with the same member when it returns.
4.8.2-5 | server | If that member's session ends instead, no other member gets the message.
4.8.2-6 | server | A message that a member refuses is discarded and offered to no other member.
4.9.0-1 | server | The send quota is at first above 0 and at most the receive maximum.
4.9.0-2 | server | At quota 0 no PUBLISH above QoS 0 is sent.
4.9.0-3 | server | At quota 0 all other packets are still processed.
4.12.0-1 | server | An unknown authentication method may be answered with 0x8C or 0x87, and ends the connection.
4.12.0-2 | not observable | The server's AUTH before CONNACK says 0x18. | ${NO_AUTH}
4.12.0-3 | client | The client's AUTH before CONNACK says 0x18.
4.12.0-4 | not observable | An authentication refused halfway ends the connection. | ${NO_AUTH}
4.12.0-5 | not observable | AUTH and the accepting CONNACK repeat the client's authentication method. | ${NO_AUTH}
4.12.0-6 | server | Without a method in CONNECT the server sends neither AUTH nor a method.
4.12.0-7 | both | Without a method in CONNECT the client sends no AUTH.
4.12.1-1 | client | A client authenticates again with the method it began with.
4.12.1-2 | not observable | Authenticating again in vain ends the connection. | ${NO_AUTH}
4.13.1-1 | server | A malformed packet or a protocol error closes the connection.
4.13.2-1 | server | A reason code from 0x80 in CONNACK or DISCONNECT goes with the end of the connection.
6.0.0-1 | both | Over WebSocket packets travel in binary frames; any other frame closes the connection.
6.0.0-2 | server | Packets need not begin or end with a frame.
6.0.0-3 | client | A client offers the subprotocol mqtt.
6.0.0-4 | server | The server selects the subprotocol mqtt.
`,
);
