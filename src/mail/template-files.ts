import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TEMPLATES } from './templates.js';

/** Thrown at boot for MAIL_TEMPLATES that cannot be used: only an operator can help. */
export class UnusableTemplateError extends Error {
  constructor(file: string, why: string) {
    super(`MAIL_TEMPLATES cannot be used: ${file} ${why}`);
  }
}

/** Where a template was read, and what it is: `en/verify-email.txt`, or `layout.html`. */
export interface TemplateFile {
  path: string;
  content: string;
}

export const LAYOUT = 'layout.html';
const BUILT_IN = fileURLToPath(new URL('templates', import.meta.url));
const PART = /^([a-z]{2,3}(?:-[a-z\d]{2,8})*)\/([a-z-]+)\.(txt|html)$/;

/** The language, template and part that a file name stands for; null for any other name. */
export function partOf(file: string): { language: string; template: string; part: 'txt' | 'html' } | null {
  const [, language = '', template = '', part] = PART.exec(file) ?? [];
  return Object.hasOwn(TEMPLATES, template) ? { language, template, part: part as 'txt' | 'html' } : null;
}

/**
 * The templates of this program, by their names; those in the folder `overrides` replace them one by one, and may add
 * languages. Throws `UnusableTemplateError`.
 */
export function readTemplateFiles(overrides: string): Map<string, TemplateFile> {
  const files = new Map(filesIn(BUILT_IN));
  for (const [name, file] of overrides === '' ? [] : filesIn(overrides)) {
    if (name !== LAYOUT && !partOf(name)) throw new UnusableTemplateError(file.path, 'is no template: wrong name');
    files.set(name, file);
  }
  return files;
}

function filesIn(folder: string): [name: string, file: TemplateFile][] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
    return names.sort().flatMap((name): [string, TemplateFile][] => {
      const path = join(folder, name);
      const isHidden = name.split('/').some((part) => part.startsWith('.'));
      if (isHidden || statSync(path).isDirectory()) return [];
      return [[name, { path, content: readFileSync(path, 'utf8') }]];
    });
  } catch (error) {
    throw new UnusableTemplateError(folder, `cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
