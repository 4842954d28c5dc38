/** Time as the bus sees it; tests give a clock they move by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch, fractional, never decreasing while the process lives. */
  now(): number;
}
