/** The methods that the bench compares, by the name that its table shows. */
import type { Method } from './method.ts';
import { ownCold, ownWarm } from './own.ts';
import { PEERS } from './peer.ts';
import type { PeerName, PeerProcess } from './peer.ts';
import { randomSearch } from './random.ts';

const OWN = {
  'speed-gate-warm': ownWarm,
  'speed-gate-cold': ownCold,
  random: randomSearch,
} as const;

export type MethodName = keyof typeof OWN | PeerName;

export const METHOD_NAMES = Object.freeze([
  ...Object.keys(OWN),
  ...Object.keys(PEERS),
]) as readonly MethodName[];

export function isPeer(name: MethodName): name is PeerName {
  return name in PEERS;
}

/** @param peers asked only for a peer */
export function methodNamed(name: MethodName, peers: () => PeerProcess): Method {
  return isPeer(name) ? peers().method(name) : OWN[name];
}
