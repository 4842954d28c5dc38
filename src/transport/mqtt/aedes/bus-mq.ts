type Done = (error?: Error | null) => void;

/**
 * Stands where aedes expects its message emitter. Fan-out is the bus's alone: a message has reached
 * every subscriber's queue when `authorizePublish` lets it pass, so `emit` has nothing left to do and
 * waits for nobody; aedes' own `$SYS` messages end here too. Everything calls back at once, so that
 * what one packet changes is in force before the next is handled.
 */
export class BusMq {
  on(_filter: string, _listener: unknown, done?: Done): void {
    done?.();
  }

  removeListener(_filter: string, _listener: unknown, done?: Done): void {
    done?.();
  }

  emit(_packet: unknown, done?: Done): void {
    done?.();
  }

  close(done?: Done): void {
    done?.();
  }
}
