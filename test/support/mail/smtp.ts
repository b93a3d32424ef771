import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';

export interface ReceivedMail {
  /** The recipient of the envelope. */
  to: string;
  from: string;
  messageId: string;
  raw: string;
  parsed: Email;
}

/** What the server says to the next DATA, or to the recipient. */
type Refusal = { code: number; text?: string };

export interface TestSmtp {
  /** For SMTP_URL. */
  url: string;
  received: ReceivedMail[];
  /** Of all messages, those that were refused too. */
  messageIds: string[];
  /** How many mails were begun: recipients accepted or refused. */
  attempts: () => number;
  /** Refuses recipients; null accepts them again. */
  refuseRecipients: (refusal: Refusal | null) => void;
  /** Refuses messages; null accepts them again. */
  refuseMessages: (refusal: Refusal | null) => void;
  /** From now on the response to DATA is held back. Resolves when a message has arrived; `release` responds. */
  hold: () => { held: Promise<ReceivedMail>; release: () => void };
  close: () => Promise<void>;
}

/** The variables of a server that sends mail to `smtp`. */
export const smtpEnv = ({ url }: TestSmtp): Record<string, string> => ({
  SMTP_URL: url,
  MAIL_FROM: 'Latchkey <no-reply@latchkey.example>',
  APP_URL: 'https://app.example.com/auth',
});

/** A real SMTP server on a port of this machine, which keeps what it receives. */
export async function startSmtp(options: SMTPServerOptions = {}, port: number = 0): Promise<TestSmtp> {
  const received: ReceivedMail[] = [];
  const messageIds: string[] = [];
  let attempts = 0;
  let recipients: Refusal | null = null;
  let messages: Refusal | null = null;
  let holding: { arrived: (mail: ReceivedMail) => void; released: Promise<void> } | null = null;

  async function keep(stream: AsyncIterable<Buffer>, session: SMTPServerSession): Promise<Error | null> {
    const mail = await toMail(stream, session);
    messageIds.push(mail.messageId);
    if (holding) {
      holding.arrived(mail);
      await holding.released;
    }
    if (messages) return refusal(messages);
    received.push(mail);
    return null;
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    closeTimeout: 100,
    onRcptTo: (_address, _session, done) => {
      attempts++;
      done(recipients && refusal(recipients));
    },
    // The client may be killed while it sends the message.
    onData: async (stream, session, done) => {
      const aborted = (error: Error) => error;
      done(await keep(stream, session).catch(aborted));
    },
    ...options,
  });
  server.on('error', () => {});
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address() as AddressInfo;
  return {
    url: `${options.secure ? 'smtps' : 'smtp'}://127.0.0.1:${address.port}`,
    received,
    messageIds,
    attempts: () => attempts,
    refuseRecipients: (to) => void (recipients = to),
    refuseMessages: (to) => void (messages = to),
    hold: () => {
      let release = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      const held = new Promise<ReceivedMail>((arrived) => (holding = { arrived, released }));
      return {
        held,
        release: () => {
          holding = null;
          release();
        },
      };
    },
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

function refusal({ code, text = 'Not now' }: Refusal): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

async function toMail(stream: AsyncIterable<Buffer>, { envelope }: SMTPServerSession): Promise<ReceivedMail> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const raw = Buffer.concat(chunks).toString();
  const parsed = await PostalMime.parse(raw);
  const from = envelope.mailFrom ? envelope.mailFrom.address : '';
  return {
    to: envelope.rcptTo.map(({ address }) => address).join(),
    from,
    messageId: parsed.messageId ?? '',
    raw,
    parsed,
  };
}
