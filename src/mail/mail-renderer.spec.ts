import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load-config.js';
import type { Mail } from './mail.js';
import { MailRenderer } from './mail-renderer.js';
import { UnusableTemplateError } from './template-files.js';
import { TEMPLATE_NAMES, TEMPLATES, type TemplateName } from './templates.js';

const APP_SECRET = 'thirty-two bytes and not one more';
const rendererWith = (env: Record<string, string> = {}) => new MailRenderer(loadConfig({ APP_SECRET, ...env }));
const LINK = 'https://app.example.com/#reset-password=t"><script>alert(1)</script>&x=1';
const HOSTILE = `<script>alert("1")</script> & 'Ada' %>\r\nBcc: x@evil.example\u202e\u2066\u2028\0\ud800`;
/** HOSTILE without line breaks, controls and direction controls. */
const INERT = `<script>alert("1")</script> & 'Ada' %> Bcc: x@evil.example \ufffd`;

function mail(template: TemplateName, value: string, locale: string | null = null): Mail {
  const entries = TEMPLATES[template].data.map((name) => [name, /link$/i.test(name) ? LINK : `${name} ${value}`]);
  return { template, to: 'ada@example.com', locale, data: Object.fromEntries(entries) as Record<string, string> };
}

const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

describe.each(['en', 'de'])('every template in %s', (locale) => {
  const renderer = rendererWith();

  it.each(TEMPLATE_NAMES)('%s has every datum once or more, escaped, and nothing else of it', (template) => {
    // A name like a link is left out: see below.
    const hostile = HOSTILE.replace('x@evil.example', 'x');
    const inert = INERT.replace('x@evil.example', 'x');
    const { subject, text, html } = renderer.render(mail(template, hostile, locale));
    for (const name of TEMPLATES[template].data) {
      const expected = /link$/i.test(name) ? LINK : `${name} ${inert}`;
      expect(text).toContain(expected);
      expect(html).toContain(escapeHtml(expected));
    }
    for (const part of [subject, text, html]) {
      expect(part).not.toMatch(/[\u202e\u2066\u2028\0\r]|undefined|\[object|<%/);
      expect(part.isWellFormed()).toBe(true);
    }
    expect(subject).toMatch(/^[^\n]{10,80}$/);
    expect(html).not.toMatch(/<script|\nBcc/);
    expect(text).not.toMatch(/\nBcc/);
    expect(html).toMatch(new RegExp(`^<!doctype html>\\n<html lang="${locale}">`));
    // No tracking and no remote images: the links are the only addresses.
    const addresses = [...html.matchAll(/\b(?:src|href|url)\s*[=(]\s*"?([^"]*)/g)].map(([, address]) => address);
    expect(new Set(addresses)).toEqual(new Set(/href/.test(html) ? [escapeHtml(LINK)] : []));
    expect(html).toContain('<meta name="color-scheme" content="light dark" />');
    expect(html).not.toMatch(/color:|background/);
  });

  it('says how long links and codes are valid, and to ignore them otherwise', () => {
    const validity = { 'verify-email': '24', 'reset-password': '1', 'confirm-email-change': '24' };
    for (const [template, hours] of Object.entries(validity)) {
      const { text } = renderer.render(mail(template as TemplateName, 'x', locale));
      expect(text).toMatch(new RegExp(`\\b${hours} (hour|Stunde)`));
      expect(text).toMatch(/\b10 [Mm]inute/);
      expect(text).toMatch(locale === 'en' ? /If it was not you, ignore this mail/ : /ignorieren Sie diese Mail/);
    }
  });
});

describe('a mail', () => {
  const renderer = rendererWith();

  it.each([
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE-Latn-AT', 'de'],
    ['en-GB', 'en'],
    ['fr', 'en'],
    ['', 'en'],
    [null, 'en'],
    ['../de', 'en'],
    ['-', 'en'],
    ['de-'.repeat(50), 'de'],
  ])('for the locale %j is in %s', (locale, language) => {
    expect(renderer.render(mail('account-deleted', 'x', locale)).html).toContain(`<html lang="${language}">`);
  });

  it('greets without a name where there is none, and where it looks like a link', () => {
    const greeting = (name: string) =>
      renderer
        .render({ template: 'account-deleted', to: 'a@b.test', locale: 'en', data: { name } })
        .text.split('\n')[0];
    expect(greeting('Ada')).toBe('Hello Ada,');
    expect(greeting('J.R.R. Tolkien, Ph.D.')).toBe('Hello J.R.R. Tolkien, Ph.D.,');
    for (const name of ['', 'Win at evil.example', 'https://evil', 'see WWW.EVIL.example now']) {
      expect(greeting(name)).toBe('Hello,');
    }
  });

  it('names the service: by MAIL_FROM, or the host of APP_URL', () => {
    const text = (env: Record<string, string>) => rendererWith(env).render(mail('account-deleted', 'x')).text;
    expect(text({ APP_URL: 'https://shop.example/x' })).toContain('Your account at shop.example was deleted');
    expect(text({ MAIL_FROM: 'Ada’s Shop <a@shop.example>' })).toContain('Your account at Ada’s Shop was deleted');
  });

  it.each([
    ['a missing datum', { name: 'Ada' }],
    ['another datum', { ...mail('verify-email', 'x').data, extra: 'x' }],
    ['a link that is none', { ...mail('verify-email', 'x').data, link: 'javascript:alert(1)' }],
  ])('is not written with %s', (_, data) => {
    expect(() => renderer.render({ ...mail('verify-email', 'x'), data })).toThrow(/verify-email/);
  });
});

describe('MAIL_TEMPLATES', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-templates-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, content: string): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const renderer = () => rendererWith({ MAIL_TEMPLATES: folder });

  it('replaces single files, and adds languages', () => {
    write('en/account-deleted.txt', 'Subject: Bye <%= it.name %>\n\nBye.\n');
    write('fr/account-deleted.txt', 'Subject: Adieu\n\nAdieu <%= it.name %>.\n');
    write('fr/account-deleted.html', '<p>Adieu <%= it.name %>.</p>\n');
    write('.hidden/file', '');
    const english = renderer().render(mail('account-deleted', 'x', 'en'));
    expect([english.subject, english.text]).toEqual(['Bye name x', 'Bye.\n']);
    expect(english.html).toContain('was deleted');
    const french = renderer().render(mail('account-deleted', '<b>', 'fr-CA'));
    expect(french).toMatchObject({ subject: 'Adieu', text: 'Adieu name <b>.\n' });
    expect(french.html).toMatch(/<html lang="fr">[^]*<p>Adieu name &lt;b&gt;.<\/p>/);
    expect(renderer().render(mail('email-change-undone', 'x', 'fr')).html).toContain('<html lang="en">');
  });

  it('keeps a name out of the headers, also where a template puts it into the subject', () => {
    write('en/account-deleted.txt', 'Subject: Bye <%= it.name %>\n\nBye.\n');
    const { subject } = renderer().render(mail('account-deleted', 'Ada\r\nBcc: x\n\n<b>'));
    expect(subject).toBe('Bye name Ada Bcc: x <b>');
  });

  it.each([
    ['en/unknown.txt', 'Subject: x\n\nx', /en\/unknown\.txt is no template/],
    ['en/verify-email.md', 'x', /verify-email\.md is no template/],
    ['verify-email.txt', 'x', /verify-email\.txt is no template/],
    ['EN/verify-email.txt', 'x', /EN\/verify-email\.txt is no template/],
    ['en/verify-email.html', '<%= it.name', /en\/verify-email\.html does not compile: .*unclosed tag/],
    ['en/verify-email.html', '<% if ( %>', /en\/verify-email\.html does not compile: /],
    ['en/verify-email.html', '<%= it.password %>', /verify-email\.html does not compile: there is no password/],
    ['en/verify-email.txt', 'Hello', /verify-email\.txt must begin with a line "Subject/],
    ['fr/verify-email.txt', 'Subject: x\n\nx', /fr\/verify-email\.txt needs fr\/verify-email\.html/],
    ['layout.html', '<%~ it.body %>', /layout\.html does not compile: there is no body/],
    ['en/verify-email.html', '<%~ include("/etc/passwd") %>', /verify-email\.html does not compile/],
  ])('is refused for %s', (name, content, why) => {
    write(name, content);
    expect(renderer).toThrow(UnusableTemplateError);
    expect(renderer).toThrow(why);
  });

  it('is refused where there is no folder', () => {
    expect(() => rendererWith({ MAIL_TEMPLATES: join(folder, 'nowhere') })).toThrow(/nowhere cannot be read: ENOENT/);
  });
});
