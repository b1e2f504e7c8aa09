/** Escaping for XML and HTML. */

const NAMES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for content and quoted attributes; characters that XML 1.0 does not allow (section 2.2) become �. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => NAMES[character] ?? character)
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}');
}
