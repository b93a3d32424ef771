import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';

/** None of the configured secrets decrypts a box: the wrong APP_SECRET for this database, or tampering. */
export class CannotOpenError extends Error {}

interface BoxKey {
  id: string;
  key: Buffer;
}

/**
 * Encrypts secrets for the database: AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA-256
 * (RFC 5869) derives from APP_SECRET. The first secret encrypts; all of them decrypt.
 */
@Injectable()
export class SecretBox {
  private readonly keys: BoxKey[];

  constructor(config: Config) {
    this.keys = config.appSecrets.map((secret) => {
      const derive = (use: string, length: number) => Buffer.from(hkdfSync('sha256', secret, '', use, length));
      return { id: derive('latchkey box id', 6).toString('base64url'), key: derive('latchkey box key', 32) };
    });
  }

  /** @param label what is encrypted and for which row, as additional authenticated data: a box cannot be moved */
  seal(plaintext: Buffer, label: string): string {
    const { id, key } = this.keys[0]!;
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label));
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return ['1', id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
  }

  /** Whether a box was encrypted under another secret than the first. */
  isOutdated(box: string): boolean {
    return box.split('.')[1] !== this.keys[0]!.id;
  }

  /** Throws `CannotOpenError`. */
  open(box: string, label: string): Buffer {
    const [version, id, nonce, sealed] = box.split('.');
    const entry = this.keys.find((candidate) => candidate.id === id);
    if (version !== '1' || !entry || !nonce || !sealed) throw new CannotOpenError('No configured secret opens it');
    try {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', entry.key, Buffer.from(nonce, 'base64url'), {
        authTagLength: 16,
      })
        .setAAD(Buffer.from(label))
        .setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    } catch {
      throw new CannotOpenError('It was changed, or belongs to another row');
    }
  }
}
