import { GatewayError } from "../../errors.ts";
import { Fields, parseJson } from "../../wire/fields.ts";
import { readBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpServices } from "./options.ts";
import { QueryParameters } from "./query-parameters.ts";
import { checkAdmin } from "./status.ts";

/** More than any level takes. */
const MAX_BODY_BYTES = 1_024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** `/v1/log-level`: how much is logged, to be read and changed while the gateway runs. */
export class LogLevelHandler {
  readonly #services: HttpServices;

  constructor(services: HttpServices) {
    this.#services = services;
  }

  handleRead(exchange: Exchange): void {
    this.#asAdmin(exchange, () => this.#answer(exchange));
  }

  /** `PUT` with `{"level":"debug"}`. */
  handleChange(exchange: Exchange): void {
    this.#asAdmin(exchange, () =>
      readBody(exchange, MAX_BODY_BYTES, (body) => {
        const { logLevel } = this.#services;
        const fields = new Fields(parseJson(decode(body), "body"), "body");
        fields.only(new Set(["level"]));
        const level = fields.oneOf("level", logLevel.levels);
        logLevel.change(level, "http");
        this.#answer(exchange);
      }),
    );
  }

  #asAdmin(exchange: Exchange, next: () => void): void {
    exchange.identified((identity) => {
      checkAdmin(identity, (asking) => this.#services.isAdmin(asking));
      new QueryParameters(exchange.target.rawQuery, []);
      exchange.connection.session("http", identity);
      next();
    });
  }

  #answer(exchange: Exchange): void {
    exchange.json(200, JSON.stringify({ level: this.#services.logLevel.level }));
  }
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new GatewayError("bad_request", "body is not UTF-8", { cause });
  }
}
