import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';

const ID_BYTES = 16;
const TAG_BYTES = 16;
/** Characters of a cursor. */
export const CURSOR_LENGTH = Math.ceil(((ID_BYTES + TAG_BYTES) * 8) / 6);
/** What a cursor is good for: no other list, no other order. */
const SORT = 'security_events by id, descending';

/**
 * Cursors of the list of security events: the id of the last event that was shown, with an HMAC-SHA-256 of 128 bits that
 * binds it to the user and to the order. The key is derived from APP_SECRET by HKDF (RFC 5869). The first secret signs; all
 * of them verify.
 */
@Injectable()
export class EventCursors {
  private readonly keys: Buffer[];

  constructor({ appSecrets }: Config) {
    this.keys = appSecrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'latchkey page cursor key', 32)));
  }

  encode(userId: string, eventId: string): string {
    return encodeWith(this.keys[0]!, userId, eventId);
  }

  /** The id in a cursor of this user. Null for any other text: one that was modified, or that another user received. */
  decode(userId: string, cursor: string): string | null {
    const eventId = toUuid(Buffer.from(cursor, 'base64url').subarray(0, ID_BYTES));
    if (!eventId) return null;
    // The whole text is compared: base64url has several texts for the same bytes.
    const isOurs = this.keys.some((key) => isSame(encodeWith(key, userId, eventId), cursor));
    return isOurs ? eventId : null;
  }
}

function encodeWith(key: Buffer, userId: string, eventId: string): string {
  const tag = createHmac('sha256', key).update(`${SORT}\n${userId}\n${eventId}`).digest().subarray(0, TAG_BYTES);
  return Buffer.concat([Buffer.from(eventId.replaceAll('-', ''), 'hex'), tag]).toString('base64url');
}

function isSame(a: string, b: string): boolean {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
}

function toUuid(bytes: Buffer): string | null {
  if (bytes.length !== ID_BYTES) return null;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
