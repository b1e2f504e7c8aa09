import { useEffect } from 'preact/hooks';

/** The page's name in the tab and in the history. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – Speed Gate`;
  }, [title]);
}
