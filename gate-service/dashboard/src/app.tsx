/** The frame around every page: where one is, who is signed in, and the page itself. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Me } from './api/types.ts';
import { Loading, ProblemNotice } from './parts/notice.tsx';
import { pageFor } from './pages/pages.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { SignedInPage } from './pages/signed-in.tsx';
import { RETURN_PATH } from './api/open-id.ts';
import { askToSignIn, can, refreshSession, signOut, useSession } from './state/session.ts';
import type { Session } from './state/session.ts';
import { usePlace } from './state/route.ts';

export function App() {
  const { path } = usePlace();
  const session = useSession();
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);

  // A new page begins at its beginning, for the keyboard and for screen readers too: before the next key is pressed.
  useLayoutEffect(() => {
    if (before.current !== path) main.current?.focus();
    before.current = path;
  }, [path]);

  return (
    <>
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <Head path={path} session={session} />
      <main id="page" ref={main} tabIndex={-1}>
        <Body path={path} session={session} />
      </main>
    </>
  );
}

function Body({ path, session }: { readonly path: string; readonly session: Session }) {
  if (path === RETURN_PATH) return <SignedInPage />;
  if (session.state === 'signed-out') return <SignInPage session={session} />;
  if (session.state === 'unknown') {
    if (session.problem === undefined) return <Loading lines={6} />;
    return <ProblemNotice problem={session.problem} retry={() => void refreshSession()} />;
  }
  return pageFor(path);
}

function Head({ path, session }: { readonly path: string; readonly session: Session }) {
  const { me } = session;
  return (
    <header class="top">
      <a class="brand" href="/">
        <img src="/icon.svg" alt="" width="22" height="22" />
        Speed Gate
      </a>
      {me !== undefined && (
        <nav aria-label="Pages">
          <PageLink to="/" path={path} also="/services">
            Services
          </PageLink>
          <PageLink to="/runs" path={path}>
            Runs
          </PageLink>
          <PageLink to="/queue" path={path}>
            Queue
          </PageLink>
          {can(me, 'admin') && (
            <PageLink to="/audit" path={path}>
              Audit
            </PageLink>
          )}
        </nav>
      )}
      {me !== undefined && <Who me={me} />}
    </header>
  );
}

function Who({ me: { kind, name } }: { readonly me: Me }) {
  return (
    <div class="who">
      <span title={`Signed in as ${name}`}>{name}</span>
      {kind === 'anonymous' ? (
        <button type="button" onClick={askToSignIn}>
          Sign in
        </button>
      ) : (
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      )}
    </div>
  );
}

function PageLink({
  also,
  children,
  path,
  to,
}: {
  readonly to: string;
  readonly path: string;
  readonly also?: string;
  readonly children: ComponentChildren;
}) {
  const within = (base: string): boolean => path === base || path.startsWith(`${base}/`);
  const here = to === '/' ? path === '/' || (also !== undefined && within(also)) : within(to);
  return (
    <a href={to} aria-current={here ? 'page' : undefined}>
      {children}
    </a>
  );
}
