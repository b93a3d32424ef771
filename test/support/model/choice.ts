/** Numbers of a step choose among what there is. */
export function at<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(1, list.length)];
}

export function fromNewest(tokens: string[], age: number): string {
  return tokens[Math.max(0, tokens.length - 1 - age)]!;
}
