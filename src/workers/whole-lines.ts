import { Transform } from 'node:stream';

const NEWLINE = 0x0a;

/** Passes on whole lines only: the lines of several workers must not be mixed within one. */
export function wholeLines(): Transform {
  let rest: Buffer[] = [];
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        this.push(Buffer.concat([...rest, chunk.subarray(0, end)]));
        rest = [];
      }
      if (end < chunk.length) rest.push(chunk.subarray(end));
      done();
    },
    /** A worker that was killed may leave a part of one. */
    flush(done) {
      if (rest.length > 0) this.push(Buffer.concat([...rest, Buffer.from('\n')]));
      done();
    },
  });
}
