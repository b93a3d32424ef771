import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DevMailbox } from '../../../src/mail/dev-mailbox.js';
import type { TemplateName } from '../../../src/mail/templates.js';
import type { Http } from '../http/http.js';

/** A mail, and what its reader needs of it. */
export interface TestMail {
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The first link; empty where there is none. */
  link: string;
  /** All links, in their order. */
  links: string[];
  /** The token in the fragment of the first link that has one. */
  token: string;
  /** Six digits on a line of their own. */
  code: string;
}

type RawMail = Pick<TestMail, 'id' | 'to' | 'subject' | 'text' | 'html'>;

const DEADLINE_MS = 10_000;
const INTERVAL_MS = 20;

/** The mails that an application of this process has kept, newest first. */
export async function mailsOf(app: NestFastifyApplication): Promise<TestMail[]> {
  return (await app.get(DevMailbox).list()).map(toTestMail);
}

/** The mails that a server shows at `/dev/mail.json`, newest first. */
export async function mailsAt(http: Http): Promise<TestMail[]> {
  const { body } = await http.get<RawMail[]>('/dev/mail.json');
  return body.map(toTestMail);
}

/**
 * Waits for a mail. Each mail is returned once, the oldest first.
 *
 * @param template for an address that may get several mails: the one to wait for, in any language
 */
export async function nextMail(http: Http, to: string, template?: TemplateName): Promise<TestMail> {
  const seen = seenAt(http);
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const mails = (await mailsAt(http)).toReversed();
    const own = mails.filter((mail) => mail.to.toLowerCase() === to.toLowerCase() && !seen.has(mail.id));
    const found = own.find(({ subject }) => !template || subjectsOf(template).includes(subject));
    if (found) {
      seen.add(found.id);
      return found;
    }
    if (performance.now() > deadline) {
      const list = mails.map((mail) => `${mail.to}: ${mail.subject}`).join('; ');
      throw new Error(`No mail ${template ?? ''} to ${to}. There are: ${list}`);
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}

function subjectsOf(template: TemplateName): string[] {
  return ['en', 'de'].map((language) => {
    const text = readFileSync(`src/mail/templates/${language}/${template}.txt`, 'utf8');
    return /^Subject: (.+)$/m.exec(text)![1]!;
  });
}

const seenMails = new WeakMap<Http, Set<string>>();

function seenAt(http: Http): Set<string> {
  const seen = seenMails.get(http) ?? new Set<string>();
  seenMails.set(http, seen);
  return seen;
}

function toTestMail({ id, to, subject, text, html }: RawMail): TestMail {
  const links = [...text.matchAll(/https?:\/\/\S+/g)].map(([link]) => link);
  const [, token = ''] = links.map((link) => /#[a-z-]+=(.+)$/.exec(link)).find((match) => match !== null) ?? [];
  const [code = ''] = /^\d{6}$/m.exec(text) ?? [];
  return { id, to, subject, text, html, links, link: links[0] ?? '', token: decodeURIComponent(token), code };
}
