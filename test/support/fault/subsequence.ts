/**
 * Whether `part` can be had from `whole` by leaving things out: `null`, or the first place in `part`
 * that does not fit. Taking the earliest place each time finds a way whenever there is one.
 */
export function firstMisfit(part: readonly string[], whole: readonly string[]): number | null {
  let at = 0;
  for (let index = 0; index < part.length; index += 1) {
    at = whole.indexOf(part[index] ?? "", at) + 1;
    if (at === 0) return index;
  }
  return null;
}
