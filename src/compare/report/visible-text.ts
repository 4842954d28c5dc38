/**
 * Characters that act instead of being seen: controls, and format characters, which hide text or
 * turn the direction of what follows (Unicode categories Cc and Cf), and the two line separators.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * Text of unknown origin as a person may safely read it, in a terminal or a page: on one line, and
 * whatever would steer the terminal or reorder the line written as `\u{…}`.
 */
export function visibleText(text: string): string {
  return text
    .replaceAll(/[\t\r\n]+/g, " ")
    .replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
