/** The caller of a guarded route, from the claims of its access token: nothing here was read from the database. */
export interface Identity {
  readonly userId: string;
  readonly sessionId: string;
  /** The refresh generation that the access token came with. */
  readonly generation: number;
  /** The user's token version (`ver`) when the token was issued. */
  readonly tokenVersion: number;
  readonly roles: readonly string[];
  /** When the user last authenticated, in milliseconds since the epoch. */
  readonly authTime: number;
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** When the access token was issued, in milliseconds since the epoch. */
  readonly issuedAt: number;
}
