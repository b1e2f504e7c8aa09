import { useState } from 'preact/hooks';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { beginSignIn } from '../api/open-id.ts';
import { ProblemNotice } from '../parts/notice.tsx';
import { useTitle } from '../parts/title.ts';
import { signIn } from '../state/session.ts';
import type { Session } from '../state/session.ts';

/** The ways that this gate service offers: an issuer of people's identities, a token, or both. */
export function SignInPage({
  session,
}: {
  readonly session: Extract<Session, { state: 'signed-out' }>;
}) {
  useTitle('Sign in');
  const { problem, ways } = session;
  return (
    <div class="sign-in">
      <h1>Sign in</h1>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {ways.oidc !== undefined && <IssuerButton issuer={ways.oidc} />}
      {ways.token && <TokenForm />}
    </div>
  );
}

type Issuer = Parameters<typeof beginSignIn>[0];

function IssuerButton({ issuer }: { readonly issuer: Issuer }) {
  const [problem, setProblem] = useState<Problem>();
  const begin = async (): Promise<void> => {
    setProblem(undefined);
    try {
      await beginSignIn(issuer, location.pathname + location.search);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <div class="way">
      <button type="button" class="primary" onClick={() => void begin()}>
        Sign in with {new URL(issuer.issuer).host}
      </button>
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </div>
  );
}

function TokenForm() {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    await signIn(text.trim());
    setBusy(false);
  };
  return (
    <form
      class="way"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void submit();
      }}
    >
      <div class="field">
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          value={text}
          aria-describedby="token-hint"
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
        />
        <p class="hint" id="token-hint">
          It needs the right <code>read</code>. It is kept in this tab only, and forgotten with it.
        </p>
      </div>
      <button class="primary" disabled={busy}>
        {busy ? 'Signing in …' : 'Sign in'}
      </button>
    </form>
  );
}
