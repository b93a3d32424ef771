const start = performance.now();

/** A line on stderr: stdout is for the results. */
export function progress(text) {
  const seconds = Math.round((performance.now() - start) / 1000);
  process.stderr.write(`${String(seconds).padStart(5)} s  ${text}\n`);
}

/** For what is left out: nobody should take a gap for a result. */
export function loud(text) {
  process.stderr.write(`\n!!! ${text}\n\n`);
}
