/** The section below a heading, up to the next heading of level 2. Throws when the heading does not exist. */
export function sectionOf(page: string, heading: string): string {
  const [, text] = new RegExp(`^## ${heading}\\n(.*?)(?=^## |(?![^]))`, 'ms').exec(page) ?? [];
  if (text === undefined) throw new Error(`There is no heading "${heading}"`);
  return text;
}

/** Code blocks under a line that names their file. */
export function filesIn(text: string): [file: string, code: string][] {
  return [...text.matchAll(/In `([\w./-]+)`:\n\n```\w+\n(.*?)^```/gms)].map((match) => [match[1]!, match[2]!]);
}

/** Code blocks of one language. */
export function blocksIn(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!);
}
