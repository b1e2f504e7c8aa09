/** Are settings, catalogue, identities and webhooks right? All of it is read as the service reads it. */
import { readFile, stat } from 'node:fs/promises';
import { parseIdentities, servicesInFile } from '../../api/identity/identities-file.ts';
import { secretsOf } from '../../notifications/signature.ts';
import { readCatalogue } from '../../settings/catalogue-file.ts';
import type { Catalogue } from '../../settings/catalogue.ts';
import type { PlatformKind } from '../../settings/platform-settings.ts';
import { readSettings, SettingsError } from '../../settings/environment.ts';
import type { Settings } from '../../settings/environment.ts';
import { DocumentError } from '../../settings/yaml-document.ts';
import { readWebhooks } from '../webhooks.ts';
import { areaOf, wordsOf } from './finding.ts';
import type { Area, Finding } from './finding.ts';

const OTHERS_MAY_READ = 0o004;
const OTHERS_MAY_WRITE = 0o022;
/** A nightly run may have an hour; more is seldom meant. */
const USUAL_TUNE_SECONDS = 3600;
const WEEK_MS = 7 * 24 * 3_600_000;

/** @returns the settings too, where they are right */
export function checkSettings(environment: NodeJS.ProcessEnv): {
  readonly findings: readonly Finding[];
  readonly settings?: Settings;
} {
  const area = areaOf('settings');
  try {
    const settings = readSettings(environment);
    return {
      settings,
      findings: [
        area.ok('environment and settings file are right'),
        ...settings.warnings.map((words) => area.warning(words, 'unset it, or correct its name')),
      ],
    };
  } catch (error) {
    const lines = error instanceof SettingsError ? error.problems : [wordsOf(error)];
    return { findings: lines.map((words) => area.problem(words, 'correct it and start again')) };
  }
}

/** @returns the catalogue too, where it is right */
export async function checkCatalogue(
  file: string,
  platform: PlatformKind = 'local',
): Promise<{ readonly findings: readonly Finding[]; readonly catalogue?: Catalogue }> {
  const area = areaOf('catalogue');
  try {
    const catalogue = await readCatalogue(file, platform);
    const names = catalogue.services.map(({ name }) => name).join(', ');
    const long = catalogue.services.filter(({ limits }) => limits.tuneSeconds > USUAL_TUNE_SECONDS);
    return {
      catalogue,
      findings: [
        area.ok(`${file} describes ${names}`),
        ...long.map(({ limits, name }) =>
          area.warning(
            `a run of ${name} may tune for ${hours(limits.tuneSeconds)} hours, and everything else waits meanwhile`,
            `lower limits.tuneSeconds of ${name} if that is not meant`,
          ),
        ),
      ],
    };
  } catch (error) {
    return { findings: mistakes(area, file, error) };
  }
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(1).replace('.0', '');
}

export async function checkIdentities(
  file: string | undefined,
  services: readonly string[],
): Promise<readonly Finding[]> {
  const area = areaOf('identities');
  if (file === undefined) {
    return [
      area.warning(
        'there is no identities file: nobody but the health checks gets in',
        'npm run speed-gate -- token, and name the file in SPEED_GATE_IDENTITIES_FILE',
      ),
    ];
  }
  try {
    const identities = parseIdentities(await readFile(file, 'utf8'), file);
    const { oidc, tokens } = identities;
    const findings = [area.ok(`${file}: ${tokens.length} tokens, ${oidc.length} issuers`)];
    if (((await stat(file)).mode & OTHERS_MAY_WRITE) !== 0) {
      findings.push(
        area.problem(
          `others may write ${file}: they could let themselves in`,
          `chmod go-w ${file}`,
        ),
      );
    }
    for (const { expires, name } of tokens) {
      const left = expires === undefined ? Infinity : Date.parse(expires) - Date.now();
      if (left > WEEK_MS) continue;
      const words = left <= 0 ? 'has expired' : 'expires within a week';
      findings.push(
        area.warning(
          `the token of ${name} ${words} (${String(expires)})`,
          'make a new one: npm run speed-gate -- token',
        ),
      );
    }
    const unknown = servicesInFile(identities).filter((name) => !services.includes(name));
    if (services.length > 0 && unknown.length > 0) {
      findings.push(
        area.warning(
          `rights are given for services that the catalogue does not have: ${unknown.join(', ')}`,
          'correct their names; they open nothing',
        ),
      );
    }
    return findings;
  } catch (error) {
    return mistakes(area, file, error);
  }
}

export async function checkWebhooks(
  file: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Finding[]> {
  const area = areaOf('webhooks');
  if (file === undefined) return [area.ok('none: nobody is told of decisions')];
  try {
    const { endpoints } = await readWebhooks(file);
    const findings = await Promise.all(
      endpoints.map(async (endpoint) => {
        const { name, secret, url } = endpoint;
        try {
          await secretsOf(endpoint, environment);
        } catch (error) {
          return area.problem(
            wordsOf(error),
            'put the secret there, and let only the service read it',
          );
        }
        if (secret !== undefined && 'file' in secret) {
          const { mode } = await stat(secret.file);
          if ((mode & OTHERS_MAY_READ) !== 0) {
            return area.warning(
              `everybody may read the secret ${secret.file}`,
              `chmod o-rwx ${secret.file}`,
            );
          }
        }
        return area.ok(`${name} goes to ${url.origin}`);
      }),
    );
    return findings.length > 0 ? findings : [area.ok(`${file} lists no endpoint`)];
  } catch (error) {
    return mistakes(area, file, error);
  }
}

function mistakes(area: Area, file: string, error: unknown): readonly Finding[] {
  if (!(error instanceof DocumentError)) {
    return [area.problem(wordsOf(error), `make ${file} readable, or name another file`)];
  }
  return error.problems.map(({ line, message, path }) => {
    const place = line === undefined ? file : `${file}:${line}`;
    const words = [place, path, message].filter((part) => part !== '').join(' ');
    return area.problem(words, 'correct it; the service would not start');
  });
}
