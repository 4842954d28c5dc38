import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Inbox } from "./contract/inbox.ts";

/** A program nobody here wrote, or a script of its language's own library, read line by line. */
export class ForeignProgram {
  readonly #child: ChildProcess;
  readonly #lines = new Inbox<string>("foreign program");
  readonly #errors: string[] = [];

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error(`${command} has no output`);
    createInterface({ input: stdout }).on("line", (line) => this.#lines.push(line));
    createInterface({ input: stderr }).on("line", (line) => this.#errors.push(line));
    this.#child.on("error", (error) => this.#lines.fail(error));
    this.#child.on("close", (code) => {
      const said = this.#errors.join("\n");
      this.#lines.fail(new Error(`${command} ended with ${code}: ${said}`));
    });
  }

  /** The next line it prints. */
  line(): Promise<string> {
    return this.#lines.next();
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until it ends by itself; its exit code. */
  exit(): Promise<number | null> {
    if (this.#child.exitCode !== null) return Promise.resolve(this.#child.exitCode);
    return new Promise((resolve) => this.#child.on("close", resolve));
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.exit();
  }
}
