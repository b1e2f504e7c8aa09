/** Renders the Jolokia agent beside a Jetty: which thread pool attributes may be read and written over HTTP. */

export interface JolokiaPlacement {
  /** Loopback port. */
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Names of the files in Jetty's base that {@link renderJolokia} returns. */
export const JOLOKIA_FILES = {
  properties: 'jolokia.properties',
  policy: 'jolokia-policy.xml',
} as const;

/** Pattern of Jetty's pool; the real name carries a hash per start, so it is read by pattern first. */
export const THREAD_POOL_MBEAN = 'org.eclipse.jetty.util.thread:type=queuedthreadpool,*';
/** Attributes of the pool that the policy lets write. */
export const WRITABLE_POOL_ATTRIBUTES = ['maxThreads', 'minThreads'] as const;
/** Attributes that it lets read besides; a read must list its attributes, or it is refused. */
export const READABLE_POOL_ATTRIBUTES = [
  'threads',
  'idleThreads',
  'busyThreads',
  'utilizedThreads',
  'utilizationRate',
  'queueSize',
  'leasedThreads',
  'readyThreads',
  'maxAvailableThreads',
  'lowOnThreads',
] as const;

/**
 * Properties and policy of the agent. The policy lists only the command `version`, which is
 * harmless: a command listed there is allowed for every MBean, and the attributes below it would
 * restrict nothing. Throws a RangeError when user or password would break the properties file.
 */
export function renderJolokia(
  base: string,
  { port, user, password }: JolokiaPlacement,
): Readonly<Record<string, string>> {
  const lines = [
    'host=127.0.0.1',
    `port=${port}`,
    `user=${propertyValue(user, 'The user')}`,
    `password=${propertyValue(password, 'The password')}`,
    `policyLocation=file:${base}/${JOLOKIA_FILES.policy}`,
    'discoveryEnabled=false',
  ];
  return {
    [JOLOKIA_FILES.properties]: `${lines.join('\n')}\n`,
    [JOLOKIA_FILES.policy]: POLICY,
  };
}

const POLICY = [
  '<?xml version="1.0" encoding="utf-8"?>',
  '<restrict>',
  '  <remote><host>127.0.0.1</host></remote>',
  '  <http><method>get</method><method>post</method></http>',
  '  <commands><command>version</command></commands>',
  '  <allow>',
  '    <mbean>',
  `      <name>${THREAD_POOL_MBEAN}</name>`,
  ...WRITABLE_POOL_ATTRIBUTES.map((name) => `      <attribute>${name}</attribute>`),
  ...READABLE_POOL_ATTRIBUTES.map((name) => `      <attribute mode="read">${name}</attribute>`),
  '    </mbean>',
  '  </allow>',
  '</restrict>',
  '',
].join('\n');

function propertyValue(value: string, what: string): string {
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(value)) {
    throw new RangeError(`${what} of Jolokia must be made of letters, digits and ._~+/=- only.`);
  }
  return value;
}
