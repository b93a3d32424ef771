/** Picks an element by a number of a step, which may exceed the list. */
export function at<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(1, list.length)];
}

export function fromNewest(tokens: string[], age: number): string {
  return tokens[Math.max(0, tokens.length - 1 - age)]!;
}
