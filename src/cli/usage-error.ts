/** The command line is wrong in a way that its parser cannot see: options that do not go together. */
export class UsageError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "UsageError";
  }
}
