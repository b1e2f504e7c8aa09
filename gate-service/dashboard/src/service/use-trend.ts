/** The trend of a service, newest first. */
import type { Page, TrendPoint } from '../api/types.ts';
import { useResource } from '../state/resource.ts';
import type { Resource } from '../state/resource.ts';

export function useTrend(service: string, limit: number): Resource<Page<TrendPoint>> {
  return useResource<Page<TrendPoint>>(`/v1/services/${service}/trend?limit=${limit}`, 30_000);
}
