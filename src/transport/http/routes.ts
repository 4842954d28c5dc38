import type { Exchange } from "./exchange.ts";

/** Answers one exchange, at once or later; what it throws becomes the refusal. */
export type ExchangeHandler = (exchange: Exchange) => void;

/** The handlers of one path, by method. */
export class Route {
  readonly #handlers: ReadonlyMap<string, ExchangeHandler>;
  /** The methods there are, as the `Allow` header lists them. */
  readonly allow: string;

  constructor(handlers: Readonly<Record<string, ExchangeHandler>>) {
    this.#handlers = new Map(Object.entries(handlers));
    this.allow = [...this.#handlers.keys(), "OPTIONS"].join(", ");
  }

  /** Refuses a method that has no handler with `method_not_allowed`. */
  run(exchange: Exchange): void {
    const handler = this.#handlers.get(exchange.request.method ?? "");
    if (handler === undefined) exchange.refuseMethod(this.allow);
    else handler(exchange);
  }
}
