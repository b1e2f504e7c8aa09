/** The settings file: what the environment does not say. */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { PATHS, SETTING_KEYS } from './settings.ts';
import type { SettingKey } from './settings.ts';
import { DocumentError, parseYamlDocument } from './yaml-document.ts';

const valueSchema = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected a text or a number' })
  .transform(String);

const fileSchema = z
  .strictObject(
    Object.fromEntries(SETTING_KEYS.map((key) => [key, valueSchema.optional()])) as Record<
      SettingKey,
      z.ZodOptional<typeof valueSchema>
    >,
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? `unknown: ${issue.keys.join(', ')}; known are ${SETTING_KEYS.join(', ')}`
          : 'expected settings, e.g. listen: 127.0.0.1:7080',
    },
  )
  .nullable();

export interface FileSettings {
  readonly values: Readonly<Partial<Record<SettingKey, string>>>;
  /** A line for each mistake in the file's form; the values are checked with those of the environment. */
  readonly problems: readonly string[];
}

/** Reads the text of a settings file (YAML or JSON). Never throws. */
export function parseSettingsFile(text: string, file: string): FileSettings {
  try {
    const content = parseYamlDocument(text, file, fileSchema) ?? {};
    const folder = dirname(resolve(file));
    const values = Object.fromEntries(
      Object.entries(content).map(([key, value]) => [
        key,
        PATHS.has(key as SettingKey) && value !== undefined ? resolve(folder, value) : value,
      ]),
    );
    return { values, problems: [] };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return {
      values: {},
      problems: error.problems.map(({ line, path, message }) => {
        const place = line === undefined ? file : `${file}:${line}`;
        return `${place}${path === '' ? '' : ` ${path}`}: ${message}`;
      }),
    };
  }
}
