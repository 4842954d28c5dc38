import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeTlsOptions } from "../client/node-tls.ts";
import type { Targets } from "../compare/driver/driver.ts";
import { GatewayProcess } from "../compare/gateway-process.ts";
import { type GatewayUnderTest, standingGateway } from "../compare/gateway-under-test.ts";
import { type Plan, PlanError } from "../compare/plan.ts";
import type { PlanPoint } from "../compare/plan-points.ts";
import { parseConfig } from "../config/load.ts";
import type { CompareOptions } from "./compare.ts";
import { readTlsOptions, wantsTls } from "./tls-options.ts";
import { UsageError } from "./usage-error.ts";

/** Where the gateway of each point comes from. */
export interface GatewaySource {
  /** What of the plan can be run there. */
  readonly plan: Plan;
  start(point: PlanPoint): Promise<GatewayUnderTest>;
  /** Removes what it left. */
  stop(): Promise<void>;
}

/** By the command line: one that stands, any broker, or a gateway of the run's own. */
export function gatewaySource(options: CompareOptions, plan: Plan): GatewaySource {
  if (options.target !== undefined) return standing(targetsOf(options.target, options), plan);
  if (options.mqtt === undefined && options.ws === undefined) return new OwnGateways(plan);
  const targets: Targets = {
    httpUrl: "",
    websocketUrl: "",
    mqttWebsocketUrl: options.ws ?? "",
    mqttUrl: options.mqtt ?? "",
    tcpUrl: null,
    tls: nodeTlsOptions(readTlsOptions(options)),
    ...(options.proxy === undefined ? {} : { proxyUrl: options.proxy }),
  };
  return standing(targets, withoutStrangers(plan, options));
}

function standing(targets: Targets, plan: Plan): GatewaySource {
  const schemes = [targets.httpUrl, targets.mqttUrl, targets.mqttWebsocketUrl];
  const tls = schemes.some((url) => /^(https|mqtts|wss):/.test(url));
  if (Array.isArray(plan.tls)) {
    throw new PlanError(plan.name, ["tls: a gateway that stands is of one kind; no sweep of it"]);
  }
  return {
    // What the addresses say is so, and the ledger must say it, too.
    plan: { ...plan, tls },
    start: async () => standingGateway(targets),
    stop: async () => undefined,
  };
}

/** The part of a plan that a bare MQTT broker can do, by the addresses that are known of it. */
function withoutStrangers(plan: Plan, { mqtt, ws }: CompareOptions): Plan {
  const isSpoken = (name: string): boolean =>
    name === "mqtt-ws" ? ws !== undefined : name.startsWith("mqtt") && mqtt !== undefined;
  const { repeatedIngress, repeatedEgress, ...rest } = plan;
  const ingress = plan.ingress.filter(isSpoken);
  const egress = plan.egress.filter(isSpoken);
  if (ingress.length === 0 || egress.length === 0) {
    throw new PlanError(plan.name, ["nothing in it is MQTT at an address that was given"]);
  }
  return {
    ...rest,
    ingress,
    egress,
    ...(repeatedIngress !== undefined && isSpoken(repeatedIngress) ? { repeatedIngress } : {}),
    ...(repeatedEgress !== undefined && isSpoken(repeatedEgress) ? { repeatedEgress } : {}),
  };
}

/** Days a certificate of a run is valid; the run is over long before. */
const CERTIFICATE_DAYS = 2;

/** A gateway of the run's own for every point, so that none inherits another's state. */
class OwnGateways implements GatewaySource {
  readonly plan: Plan;
  #directory: string | null = null;
  #ca = "";

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async start(point: PlanPoint): Promise<GatewayUnderTest> {
    // Said outright, so that the environment does not decide and the ledger knows.
    const mqttEngine = point.mqttVersion === "5.0" ? "native" : parseConfig({}).mqtt.engine;
    const settings = ["store.kind=memory", `mqtt.engine=${mqttEngine}`];
    if (point.compression) {
      // Compression is a factor of its own: small messages are compressed like large ones.
      settings.push("websocket.compression.enabled=true", "websocket.compression.thresholdBytes=0");
    }
    const facts = { mqttEngine };
    if (!point.tls) return GatewayProcess.start({ settings, tls: null, facts });
    this.#directory ??= await this.#certify();
    for (const listener of ["http", "mqtt", "tcp"]) {
      settings.push(
        `${listener}.tls.enabled=true`,
        `${listener}.tls.port=0`,
        `${listener}.tls.certFile=${join(this.#directory, "server.pem")}`,
        `${listener}.tls.keyFile=${join(this.#directory, "server-key.pem")}`,
      );
    }
    return GatewayProcess.start({ settings, tls: { ca: this.#ca }, facts });
  }

  async stop(): Promise<void> {
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }

  /** Makes a CA and a certificate that live as long as the run. */
  async #certify(): Promise<string> {
    // Loaded here: it would slow every other command down.
    const { DevelopmentCa } = await import("./development-ca.ts");
    const now = new Date();
    const ca = await DevelopmentCa.create(now);
    const hosts = ["localhost", "127.0.0.1"];
    const server = await ca.issue({ is: "server", hosts }, now, CERTIFICATE_DAYS);
    const directory = await mkdtemp(join(tmpdir(), "tributary-compare-"));
    await writeFile(join(directory, "server.pem"), server.cert);
    await writeFile(join(directory, "server-key.pem"), server.key, { mode: 0o600 });
    this.#ca = ca.pem.cert;
    return directory;
  }
}

/** What is not given is what the target's host offers by default, by TLS where the target does. */
function targetsOf(target: string, options: CompareOptions): Targets {
  const httpUrl = target.replace(/\/+$/, "");
  const { hostname, protocol } = new URL(httpUrl);
  const isSecure = protocol === "https:";
  if (wantsTls(options) && !isSecure) {
    throw new UsageError(`${target} is no address of TLS; one begins with https`);
  }
  const websocketUrl = options.ws ?? `${httpUrl.replace(/^http/, "ws")}/ws`;
  const [mqtt, tcp] = isSecure
    ? [`mqtts://${hostname}:8883`, `tls://${hostname}:7084`]
    : [`mqtt://${hostname}:1883`, `tcp://${hostname}:7083`];
  return {
    httpUrl,
    websocketUrl,
    mqttWebsocketUrl: websocketUrl.replace(/\/ws$/, "/mqtt"),
    mqttUrl: options.mqtt ?? mqtt,
    tcpUrl: options.tcp ?? tcp,
    tls: nodeTlsOptions(readTlsOptions(options)),
    ...(options.proxy === undefined ? {} : { proxyUrl: options.proxy }),
  };
}
