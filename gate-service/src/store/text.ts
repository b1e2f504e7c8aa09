/**
 * Text as both dialects store and give it back: PostgreSQL refuses U+0000, and half a surrogate pair has no
 * UTF-8. Either becomes U+FFFD, the sign for what cannot be shown.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
