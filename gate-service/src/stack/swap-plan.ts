/** Ways to put a configuration in force, cheapest first; `none` when nothing differs. */
export type SwapWay = 'none' | 'live' | 'route' | 'graceful' | 'replace';
