import { Eta } from 'eta/core';
import { LAYOUT, partOf, readTemplateFiles, UnusableTemplateError, type TemplateFile } from './template-files.js';
import { TEMPLATES, type TemplateName } from './templates.js';

export interface MailText {
  subject: string;
  text: string;
  html: string;
}

type Data = Record<string, string>;
type Render = (data: Data) => string;

const SUBJECT = /^Subject: (.+)\r?\n\r?\n/;
/** Without access to files: a template is its own text only. */
const ENGINES = { txt: new Eta({ autoEscape: false, autoTrim: false }), html: new Eta({ autoTrim: false }) };

/**
 * The templates of each language, compiled. HTML is escaped by `<%= %>`, and text is not. Throws `UnusableTemplateError` for a file
 * that does not compile, or that names data which its mail does not have.
 */
export class CompiledTemplates {
  private readonly parts = new Map<string, Render>();
  private readonly languages = new Set<string>();
  private readonly layout: Render;

  constructor(overrides: string) {
    const files = readTemplateFiles(overrides);
    this.layout = compile(files.get(LAYOUT)!, 'html', ['language', 'subject', 'content', 'app']);
    for (const [name, file] of files) {
      const named = partOf(name);
      if (!named) continue;
      const { language, template, part } = named;
      this.languages.add(language);
      this.parts.set(name, compile(file, part, [...TEMPLATES[template as TemplateName].data, 'app']));
      if (part === 'txt' && !SUBJECT.test(file.content))
        throw new UnusableTemplateError(file.path, 'must begin with a line "Subject: …" and an empty line');
      const other = `${language}/${template}.${part === 'txt' ? 'html' : 'txt'}`;
      if (!files.has(other)) throw new UnusableTemplateError(file.path, `needs ${other} beside it`);
    }
  }

  /** The language of a mail: the locale, then without its subtags one by one (RFC 4647 3.4), then English. */
  languageOf(template: TemplateName, locale: string | null): string {
    for (let tag = (locale ?? '').toLowerCase(); tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
      if (this.languages.has(tag) && this.parts.has(`${tag}/${template}.txt`)) return tag;
    }
    return 'en';
  }

  render(template: TemplateName, language: string, data: Data): MailText {
    const rendered = this.parts.get(`${language}/${template}.txt`)!(data);
    const [head = '', subject = ''] = SUBJECT.exec(rendered) ?? [];
    const content = this.parts.get(`${language}/${template}.html`)!(data);
    const html = this.layout({ language, subject, content, app: data['app']! });
    return { subject, text: rendered.slice(head.length), html };
  }
}

function compile({ path, content }: TemplateFile, part: 'txt' | 'html', names: readonly string[]): Render {
  const engine = ENGINES[part];
  try {
    const template = engine.compile(content);
    const render = (data: Data) => template.call(engine, onlyKnown(data));
    render(Object.fromEntries(names.map((name) => [name, 'x'])));
    return render;
  } catch (error) {
    // The first line: the others quote the template and the code that was made of it.
    throw new UnusableTemplateError(path, `does not compile: ${(error as Error).message.split('\n', 1)[0]}`);
  }
}

/** A misspelled name would be the text `undefined` in the mail of a user. */
function onlyKnown(data: Data): Data {
  return new Proxy(data, {
    get: (target, name) => {
      if (typeof name === 'string' && !Object.hasOwn(target, name) && name !== '__blocks')
        throw new Error(`there is no ${name} in this mail`);
      return Reflect.get(target, name) as string;
    },
  });
}
