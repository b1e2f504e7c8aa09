import { useEffect, useState } from 'preact/hooks';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { endSignIn } from '../api/open-id.ts';
import { Loading, ProblemNotice } from '../parts/notice.tsx';
import { useTitle } from '../parts/title.ts';
import { go } from '../state/route.ts';
import { signIn } from '../state/session.ts';

/** Where the issuer sends the browser back to: the code becomes a token, and the reader is where he was. */
export function SignedInPage() {
  useTitle('Signing in');
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    const query = new URLSearchParams(location.search);
    endSignIn(query)
      .then(async ({ back, tokens }) => {
        for (const token of tokens) if (await signIn(token)) break;
        go(back, true);
      })
      .catch((error: unknown) => {
        setProblem(asProblem(error));
      });
  }, []);
  if (problem === undefined) return <Loading />;
  return (
    <>
      <h1>Not signed in</h1>
      <ProblemNotice problem={problem} />
      <p>
        <a href="/">Back to the sign-in</a>
      </p>
    </>
  );
}
