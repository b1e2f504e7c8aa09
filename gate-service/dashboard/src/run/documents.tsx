import { useState } from 'preact/hooks';
import { download } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { ProblemNotice } from '../parts/notice.tsx';

const DOCUMENTS = [
  ['report.html', 'Report', 'the whole answer on one page, readable without this service'],
  ['junit.xml', 'JUnit', 'a test case for each threshold'],
  ['results.jtl', 'JTL', 'every request, for tools that read JMeter’s results'],
  ['samples', 'Samples', 'every request with window and arm, compressed CSV', 'samples.csv.gz'],
  ['evidence', 'Evidence', 'judgements with all they rest on, JSON', 'evidence.json'],
] as const;

export function Documents({ id }: { readonly id: string }) {
  const [problem, setProblem] = useState<Problem>();
  const save = async (name: string, file: string): Promise<void> => {
    setProblem(undefined);
    try {
      await download(`/v1/runs/${id}/${name}`, `${id}-${file}`);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <>
      <ul class="documents">
        {DOCUMENTS.map(([name, title, what, file = name]) => (
          <li key={name}>
            <button type="button" onClick={() => void save(name, file)}>
              <span aria-hidden="true">⤓ </span>
              {title}
            </button>{' '}
            <span class="quiet">{what}</span>
          </li>
        ))}
      </ul>
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </>
  );
}
