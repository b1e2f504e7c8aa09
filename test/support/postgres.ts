/** A real PostgreSQL in a container, empty, for one test file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { GenericContainer } from 'testcontainers';
import type { StartedTestContainer } from 'testcontainers';
import { freePort } from '../../gate-service/src/processes/free-port.ts';
import { DEBIAN_IMAGE, imageOf, startDockerEngine } from './docker-engine.ts';
import type { DockerEngine } from './docker-engine.ts';
import { until } from './processes.ts';

export interface StartedPostgres {
  /** Of its superuser, on loopback where the engine is this machine's. */
  readonly url: string;
  /** What runs, for a person: image and server version. */
  readonly image: string;
  stop(): Promise<void>;
}

const OFFICIAL = 'postgres:17';
const USER = 'postgres';
const PASSWORD = 'not-a-secret';
const PORT = 5432;

/** The entry point understands what the official image's does, as far as it is used here. */
const DOCKERFILE = `FROM ${DEBIAN_IMAGE}
RUN apt-get update -qq \\
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql \\
  && apt-get clean && rm -rf /var/lib/apt/lists/* \\
  && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
COPY start.sh /start.sh
RUN chmod 755 /start.sh
USER postgres
ENTRYPOINT ["/start.sh"]
CMD ["postgres"]
`;
const START = `#!/bin/sh
set -e
export PGDATA=/tmp/data LC_ALL=C.UTF-8
printf %s "$POSTGRES_PASSWORD" > /tmp/password
initdb --username="$POSTGRES_USER" --auth=scram-sha-256 --pwfile=/tmp/password >/dev/null
rm /tmp/password
echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
exec "$@"
`;
const OWN = imageOf('speed-gate-test/postgres', DOCKERFILE, START);

/**
 * Starts PostgreSQL; says on standard error which image runs. One at a time in a process: testcontainers keeps
 * to the first engine that it has met.
 * @param options.durable writes as in production; a test is faster without
 * @throws Error when there is no engine, or the database does not answer
 */
export async function startPostgres({ durable = false } = {}): Promise<StartedPostgres> {
  const engine = await startDockerEngine();
  let container: StartedTestContainer | undefined;
  const stop = async () => {
    await container?.stop({ timeout: 5_000 });
    await engine.stop();
  };
  try {
    const name = await ensureImage(engine);
    const started = await startContainer(engine, name, durable);
    ({ container } = started);
    const { url } = started;
    const version = await until('PostgreSQL answers', () => versionOf(url), { everyMs: 100 });
    const where = engine.own ? 'an engine started for it' : engine.host;
    const image = `${name} (PostgreSQL ${version}), on ${where}`;
    console.error(`postgres: ${image}`);
    return { url, image, stop };
  } catch (error) {
    // What went wrong first is what has to be said.
    await stop().catch(() => undefined);
    throw error;
  }
}

async function startContainer(
  engine: DockerEngine,
  image: string,
  durable: boolean,
): Promise<{ readonly container: StartedTestContainer; readonly url: string }> {
  // testcontainers reads these when it is first used. Its own helper that removes containers of killed tests
  // is an image that cannot be pulled everywhere; an engine of ours takes its containers with it.
  process.env.DOCKER_HOST ??= engine.host;
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  // It would look for the gateway of a bridge that an engine of ours does not have.
  if (engine.own) process.env.TESTCONTAINERS_HOST_OVERRIDE ??= '127.0.0.1';
  // No crash of the machine is tested here: flushing to disk would only cost time.
  const settings = ['-c', `fsync=${durable ? 'on' : 'off'}`, '-c', 'max_connections=200'];
  const prepared = new GenericContainer(image).withEnvironment({
    POSTGRES_USER: USER,
    POSTGRES_PASSWORD: PASSWORD,
  });
  if (engine.own) {
    const port = await freePort();
    const container = await prepared
      .withNetworkMode('host')
      .withCommand(['postgres', ...settings, '-c', 'listen_addresses=127.0.0.1', '-p', `${port}`])
      .start();
    return { container, url: urlOf('127.0.0.1', port) };
  }
  const container = await prepared
    .withExposedPorts(PORT)
    .withCommand(['postgres', ...settings, '-c', 'listen_addresses=*'])
    .start();
  return { container, url: urlOf(container.getHost(), container.getMappedPort(PORT)) };
}

function urlOf(host: string, port: number): string {
  return `postgresql://${USER}:${PASSWORD}@${host}:${port}/postgres`;
}

async function versionOf(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The official image where it can be had, else one made here from Debian's packages. */
async function ensureImage(engine: DockerEngine): Promise<string> {
  if (!(await engine.has(OWN))) {
    try {
      await engine.image(OFFICIAL, async () => {
        await engine.docker(['pull', '--quiet', OFFICIAL]);
      });
      return OFFICIAL;
    } catch {
      console.error(
        `postgres: ${OFFICIAL} cannot be pulled here; it is made from Debian's packages`,
      );
    }
  }
  await engine.image(OWN, () => build(engine));
  return OWN;
}

async function build(engine: DockerEngine): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-postgres-'));
  try {
    await engine.debianImage();
    await writeFile(path.join(folder, 'Dockerfile'), DOCKERFILE);
    await writeFile(path.join(folder, 'start.sh'), START);
    await engine.docker(['build', '--quiet', '--network', 'host', '--tag', OWN, folder]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
