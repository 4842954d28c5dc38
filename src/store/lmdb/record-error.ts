/** A record that is not what this process, or one before it, wrote: the file was damaged or tampered with. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}
