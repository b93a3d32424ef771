import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { CompiledTemplates, type MailText } from './compiled-templates.js';
import type { Mail } from './mail.js';
import { TEMPLATES } from './templates.js';

const MAX_SUBJECT = 200;
/** Line breaks and other controls, and lines and paragraphs of Unicode. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** They show text in another order than it is written (CVE-2021-42574, "Trojan Source"). */
const DIRECTION_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Mail clients make links of these in plain text, too. Initials (`J.R.R.`) are none. */
const LIKE_A_LINK = /:\/\/|[\p{L}\p{N}]\.\p{L}{2,}/u;

/** Writes mails in the language of their readers. Everything that comes from users is inert in the result. */
@Injectable()
export class MailRenderer {
  private readonly templates: CompiledTemplates;
  private readonly app: string;

  /** Reads and checks the templates. Throws `UnusableTemplateError`. */
  constructor(config: Config) {
    this.templates = new CompiledTemplates(config.mailTemplates);
    this.app = config.mailFrom?.name || (config.appUrl === '' ? '' : new URL(config.appUrl).host);
  }

  /** Throws for data that is not what the template names: a bug of the feature. */
  render({ template, locale, data }: Mail): MailText {
    assertData(template, TEMPLATES[template].data, data);
    const language = this.templates.languageOf(template, locale);
    const inert = Object.fromEntries(
      Object.entries({ ...data, app: this.app }).map(([name, text]) => [name, clean(text)]),
    );
    // Whoever registers somebody else's address chooses the name that this mail greets.
    if (LIKE_A_LINK.test(inert['name']!)) inert['name'] = '';
    const { subject, text, html } = this.templates.render(template, language, inert);
    return { subject: clean(subject).slice(0, MAX_SUBJECT).toWellFormed().trim(), text, html };
  }
}

function clean(text: string): string {
  return text.toWellFormed().replace(CONTROLS, ' ').replace(DIRECTION_CONTROLS, '');
}

function assertData(template: string, names: readonly string[], data: Record<string, string>): void {
  const given = Object.keys(data);
  const wrong = [...names.filter((name) => !given.includes(name)), ...given.filter((name) => !names.includes(name))];
  if (wrong.length > 0) throw new Error(`The mail ${template} has other data than its template: ${wrong.join(', ')}`);
  for (const name of names.filter((one) => /link$/i.test(one))) {
    if (!/^https?:\/\//.test(data[name]!)) throw new Error(`${name} of the mail ${template} is no http(s) URL`);
  }
}
