/** How long a test waits for something that must come. */
export const DEADLINE_MS = 10_000;

/** Values that arrive, handed out in order to whoever waits for them. */
export class Inbox<T> {
  readonly #name: string;
  readonly #values: T[] = [];
  #head = 0;
  #waiter: { resolve: (value: T) => void; reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  push(value: T): void {
    const waiter = this.#waiter;
    if (waiter === null) {
      this.#values.push(value);
      return;
    }
    this.#waiter = null;
    waiter.resolve(value);
  }

  /** Everything already here is still handed out; waiting for more fails. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#waiter?.reject(this.#failure);
    this.#waiter = null;
  }

  next(deadlineMs = DEADLINE_MS): Promise<T> {
    if (this.#head < this.#values.length) {
      const value = this.#values[this.#head] as T;
      this.#head += 1;
      return Promise.resolve(value);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiter = null;
        reject(new Error(`${this.#name}: nothing arrived within ${deadlineMs} ms`));
      }, deadlineMs);
      this.#waiter = {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }
}
