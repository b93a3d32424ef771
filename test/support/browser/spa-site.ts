import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { compileScript, parse } from 'vue/compiler-sfc';

const CLIENT = resolve('client/src/index.ts');

/** Bundles a script with its imports. `@latchkey/client` comes from its source. */
export async function bundle(entry: string): Promise<string> {
  const defines = {
    'process.env.NODE_ENV': '"production"',
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  };
  const build = await rolldown({
    input: entry,
    resolve: { alias: { '@latchkey/client': CLIENT } },
    transform: { define: defines },
  });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}

/** Compiles a Vue component to TypeScript, so that it can be bundled and type-checked without a plugin. */
export function asTypeScript(component: string): string {
  const { descriptor, errors } = parse(component);
  if (errors.length > 0) throw new AggregateError(errors);
  return compileScript(descriptor, { id: 'page', inlineTemplate: true }).content;
}

/** The type errors of these files, with the strict options of a new Vite project. */
export function typeErrors(files: string[]): string[] {
  const program = ts.createProgram(files, {
    strict: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    types: [],
    paths: { '@latchkey/client': [CLIENT] },
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName.split('/').at(-1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
}

/** Serves these files, by path, on their own origin. */
export async function serveFiles(files: Map<string, string>): Promise<{ origin: string; close: () => void }> {
  const server = createServer(({ url = '/' }, response) => {
    const text = files.get(url);
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` }).end(text);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
