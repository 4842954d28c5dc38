import type { EgressName, IngressName } from "../plan.ts";
import type { Need, Question } from "./question.ts";

/** What a way in or out promises, as the README's table of delivery guarantees states it. */
export interface Semantics {
  /** The most it can be asked for. Nothing promises exactly once from end to end. */
  readonly most: Exclude<Need, "exactly-once">;
  /** What that rests on. */
  readonly how: string;
  readonly isInBrowsers: boolean;
}

const BY_ANSWER = "every publish with an id is answered after acceptance; repeat what is not";
const BY_CURSOR =
  "at most once live; at least once for a reader that resumes by cursor within the log's window";
const BY_SESSION =
  "a persistent session with QoS 1 keeps a message until the reader acknowledges it";

export const INGRESS_SEMANTICS: Readonly<Record<IngressName, Semantics>> = {
  "mqtt-qos0": { most: "at-most-once", how: "nothing is acknowledged", isInBrowsers: false },
  "mqtt-qos1": {
    most: "at-least-once",
    how: "PUBACK follows acceptance; what has none is sent again",
    isInBrowsers: false,
  },
  "mqtt-ws": {
    most: "at-least-once",
    how: "as MQTT with QoS 1, in WebSocket frames",
    isInBrowsers: true,
  },
  websocket: { most: "at-least-once", how: BY_ANSWER, isInBrowsers: true },
  "websocket-binary": { most: "at-least-once", how: BY_ANSWER, isInBrowsers: true },
  http: {
    most: "at-least-once",
    how: "202 follows acceptance; an Idempotency-Key makes a repeated POST harmless",
    isInBrowsers: true,
  },
  tcp: { most: "at-least-once", how: BY_ANSWER, isInBrowsers: false },
};

export const EGRESS_SEMANTICS: Readonly<Record<EgressName, Semantics>> = {
  mqtt: { most: "at-least-once", how: BY_SESSION, isInBrowsers: false },
  "mqtt-ws": { most: "at-least-once", how: BY_SESSION, isInBrowsers: true },
  websocket: { most: "at-least-once", how: BY_CURSOR, isInBrowsers: true },
  "websocket-binary": { most: "at-least-once", how: BY_CURSOR, isInBrowsers: true },
  sse: {
    most: "at-least-once",
    how: `${BY_CURSOR}; a browser's EventSource sends it as Last-Event-ID by itself`,
    isInBrowsers: true,
  },
  poll: { most: "at-least-once", how: BY_CURSOR, isInBrowsers: true },
  "plain-poll": { most: "at-least-once", how: BY_CURSOR, isInBrowsers: true },
  tcp: { most: "at-least-once", how: BY_CURSOR, isInBrowsers: false },
};

/** Why a way in cannot be the answer; `null` when it can. */
export function ingressObstacle(question: Question, name: IngressName): string | null {
  if (question.ingress !== null && question.ingress !== name) return "another one was asked for";
  const needsBrowser = question.browser === "publisher" || question.browser === "both";
  return obstacle(question, INGRESS_SEMANTICS[name], needsBrowser);
}

/** As {@link ingressObstacle}, for a way out. */
export function egressObstacle(question: Question, name: EgressName): string | null {
  if (question.egress !== null && question.egress !== name) return "another one was asked for";
  const needsBrowser = question.browser === "reader" || question.browser === "both";
  return obstacle(question, EGRESS_SEMANTICS[name], needsBrowser);
}

function obstacle({ need }: Question, semantics: Semantics, needsBrowser: boolean): string | null {
  if (needsBrowser && !semantics.isInBrowsers) return "no browser can open it";
  const needsMore = need === "at-least-once" || need === "exactly-once";
  if (needsMore && semantics.most === "at-most-once") return `at most once: ${semantics.how}`;
  return null;
}
