import type { KeptMail } from './dev-mailbox.js';

/** `GET /dev/mail`: the list, newest first. */
export function listPage(mails: KeptMail[]): string {
  const rows = mails.map(
    ({ id, to, subject, createdAt }) =>
      `<tr><td>${timeOf(createdAt)}</td><td>${escapeHtml(to)}</td><td><a href="/dev/mail/${id}">${escapeHtml(subject)}</a></td></tr>`,
  );
  const table = `<table><tr><th>Time</th><th>To</th><th>Subject</th></tr>${rows.join('')}</table>`;
  const hint = `<p>Nothing is sent: SMTP_URL is not set. The last 100 mails are kept. <a href="/dev/mail.json">As JSON</a></p>`;
  return page('Mail', hint + (rows.length > 0 ? table : '<p>No mail yet.</p>'));
}

/** `GET /dev/mail/:id`. The HTML of the mail is in a sandbox: it runs no scripts, and its links open in a new tab. */
export function mailPage({ to, subject, text, html, createdAt }: KeptMail): string {
  const framed = escapeHtml(html.replace('<head>', '<head><base target="_blank" />'));
  return page(
    subject,
    `<p><a href="/dev/mail">All mail</a></p>
     <p>To ${escapeHtml(to)}, ${timeOf(createdAt)}</p>
     <h2>Text</h2><pre>${withLinks(text)}</pre>
     <h2>HTML</h2>
     <iframe title="HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${framed}"></iframe>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
body { font-family: sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }
td, th { text-align: left; padding: .2em 1em .2em 0; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
iframe { border: 1px solid; width: 100%; height: 30em; background: Canvas }
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

const timeOf = (createdAt: number): string => new Date(createdAt).toISOString();

function withLinks(text: string): string {
  return escapeHtml(text).replace(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}" target="_blank">${url}</a>`);
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
