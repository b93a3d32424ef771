import bcrypt from 'bcrypt';

/** `bcrypt` and nothing else: how many passwords it compares in a second, so many at a time. Run by `logins.mjs`. */
const [cost, parallel, seconds] = process.argv.slice(2).map(Number);
const hash = await bcrypt.hash('a long enough passphrase', cost);
const end = performance.now() + seconds * 1000;
let done = 0;
await Promise.all(
  Array.from({ length: parallel }, async () => {
    while (performance.now() < end) {
      await bcrypt.compare('a long enough passphrase', hash);
      done++;
    }
  }),
);
console.log(done / seconds);
