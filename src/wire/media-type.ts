/** No registered type comes near it, and a longer one is not worth a header line. */
const MAX_CHARACTERS = 255;

/** Characters of a token (RFC 9110 §5.6.2). */
const TOKEN_CHARACTERS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;

/** ASCII characters that may stand in a quoted string unescaped (RFC 9110 §5.6.4). */
const QUOTED_CHARACTERS = /^[\t !\x23-\x5b\x5d-\x7e]$/;

/** ASCII characters that may follow the backslash of a quoted pair (RFC 9110 §5.6.4). */
const ESCAPED_CHARACTERS = /^[\t\x20-\x7e]$/;

/**
 * Whether the text is a media type by RFC 9110 §8.3.1: type, slash, subtype, parameters. Only ASCII
 * passes, although quoted strings could hold more, and at most 255 characters: what passes may
 * stand in a header as it is.
 */
export function isMediaType(text: string): boolean {
  if (text.length > MAX_CHARACTERS) return false;
  const typeEnd = skipToken(text, 0);
  if (typeEnd === 0 || text[typeEnd] !== "/") return false;
  let i = skipToken(text, typeEnd + 1);
  if (i === typeEnd + 1) return false;
  while (i < text.length) {
    i = skipBlanks(text, i);
    if (text[i] !== ";") return false;
    // The parameter may be missing: `text/plain;` is well-formed (RFC 9110 §5.6.6).
    i = skipParameter(text, skipBlanks(text, i + 1));
    if (i < 0) return false;
  }
  return true;
}

/** The index after a parameter, `start` when there is none, -1 when it is malformed. */
function skipParameter(text: string, start: number): number {
  const nameEnd = skipToken(text, start);
  if (nameEnd === start) return start;
  if (text[nameEnd] !== "=") return -1;
  if (text[nameEnd + 1] === '"') return skipQuoted(text, nameEnd + 2);
  const valueEnd = skipToken(text, nameEnd + 1);
  return valueEnd === nameEnd + 1 ? -1 : valueEnd;
}

/** The index after the closing quote, or -1 when there is none. */
function skipQuoted(text: string, start: number): number {
  for (let i = start; i < text.length; i += 1) {
    const character = text[i] ?? "";
    if (character === '"') return i + 1;
    if (character === "\\") {
      i += 1;
      if (!ESCAPED_CHARACTERS.test(text[i] ?? "")) return -1;
    } else if (!QUOTED_CHARACTERS.test(character)) {
      return -1;
    }
  }
  return -1;
}

function skipToken(text: string, start: number): number {
  let i = start;
  while (i < text.length && TOKEN_CHARACTERS.test(text[i] ?? "")) i += 1;
  return i;
}

function skipBlanks(text: string, start: number): number {
  let i = start;
  while (text[i] === " " || text[i] === "\t") i += 1;
  return i;
}
