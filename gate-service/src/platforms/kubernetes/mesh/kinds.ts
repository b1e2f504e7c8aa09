/** Istio's kinds, as the API server has them. */
import type { IstioResource } from '../../../mesh/istio/resources.ts';
import type { Kind } from '../client/kinds.ts';

const networking = (kind: string, plural: string): Kind => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  plural,
  namespaced: true,
});

export const ISTIO_KINDS: Readonly<Record<IstioResource['kind'], Kind>> = {
  Gateway: networking('Gateway', 'gateways'),
  VirtualService: networking('VirtualService', 'virtualservices'),
  DestinationRule: networking('DestinationRule', 'destinationrules'),
  ServiceEntry: networking('ServiceEntry', 'serviceentries'),
  WorkloadEntry: networking('WorkloadEntry', 'workloadentries'),
};
