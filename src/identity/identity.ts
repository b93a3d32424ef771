/** Who is calling, as the access token says. Nothing here was read from the database. */
export interface Identity {
  readonly userId: string;
  readonly sessionId: string;
  /** The refresh generation that the access token came with. */
  readonly generation: number;
  /** The user's `ver` when it was issued. */
  readonly ver: number;
  readonly roles: readonly string[];
  /** When the person last proved who they are, in milliseconds since the epoch. */
  readonly authTime: number;
  /** When the access token ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** When it was issued, in milliseconds since the epoch. */
  readonly issuedAt: number;
}
