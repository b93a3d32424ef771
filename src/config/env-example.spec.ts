import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { describe, expect, it } from 'vitest';
import { Config } from './config.js';
import { envName } from './env.js';
import { loadConfig } from './load-config.js';

const APP_SECRET = 'thirty-two bytes and not one more';
const EXAMPLE = readFileSync('.env.example', 'utf8');
const documented = [...EXAMPLE.matchAll(/^# (.+)\n#([A-Z_]+)=(.*)$/gm)].map(([, text, name, value]) => ({
  name: name!,
  value: value!,
  text: text!,
}));
const properties = Object.keys(new Config());

describe('.env.example', () => {
  it('has every variable of the configuration once, in its order', () => {
    expect(documented.map(({ name }) => name)).toEqual(properties.map(envName));
  });

  it('sets nothing until a line is uncommented', () => {
    expect(parse(EXAMPLE)).toEqual({});
  });

  it.each(documented)('has the default of $name', ({ name, value }) => {
    const property = properties.find((one) => envName(one) === name) as keyof Config;
    const environment = name === 'APP_SECRET' ? { APP_SECRET } : { APP_SECRET, [name]: value };
    expect(loadConfig(environment)[property]).toEqual(loadConfig({ APP_SECRET })[property]);
  });
});

describe('the table of variables in docs/operations.md', () => {
  it('has the variables, defaults and explanations of .env.example', () => {
    const page = readFileSync('docs/operations.md', 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (.*?) *\| (.*?) *\|$/gm)].map(([, name, value, text]) => ({
      name: name!,
      value: value === 'http://localhost:PORT' ? new Config().issuer : value!,
      text: text!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', ''),
    }));
    expect(rows).toEqual(documented);
  });
});
