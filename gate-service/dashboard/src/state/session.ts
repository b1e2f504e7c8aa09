/** Who is signed in here, and what that allows. One for the whole page. */
import { get, onUnauthorized } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { token } from '../api/token.ts';
import type { Me, Right, SignIn } from '../api/types.ts';
import { createStore, useStore } from './store.ts';

export type Session =
  /** Until the service has said who this is; with what keeps it from saying so. */
  | { readonly state: 'unknown'; readonly me?: undefined; readonly problem?: Problem }
  | {
      readonly state: 'signed-out';
      readonly me?: undefined;
      readonly ways: SignIn;
      /** Why one has to sign in (again). */
      readonly problem?: Problem;
    }
  | { readonly state: 'signed-in'; readonly me: Me; readonly ways: SignIn };

const store = createStore<Session>({ state: 'unknown' });

/** Asks the service who this is. Answers quickly when nobody is signed in. */
export async function refreshSession(): Promise<void> {
  try {
    store.set(await askWho((await get<SignIn>('/v1/sign-in')).body));
  } catch (error) {
    store.set({ state: 'unknown', problem: asProblem(error) });
  }
}

/** Who is signed in; nothing but the service's own answer gives a right. @throws Problem */
async function askWho(ways: SignIn): Promise<Session> {
  if (token.get() === null && !ways.anonymous) return { state: 'signed-out', ways };
  try {
    return { state: 'signed-in', ways, me: (await get<Me>('/v1/me')).body };
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) return { state: 'signed-out', ways, problem };
    throw problem;
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
  leave();
}

export function signOut(): void {
  token.forget();
  leave();
}

function leave(problem?: Problem): void {
  const session = store.get();
  if (session.state !== 'signed-in') return;
  const { ways } = session;
  store.set({ state: 'signed-out', ways, ...(problem !== undefined && { problem }) });
}

onUnauthorized((problem) => {
  if (store.get().state !== 'signed-in') return;
  token.forget();
  leave(problem);
});

export function getSession(): Session {
  return store.get();
}

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
