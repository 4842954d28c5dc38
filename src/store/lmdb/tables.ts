/**
 * The tables of the store, each a named database of one lmdb environment.
 *
 * `log` chunks of messages · `index` which chunk holds which topic · `topics`, `topicNames` topics and
 * their numbers · `epochs` lifetimes of the sequence · `holes` offsets whose commit failed · `kept`
 * messages needed beyond the window · `meta` what there is one of · the others belong to the stores
 * of their names.
 */
export const TABLES = [
  "log",
  "index",
  "topics",
  "topicNames",
  "epochs",
  "holes",
  "kept",
  "meta",
  "retained",
  "sessions",
  "sessionQueues",
  "keys",
] as const;

/** One table; keys and values are bytes, keys in the order of their bytes and at most 1,978 long. */
export type TableName = (typeof TABLES)[number];

/** lmdb's limit on the bytes of a key with pages of 4 KiB. */
export const MAX_KEY_BYTES = 1_978;
