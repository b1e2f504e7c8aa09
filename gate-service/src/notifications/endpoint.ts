/** Who is told what: the webhooks file, checked whole. Format: docs/webhooks.md. */
import { z } from 'zod';
import { isLoopbackHost } from '../settings/loopback.ts';
import { parseYamlDocument } from '../settings/yaml-document.ts';
import type { Check, Path } from '../settings/yaml-document.ts';

export const noticeTypes = ['decision', 'override', 'promotion', 'problem'] as const;
export type NoticeType = (typeof noticeTypes)[number];

const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes, at most 40');

const endpointSchema = z.strictObject({
  name: nameSchema,
  /** Where to: of a Jenkins its base address, as in JENKINS_URL. */
  url: z.string(),
  /** `speed-gate`: every notice, signed. `jenkins-webhook-step`: wakes the job that waits for its run. */
  format: z.enum(['speed-gate', 'jenkins-webhook-step']).default('speed-gate'),
  /** Name of an environment variable, or path of a file: the secret, or two while they are rotated. */
  secretEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable, not the secret')
    .optional(),
  secretFile: z.string().min(1).optional(),
  events: z.array(z.enum(noticeTypes)).min(1, 'name at least one').optional(),
  /** Absent: all services. */
  services: z.array(z.string()).min(1, 'name at least one, or leave it out for all').optional(),
  /** Plain HTTP to another machine: whoever is on the way can read it. */
  allowHttp: z.boolean().default(false),
  timeoutSeconds: z.number().min(1).max(30).default(10),
});

const fileSchema = z.strictObject({
  /** Where people and programs reach this service; links in messages begin with it. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  endpoints: z.array(endpointSchema).max(50),
});

export interface Endpoint {
  readonly name: string;
  readonly url: URL;
  readonly format: 'speed-gate' | 'jenkins-webhook-step';
  readonly secret?: { readonly env: string } | { readonly file: string };
  readonly events: ReadonlySet<NoticeType>;
  readonly services?: ReadonlySet<string>;
  readonly timeoutMs: number;
}

export interface WebhookSettings {
  /** Without a slash at the end. */
  readonly publicUrl?: string;
  readonly endpoints: readonly Endpoint[];
}

type WebhooksFile = z.infer<typeof fileSchema>;

/**
 * Reads the webhooks file (YAML or JSON). Secrets are only named in it, and not read here.
 * @param source what to call it in errors
 * @throws DocumentError with every mistake, its place and its line
 */
export function parseWebhooks(text: string, source: string): WebhookSettings {
  const file = parseYamlDocument(text, source, fileSchema, check);
  return {
    ...(file.publicUrl !== undefined && { publicUrl: file.publicUrl.replace(/\/+$/, '') }),
    endpoints: file.endpoints.map((one) => ({
      name: one.name,
      url: new URL(one.url),
      format: one.format,
      ...(one.secretEnv !== undefined && { secret: { env: one.secretEnv } }),
      ...(one.secretFile !== undefined && { secret: { file: one.secretFile } }),
      events: new Set(one.events ?? (one.format === 'speed-gate' ? noticeTypes : ['decision'])),
      ...(one.services !== undefined && { services: new Set(one.services) }),
      timeoutMs: one.timeoutSeconds * 1000,
    })),
  };
}

const check: Check<WebhooksFile> = (file, problem) => {
  const names = new Map<string, number>();
  file.endpoints.forEach((endpoint, index) => {
    const report = (field: string, message: string): void => {
      problem(['endpoints', index, field] satisfies Path, message);
    };
    const earlier = names.get(endpoint.name);
    if (earlier === undefined) names.set(endpoint.name, index);
    else report('name', `endpoints[${earlier}] is called ${endpoint.name} already`);
    const wrong = addressProblem(endpoint.url, endpoint.allowHttp);
    if (wrong !== undefined) report('url', wrong);
    if (endpoint.secretEnv !== undefined && endpoint.secretFile !== undefined) {
      report('secretFile', 'give secretEnv or secretFile, not both');
    }
    if (endpoint.format === 'jenkins-webhook-step') {
      if (endpoint.events?.some((type) => type !== 'decision') === true) {
        report('events', 'a waiting job is only woken by the decision of its run');
      }
    } else if (endpoint.secretEnv === undefined && endpoint.secretFile === undefined) {
      report('secretFile', 'a secret is missing: messages are signed (secretFile or secretEnv)');
    }
  });
};

/** What is wrong with an address, in words; undefined for a good one. */
function addressProblem(text: string, allowHttp: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null) return 'is no absolute URL, e.g. https://chat.example.com/hooks/speed-gate';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be https (or http)';
  if (url.username !== '' || url.password !== '') {
    return 'holds a name or password: it would be shown in logs. Use the secret instead';
  }
  if (url.hash !== '') return 'has a part after #, which is never sent';
  if (url.protocol === 'http:' && !allowHttp && !isLoopbackHost(url.hostname)) {
    return 'plain http to another machine can be read on the way: use https, or say `allowHttp: true`';
  }
  return undefined;
}
