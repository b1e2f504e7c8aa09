/** A page that nobody sees does no work. */
import { useEffect, useState } from 'preact/hooks';

/** Whether the page can be seen. */
export function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const update = (): void => {
      setVisible(!document.hidden);
    };
    document.addEventListener('visibilitychange', update);
    return () => {
      document.removeEventListener('visibilitychange', update);
    };
  }, []);
  return visible;
}
