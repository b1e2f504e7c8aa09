/** Instants in the zone of the reader; the exact one in UTC is always beside it. */

const DAY_MS = 86_400_000;

const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };

/** Short: the time today, else the day as well, and the year where it is another one. */
export function shortInstant(instant: string, now = new Date()): string {
  const at = new Date(instant);
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString(undefined, time);
  const year = at.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return at.toLocaleString(undefined, { ...day, ...year, ...time });
}

export function clockTime(instant: string): string {
  return new Date(instant).toLocaleTimeString(undefined, { ...time, second: '2-digit' });
}

export function exactInstant(instant: string): string {
  return new Date(instant).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** How long ago, in words: for a glance. */
export function ago(instant: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(instant)) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor((seconds * 1000) / DAY_MS);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}
