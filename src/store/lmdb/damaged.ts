import { StoreError } from "../../bus/store-port.ts";
import { RecordError } from "./record-error.ts";

/**
 * What opening the store says to a record that cannot be read: the store is damaged, `what` names the
 * record. Anything but a {@link RecordError} is passed on as it is.
 */
export function damagedBy(error: unknown, what: string): unknown {
  if (!(error instanceof RecordError)) return error;
  return new StoreError(
    `the store is damaged: a record of ${what} ${error.message}; restore the directory from a backup, or remove it to begin anew`,
    { cause: error },
  );
}
