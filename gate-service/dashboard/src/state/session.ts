/** Who is signed in here, and what that allows. One for the whole page. */
import { get, onUnauthorized } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { token } from '../api/token.ts';
import type { Me, Right, SignIn } from '../api/types.ts';
import { createStore, useStore } from './store.ts';

export interface Session {
  /** `unknown` until the service has said who this is. */
  readonly state: 'unknown' | 'signed-out' | 'signed-in';
  readonly me?: Me;
  /** How one can sign in here; absent until it is known. */
  readonly ways?: SignIn;
  /** Why one has to sign in (again). */
  readonly problem?: Problem;
}

const store = createStore<Session>({ state: 'unknown' });

/** A service that does not tell rights checks them all the same: every form is shown then. */
const EVERYTHING: Me['rights'] = {
  read: ['*'],
  run: ['*'],
  promote: ['*'],
  override: ['*'],
  loosen: ['*'],
  admin: ['*'],
};

/** Asks the service who this is. Answers quickly when nobody is signed in. */
export async function refreshSession(): Promise<void> {
  const ways = await signInWays();
  const known = ways === undefined ? {} : { ways };
  if (token.get() === null && ways?.anonymous !== true) {
    store.set({ state: 'signed-out', ...known });
    return;
  }
  try {
    store.set({ state: 'signed-in', me: (await get<Me>('/v1/me')).body, ...known });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) store.set({ state: 'signed-out', problem, ...known });
    else if (problem.status === 404) {
      store.set({ state: 'signed-in', me: { name: '', kind: '', rights: EVERYTHING }, ...known });
    } else store.set({ state: 'unknown', problem, ...known });
  }
}

async function signInWays(): Promise<SignIn | undefined> {
  try {
    return (await get<SignIn>('/v1/sign-in')).body;
  } catch (error) {
    return asProblem(error).status === 0 ? undefined : { token: true, anonymous: false };
  }
}

/** @returns whether the service has taken the token; why not is in the session */
export async function signIn(text: string): Promise<boolean> {
  token.set(text);
  await refreshSession();
  if (store.get().state === 'signed-out') token.forget();
  return store.get().state === 'signed-in';
}

/** For whoever is let in without a token, and wants to be somebody. */
export function askToSignIn(): void {
  const { ways } = store.get();
  store.set({ state: 'signed-out', ...(ways !== undefined && { ways }) });
}

export function signOut(): void {
  token.forget();
  askToSignIn();
}

onUnauthorized((problem) => {
  const { state, ways } = store.get();
  if (state !== 'signed-in') return;
  token.forget();
  store.set({ state: 'signed-out', problem, ...(ways !== undefined && { ways }) });
});

export function useSession(): Session {
  return useStore(store);
}

/** Whether the signed-in person has a right; without a service: for any. */
export function can(me: Me | undefined, right: Right, service?: string): boolean {
  const services = me?.rights[right] ?? [];
  return service === undefined
    ? services.length > 0
    : services.includes('*') || services.includes(service);
}
