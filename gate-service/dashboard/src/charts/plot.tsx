/** uPlot in a place of fixed height: drawn anew for another colour scheme, as wide as there is room. */
import type uPlot from 'uplot';
import { useEffect, useRef, useState } from 'preact/hooks';

type Options = Omit<uPlot.Options, 'width' | 'height'>;

interface Properties {
  readonly data: uPlot.AlignedData;
  /** Made with the colours of the scheme in force. Keep it the same as long as the chart is. */
  readonly options: (colour: Colours) => Options;
  /** What the chart shows, in words: it is a picture to whoever cannot see it. */
  readonly label: string;
  readonly height?: number;
}

/** A colour of the style sheet by its name, without the dashes. */
export type Colours = (name: string) => string;

const FONT = '12px system-ui, sans-serif';

export function Plot({ data, height = 240, label, options }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const newest = useRef(data);
  const dark = useDarkScheme();
  newest.current = data;

  useEffect(() => {
    const own = place.current;
    if (own === null) return undefined;
    const gone = new AbortController();
    const watch = new ResizeObserver(() => {
      chart.current?.setSize({ width: own.clientWidth, height });
    });
    void import('uplot').then(({ default: Chart }) => {
      if (gone.signal.aborted) return;
      const style = getComputedStyle(document.documentElement);
      const colour: Colours = (name) => style.getPropertyValue(`--${name}`).trim();
      chart.current = new Chart(
        { width: own.clientWidth, height, ...options(colour) },
        newest.current,
        own,
      );
      watch.observe(own);
    });
    return () => {
      gone.abort();
      watch.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [options, height, dark]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  return <div ref={place} class="plot" role="img" aria-label={label} />;
}

function useDarkScheme(): boolean {
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const update = (): void => {
      setDark(scheme.matches);
    };
    scheme.addEventListener('change', update);
    return () => {
      scheme.removeEventListener('change', update);
    };
  }, []);
  return dark;
}

/** An axis in the colours of the page. */
export function axis(colour: Colours, changes: uPlot.Axis = {}): uPlot.Axis {
  return {
    stroke: colour('quiet'),
    font: FONT,
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { stroke: colour('grid'), width: 1 },
    ...changes,
  };
}
