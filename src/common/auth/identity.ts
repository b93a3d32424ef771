/** Who is calling, as the access token says. Nothing here was read from the database. */
export interface Identity {
  userId: string;
  sessionId: string;
  /** The refresh generation that the access token came with. */
  generation: number;
  /** The user's `ver` when it was issued. */
  ver: number;
  roles: string[];
  /** When the person last proved who they are, in milliseconds since the epoch. */
  authTime: number;
  /** When the access token ends, in milliseconds since the epoch. */
  expiresAt: number;
  /** When it was issued, in milliseconds since the epoch. */
  issuedAt: number;
}
