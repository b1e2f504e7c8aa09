/** The token of this tab. It is gone with the tab, and never leaves it but to the gate service. */
const KEY = 'speed-gate-token';

export const token = {
  get: (): string | null => sessionStorage.getItem(KEY),
  set: (text: string): void => {
    sessionStorage.setItem(KEY, text);
  },
  forget: (): void => {
    sessionStorage.removeItem(KEY);
  },
};
