import { parseStrace, quotedBytes, type SystemCall } from "./strace-text.ts";

/** Bytes that went to the store's file. */
export interface DiskWrite {
  readonly offset: number;
  readonly bytes: Buffer;
  /** Through a descriptor that was opened with O_DSYNC: on the disk when the call ends. */
  readonly isSynced: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Everything written before it started is on the disk once it ended. */
export interface DiskSync {
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Bytes that went to a client. */
export interface SocketWrite {
  /** The gateway's own port of the connection. */
  readonly port: number;
  readonly bytes: Buffer;
  readonly startedAt: number;
}

/** What a gateway wrote to the store's file and to its clients, in one order. */
export interface DiskRecording {
  readonly writes: readonly DiskWrite[];
  readonly syncs: readonly DiskSync[];
  readonly sockets: readonly SocketWrite[];
}

/** Everything that changes the file, makes it durable, or tells a client about it. */
export const TRACED_CALLS = [
  "openat",
  "close",
  "lseek",
  "write",
  "writev",
  "pwrite64",
  "pwritev",
  "pwritev2",
  "sendto",
  "sendmsg",
  "ftruncate",
  "fallocate",
  "fsync",
  "fdatasync",
  "sync_file_range",
  "msync",
].join(",");

const FILE = /^(\d+)<([^>]*)>/;
const SOCKET = /^\d+<TCP(?:v6)?:\[[^\]]*?:(\d+)->/;

interface OpenFile {
  readonly isSynced: boolean;
  position: number;
}

/** Reads a trace for one file. Throws at a call whose effect on it is not understood. */
export function readRecording(text: string, path: string): DiskRecording {
  const reader = new RecordingReader(path);
  for (const call of parseStrace(text)) reader.take(call);
  return reader;
}

class RecordingReader implements DiskRecording {
  readonly writes: DiskWrite[] = [];
  readonly syncs: DiskSync[] = [];
  readonly sockets: SocketWrite[] = [];
  readonly #path: string;
  readonly #open = new Map<string, OpenFile>();

  constructor(path: string) {
    this.#path = path;
  }

  take(call: SystemCall): void {
    if (call.name === "openat") this.#opened(call);
    const socket = SOCKET.exec(call.args);
    if (socket !== null) this.#takeSocket(call, Number(socket[1]));
    const [, descriptor = "", path] = FILE.exec(call.args) ?? [];
    if (path === this.#path) this.#takeFile(call, descriptor);
  }

  #opened({ args, result }: SystemCall): void {
    if (result === null || result < 0 || !args.includes(`"${this.#path}"`)) return;
    this.#open.set(String(result), { isSynced: /O_D?SYNC/.test(args), position: 0 });
  }

  #takeSocket({ name, args, result, startedAt }: SystemCall, port: number): void {
    if (!/^(write|writev|sendto|sendmsg)$/.test(name)) return;
    const bytes = writtenBytes(args, result);
    if (bytes.length > 0) this.sockets.push({ port, bytes, startedAt });
  }

  #takeFile(call: SystemCall, descriptor: string): void {
    const file = this.#open.get(descriptor);
    if (file === undefined) throw new Error(`${this.#path}: ${call.name} of an unknown descriptor`);
    const { name, args, result, startedAt, endedAt } = call;
    if (name === "close") this.#open.delete(descriptor);
    else if (name === "lseek") file.position = result ?? file.position;
    else if (name === "fsync" || name === "fdatasync") this.#takeSync(call);
    else if (/^p?write(v|v2|64)?$/.test(name)) {
      const isAtPosition = name.startsWith("write");
      const offset = isAtPosition ? file.position : Number(/, (\d+)$/.exec(args)?.[1]);
      const bytes = writtenBytes(args, result);
      if (isAtPosition) file.position += bytes.length;
      this.writes.push({ offset, bytes, isSynced: file.isSynced, startedAt, endedAt });
    } else throw new Error(`${this.#path}: no model of ${name}`);
  }

  #takeSync({ result, startedAt, endedAt }: SystemCall): void {
    if (result === 0) this.syncs.push({ startedAt, endedAt });
  }
}

/** A process that is killed within a call may have written all of it. */
function writtenBytes(args: string, result: number | null): Buffer {
  const bytes = quotedBytes(args);
  return result === null ? bytes : bytes.subarray(0, Math.max(0, result));
}
