import { Expose, Transform } from 'class-transformer';

const names = new Map<string, string>();

/** The environment variable that sets a property, and how its text is read. */
export function Env(name: string, parse: (text: string) => unknown = String): PropertyDecorator {
  const expose = Expose({ name });
  const transform = Transform(({ value }) => (typeof value === 'string' ? parse(value) : value));
  return (target, property) => {
    expose(target, property);
    transform(target, property);
    names.set(String(property), name);
  };
}

/** The environment variable that sets a property of `Config`. */
export function envName(property: string): string {
  return names.get(property) ?? property;
}
