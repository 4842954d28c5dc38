import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Endpoint, endpointOf, readProxy, type Via } from "../../src/cli/endpoint.ts";
import { describeFailure, type Incoming } from "../../src/cli/link.ts";
import { openPublisher, openReader } from "../../src/cli/open-link.ts";
import { DRIVERS } from "../../src/compare/driver/drivers.ts";
import type { Targets } from "../../src/compare/driver/driver.ts";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { DEFAULT_FACTORS } from "../../src/compare/plan-factors.ts";
import { closedPort } from "../support/closed-port.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { ProxyServer, type ProxyServerOptions } from "../support/proxy-server.ts";
import { CertificateFolder, startTlsGateway } from "../support/tls.ts";

const KINDS = ["socks5", "http"] as const;
const WAYS: readonly (readonly [Via, Via])[] = [
  ["mqtt", "mqtt"],
  ["mqtt-ws", "mqtt-ws"],
  ["websocket", "websocket"],
  ["websocket-binary", "websocket-binary"],
  ["http", "sse"],
  ["http", "poll"],
  ["tcp", "tcp"],
];

let gateway: RunningGateway;
let proxies: ProxyServer[] = [];

beforeAll(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  proxies = [];
});

afterAll(() => gateway.stop());

async function startProxy(options: ProxyServerOptions): Promise<ProxyServer> {
  const proxy = await ProxyServer.start(options);
  proxies.push(proxy);
  return proxy;
}

function portOf(via: Via): number {
  const { http, mqtt, tcp } = gateway.urls;
  if (via === "mqtt") return Number(new URL(mqtt).port);
  return via === "tcp" ? tcp.port : Number(new URL(http).port);
}

function endpoint(via: Via, proxy: string): Endpoint {
  return endpointOf({ via, host: "127.0.0.1", port: portOf(via), proxy });
}

/** Publishes by one way and reads by another, both through the proxy; what was read. */
async function exchange(ingress: Endpoint, egress: Endpoint): Promise<Incoming> {
  let received: (message: Incoming) => void = () => undefined;
  const arrival = new Promise<Incoming>((resolve) => {
    received = resolve;
  });
  const request = { filters: ["proxied/#"], qos: 1, start: "now", wantsRetained: false } as const;
  const reader = await openReader(egress, request, {
    onMessage: (message) => received(message),
    onNotice: () => undefined,
  });
  const publisher = await openPublisher(ingress);
  await publisher.publish({
    topic: `proxied/${egress.via}`,
    payload: Buffer.from("through"),
    qos: 1,
    retain: false,
  });
  const message = await arrival;
  await publisher.close();
  await reader.close();
  return message;
}

describe.each(KINDS)("through a proxy of %s", (kind) => {
  test.each(WAYS)("%s publishes and %s reads", async (ingress, egress) => {
    const proxy = await startProxy({ kind });
    const message = await exchange(endpoint(ingress, proxy.url), endpoint(egress, proxy.url));
    expect(Buffer.from(message.payload).toString()).toBe("through");
    // Nothing went past the proxy: each of the two connected by it.
    const wanted = [ingress, egress].map((via) => `127.0.0.1:${portOf(via)}`);
    expect(proxy.destinations).toEqual(expect.arrayContaining(wanted));
  });

  test("credentials are shown, and wrong ones are told as such without the password", async () => {
    const credentials = { user: "plant", password: "s3cret" };
    const proxy = await startProxy({ kind, credentials });
    await exchange(endpoint("tcp", proxy.url), endpoint("websocket", proxy.url));
    const wrong = endpoint("tcp", proxy.url.replace("s3cret", "gu3ss"));
    const failure = await openPublisher(wrong).then(
      () => null,
      (cause: unknown) => describeFailure(cause, wrong),
    );
    expect(failure).toMatch(/proxy/);
    expect(failure).not.toMatch(/gu3ss|s3cret/);
  });

  test.each(["mqtt", "mqtt-ws", "websocket", "sse", "poll", "tcp"] as const)(
    "a proxy that refuses %s is named as what refused",
    async (via) => {
      const proxy = await startProxy({ kind, refuses: true });
      const place = endpoint(via, proxy.url);
      const request = { filters: ["x"], qos: 0, start: "now", wantsRetained: false } as const;
      const handlers = { onMessage: () => undefined, onNotice: () => undefined };
      const failure = await openReader(place, request, handlers).then(
        () => "connected",
        (cause: unknown) => describeFailure(cause, place),
      );
      expect(failure).toContain(new URL(proxy.url).host);
    },
  );

  test("every driver of the comparison publishes and reads", async () => {
    const proxy = await startProxy({ kind });
    const { http, mqtt, tcp } = gateway.urls;
    const websocket = http.replace(/^http/, "ws");
    const targets: Targets = {
      httpUrl: http,
      websocketUrl: `${websocket}/ws`,
      mqttWebsocketUrl: `${websocket}/mqtt`,
      mqttUrl: mqtt,
      tcpUrl: `tcp://127.0.0.1:${tcp.port}`,
      tls: {},
      proxyUrl: proxy.url,
    };
    const factors = { ...DEFAULT_FACTORS, plainPollIntervalMs: 20 };
    const subscription = {
      filter: "drivers/+",
      start: { from: "now", wantsRetained: false },
    } as const;
    const context = (clientId: string) => ({
      targets,
      factors,
      clientId,
      onFailure: (cause: Error) => {
        throw cause;
      },
    });
    const wanted = INGRESS_NAMES.length * EGRESS_NAMES.length;
    let left = wanted;
    let done: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const readers = await Promise.all(
      EGRESS_NAMES.map((name) =>
        DRIVERS.readers[name](context(`r-${name}`), subscription, () => {
          left -= 1;
          if (left === 0) done();
        }),
      ),
    );
    const publishers = await Promise.all(
      INGRESS_NAMES.map((name) => DRIVERS.publishers[name](context(`p-${name}`))),
    );
    await Promise.all(
      publishers.map((each, index) =>
        each.publish({ topic: `drivers/${index}`, payload: Buffer.from("x") }),
      ),
    );
    await all;
    expect(proxy.destinations.length).toBeGreaterThanOrEqual(readers.length + publishers.length);
    await Promise.all([...readers, ...publishers].map((each) => each.close()));
  });
});

test("TLS goes on to the gateway, whose name is checked, and the proxy is asked for that name", async () => {
  const certificates = await CertificateFolder.create();
  const secure = await startTlsGateway({
    http: { tls: certificates.listener() },
    mqtt: { tls: certificates.listener() },
    tcp: { tls: certificates.listener() },
  });
  const schemes = { mqtt: "mqtts", websocket: "https", sse: "https", tcp: "tls" } as const;
  for (const kind of KINDS) {
    const proxy = await startProxy({ kind });
    for (const via of ["mqtt", "websocket", "sse", "tcp"] as const) {
      const port = secure.port(schemes[via]);
      const by = (each: Via, host: string): Endpoint =>
        endpointOf({
          via: each,
          host,
          port: each === "http" ? secure.port("https") : port,
          proxy: proxy.url,
          ca: certificates.file("ca.pem"),
        });
      const ingress = via === "sse" ? "http" : via;
      await exchange(by(ingress, "localhost"), by(via, "localhost"));
      expect(proxy.destinations).toContain(`localhost:${port}`);
    }
  }
  await secure.stop();
  await certificates.remove();
});

test("nothing answers at the proxy: the proxy is blamed, not the gateway", async () => {
  const place = endpoint("websocket", `socks5://127.0.0.1:${await closedPort()}`);
  const failure = await openPublisher(place).then(
    () => "connected",
    (cause: unknown) => describeFailure(cause, place),
  );
  expect(failure).toMatch(/proxy socks5:.*nothing answers there/);
});

describe("addresses of proxies", () => {
  test.each([
    ["socks4://h:1", /no way through a proxy of socks4/],
    ["ftp://h:1", /known are socks5, socks5h, http, https/],
    ["h:1", /no way|given as/],
    ["http://h:1/path", /no more/],
    ["nonsense", /given as/],
  ])("%s is refused with what is known", (text, why) => {
    expect(() => readProxy(text)).toThrow(why);
  });

  test("ports have the defaults of their kind, and a user may be escaped", () => {
    expect(readProxy("socks5://h")).toMatchObject({ kind: "socks5", port: 1080 });
    expect(readProxy("http://a%40b:c%3A@h")).toMatchObject({
      port: 80,
      credentials: { user: "a@b", password: "c:" },
    });
    expect(readProxy("https://[::1]:8")).toMatchObject({ host: "::1", port: 8 });
    expect(readProxy(undefined)).toBeNull();
  });
});
