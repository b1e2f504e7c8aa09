/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/** Draws again every now and then, as long as the page is shown. */
import { pause } from './element.js';

const REFRESH_MS = 10_000;

/** A failure is said on the line at the top, and the next try may succeed. */
export async function refresh(draw, line, signal) {
  for (;;) {
    await pause(REFRESH_MS, signal);
    if (signal.aborted) return;
    try {
      await draw();
      line.textContent = '';
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) throw error;
      line.textContent = error.message;
    }
  }
}
