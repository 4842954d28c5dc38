/**
 * Characters that act instead of being seen: controls (tab and line feed aside, which a caller folds
 * into a space), and the marks that turn the direction of what follows (Unicode UAX #9).
 */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * Text of unknown origin as a person may safely read it, in a terminal or a page: on one line, and
 * whatever would steer the terminal or reorder the line written as `\u{…}`.
 */
export function visibleText(text: string): string {
  return text
    .replaceAll(/[\t\r\n]+/g, " ")
    .replaceAll(UNSEEN, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}
