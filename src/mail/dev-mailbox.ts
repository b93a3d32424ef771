import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import type { RenderedMail } from './mail.js';
import { MailSender, type SendResult } from './mail-sender.js';

const KEPT = 100;

export interface KeptMail extends RenderedMail {
  /** Milliseconds since the epoch. */
  createdAt: number;
}

/** Outside production, without SMTP_URL: keeps the last 100 mails in the database, for `/dev/mail`. */
@Injectable()
export class DevMailbox extends MailSender {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  async send({ id, to, subject, text, html }: RenderedMail): Promise<SendResult> {
    await this.database.transaction(async (transaction) => {
      await transaction.write(
        `INSERT INTO dev_mails (id, recipient, subject, text, html, created_at)
         VALUES ($1::uuid, $2, $3, $4, $5, $6::bigint) ON CONFLICT (id) DO NOTHING`,
        [id, to, subject, text, html, this.clock.now()],
      );
      await transaction.write(
        `DELETE FROM dev_mails WHERE id IN (SELECT id FROM dev_mails ORDER BY id DESC LIMIT 1000 OFFSET ${KEPT})`,
      );
    });
    return { isSent: true };
  }

  override close(): void {}

  /** Newest first. */
  list(): Promise<KeptMail[]> {
    return this.select('true ORDER BY created_at DESC, id DESC', []);
  }

  async find(id: string): Promise<KeptMail | null> {
    const [mail] = await this.select('id = $1::uuid', [id]);
    return mail ?? null;
  }

  private async select(where: string, parameters: string[]): Promise<KeptMail[]> {
    const rows = await this.database.read<RenderedMail & { recipient: string; created_at: number }>(
      `SELECT id, recipient, subject, text, html, created_at FROM dev_mails WHERE ${where}`,
      parameters,
    );
    return rows.map(({ id, recipient, subject, text, html, created_at }) => ({
      id,
      to: recipient,
      subject,
      text,
      html,
      createdAt: created_at,
    }));
  }
}
