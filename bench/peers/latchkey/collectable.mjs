/** The program, which collects its garbage on SIGUSR2: run with `--expose-gc`. What then stays in memory is in use. */
process.on('SIGUSR2', () => globalThis.gc());
await import('../../../dist/src/main.js');
