/** The API server of the test cluster as an admin, and as an account by a token of its own. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { request } from 'undici';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { readFile } from 'node:fs/promises';
import { connectionOf } from '../../../gate-service/src/platforms/kubernetes/client/connection.ts';
import { defaultLayout, pathsOf } from '../../support/cluster/layout.ts';

export const KUBECONFIG = pathsOf(defaultLayout).kubeconfig;

export interface ApiServer {
  /** Answers the object in the answer. @throws Error with what the server said, when it is no success */
  call(method: 'GET' | 'POST' | 'DELETE', where: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** With the rights of the kubeconfig's user. */
export function apiServer(kubeconfig = KUBECONFIG): ApiServer {
  const connection = connectionOf({ kubeconfig });
  return {
    async call(method, where, body) {
      const { headers, dispatcher } = await connection.credentials();
      const answer = await request(`${connection.server}${where}`, {
        method,
        dispatcher,
        headers: { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) {
        throw new Error(`${method} ${where} answered ${answer.statusCode}: ${text.slice(0, 500)}`);
      }
      return JSON.parse(text) as unknown;
    },
    close: async () => connection.close(),
  };
}

const tokenSchema = z.looseObject({ status: z.looseObject({ token: z.string() }) });
const kubeconfigSchema = z.looseObject({ clusters: z.array(z.unknown()).min(1) });

/** A kubeconfig with a fresh token of an account, as its pod would have one; its path. */
export async function kubeconfigOf(
  admin: ApiServer,
  folder: string,
  account: { readonly namespace: string; readonly name: string },
): Promise<string> {
  const { namespace, name } = account;
  const { status } = tokenSchema.parse(
    await admin.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    }),
  );
  const { clusters } = kubeconfigSchema.parse(parse(await readFile(KUBECONFIG, 'utf8')));
  const cluster = z.looseObject({ name: z.string() }).parse(clusters[0]).name;
  const file = path.join(folder, `kubeconfig-${randomBytes(4).toString('hex')}`);
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name, user: { token: status.token } }],
    contexts: [{ name: 'it', context: { cluster, user: name } }],
    'current-context': 'it',
  };
  await writeFile(file, stringify(content), { mode: 0o600 });
  return file;
}
