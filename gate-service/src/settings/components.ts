/** The components that the set-up found or installed on this machine: where they are, in which version. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** Builds of the sample application `checkout`; the broken ones are for tests. */
export const sampleFlavours = ['1.0', '1.1', '1.2', '1.3', 'broken-start', 'broken-500'] as const;
export const sampleFlavourSchema = z.enum(sampleFlavours);
export type SampleFlavour = z.infer<typeof sampleFlavourSchema>;

const file = z.string().refine((value) => path.isAbsolute(value), 'must be an absolute path');
const versioned = z.strictObject({ path: file, version: z.string().min(1) });

export const componentsSchema = z.strictObject({
  format: z.literal(1),
  /** Changes whenever the set-up would produce something else; compared by the set-up only. */
  key: z.string().min(1),
  /** `serverRoot` is the folder that holds `modules/` with mod_mpm_event. */
  httpd: versioned.extend({ serverRoot: file }),
  /** `path` is `bin/java` of the JDK at `home`. */
  java: versioned.extend({ home: file }),
  /** `path` is JETTY_HOME; `start.jar` lies in it. */
  jettyHome: versioned,
  /** The agent JAR for `-javaagent:`. */
  jolokia: versioned,
  envoy: versioned,
  prometheus: versioned,
  /** The JAR to compile servlets against. */
  servletApi: versioned,
  /** A folder of JARs: groovy-all, groovy-cps, jenkins-pipeline-unit and what they need. */
  pipelineLibraries: z.strictObject({ classpathDir: file }),
  chromium: versioned.optional(),
  /** Jetty's classes for `-XX:SharedArchiveFile=`; only for the JVM at `java.path`. */
  classDataArchive: z.strictObject({ path: file }).optional(),
  wars: z.record(
    sampleFlavourSchema,
    z.strictObject({ path: file, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});
export type Components = z.infer<typeof componentsSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** `$SPEED_GATE_CACHE`, or `speed-gate` in `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheFolder(environment: Environment = process.env): string {
  const own = environment.SPEED_GATE_CACHE;
  if (own !== undefined && own !== '') return path.resolve(own);
  const xdg = environment.XDG_CACHE_HOME;
  // The XDG specification: a relative path is invalid and to be ignored.
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homedir(), '.cache');
  return path.join(base, 'speed-gate');
}

/** The file that the set-up writes and {@link loadComponents} reads. */
export function componentsFile(environment: Environment = process.env): string {
  return path.join(cacheFolder(environment), 'components.json');
}

const remedy = 'Run "npm run setup" to install the components.';

/**
 * Reads what the set-up found.
 * @throws Error naming the file, what is wrong with it and the command that repairs it
 */
export function loadComponents(environment: Environment = process.env): Components {
  const from = componentsFile(environment);
  let text: string;
  try {
    text = readFileSync(from, 'utf8');
  } catch (error) {
    throw new Error(`The components are not set up: cannot read ${from}. ${remedy}`, {
      cause: error,
    });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`${from} is not JSON. ${remedy}`, { cause: error });
  }
  const parsed = componentsSchema.safeParse(content);
  if (!parsed.success) {
    throw new Error(
      `${from} does not fit this version of Speed Gate. ${remedy}\n${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
