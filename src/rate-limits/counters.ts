/** The points of a key in its window. */
export interface Count {
  /** After this change: of parallel ones, each has a number of its own. */
  points: number;
  /** When the window ends, in milliseconds since the epoch. */
  expiresAt: number;
}

/** Counts points by key, in windows that begin with the first point of a key. */
export interface Counters {
  /** Adds a point, atomically. */
  add(key: string, windowMs: number): Promise<Count>;
  /** Takes a point back, unless its window, which ends at this time, is over. */
  giveBack(key: string, expiresAt: number): Promise<Count>;
  /** Null where nothing is counted. */
  find(key: string): Promise<Count | null>;
  /** Whether the key was counted. */
  delete(key: string): Promise<boolean>;
}
