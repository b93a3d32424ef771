import bcrypt from 'bcrypt';

/** `bcrypt` and nothing else: how many passwords it compares in a second, so many at a time. Run by `subject.mjs`. */
const [cost, parallel, seconds] = process.argv.slice(2).map(Number);
const hash = await bcrypt.hash('a long enough passphrase', cost);
const start = performance.now();
let done = 0;
await Promise.all(
  Array.from({ length: parallel }, async () => {
    while (performance.now() < start + seconds * 1000) {
      await bcrypt.compare('a long enough passphrase', hash);
      done++;
    }
  }),
);
console.log((1000 * done) / (performance.now() - start));
