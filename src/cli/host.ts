/** A stream a command writes to. */
export interface Output {
  write(data: string | Uint8Array): void;
  /** A person reads it, not a program. */
  readonly isTerminal: boolean;
  /** Calls back when nobody reads it any more: `| head` has what it wanted. */
  onClosed(listener: () => void): void;
}

/** Signals that ask a command to end. */
export type EndSignal = "SIGINT" | "SIGTERM";

/** The process as a command sees it; tests give their own. */
export interface CliHost {
  /** What the command was asked for goes here. */
  readonly out: Output;
  /** Complaints and progress go here. */
  readonly err: Output;
  /** What is piped or typed in. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back at each signal that asks to end, until what is returned is called. */
  onEndSignal(listener: (signal: EndSignal) => void): () => void;
  /** Calls back at each signal that asks to read files again, until what is returned is called. */
  onReloadSignal(listener: () => void): () => void;
  /** Calls back at each signal that asks for more or fewer log lines, until what is returned is called. */
  onLogLevelSignal(listener: () => void): () => void;
  /** Calls back at a defect nobody caught; without a listener it ends the process. */
  onDefect(listener: (error: unknown) => void): () => void;
  /** What the process ends with once the command is done. */
  exitCode: number;
}

/** Exit codes, after `sysexits.h` where it has one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** EX_USAGE: the command line is wrong. */
  usage: 64,
  /** EX_SOFTWARE: a defect. */
  defect: 70,
  /** EX_CONFIG: the settings are wrong. */
  config: 78,
  /** 128 + signal number, as a shell reports a command that a signal ended. */
  interrupted: { SIGINT: 130, SIGTERM: 143 },
} as const;
