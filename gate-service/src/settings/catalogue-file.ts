/** Reads the service catalogue: the schema, and what only the whole of it shows. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseThreshold } from '../judge/threshold.ts';
import type { Threshold } from '../judge/threshold.ts';
import { readCsvData } from '../load/csv-data.ts';
import type { ReadData } from '../load/inline-data.ts';
import { catalogueFileSchema } from './catalogue.ts';
import type { Catalogue, CatalogueService } from './catalogue.ts';
import { sharedAddresses } from './catalogue-kubernetes.ts';
import type { PlatformKind } from './platform-settings.ts';
import { parseYamlDocument } from './yaml-document.ts';
import type { Path } from './yaml-document.ts';

type Report = (path: Path, message: string) => void;

/**
 * @param source what to call the text in errors
 * @param readData reads CSV files that workloads name; absent: they may name none
 * @param platform where the services are to run: `kubernetes` asks each for its part
 * @throws DocumentError with every mistake, its place in the document and its line
 */
export function parseCatalogue(
  text: string,
  source: string,
  readData: ReadData = readNothing,
  platform: PlatformKind = 'local',
): Catalogue {
  return parseYamlDocument(text, source, catalogueFileSchema(readData), (catalogue, report) => {
    checkCatalogue(catalogue, report);
    if (platform === 'kubernetes') checkPlaced(catalogue, report);
  });
}

/**
 * Reads the catalogue and the CSV files that its workloads name, which lie in its folder or below.
 * @throws DocumentError
 * @throws Error when the file cannot be read
 */
export async function readCatalogue(
  file: string,
  platform: PlatformKind = 'local',
): Promise<Catalogue> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(
      `the service catalogue ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const folder = path.dirname(path.resolve(file));
  const readData: ReadData = (name, order) => readCsvData(name, order, { folder, root: folder });
  return parseCatalogue(text, file, readData, platform);
}

function checkPlaced({ services }: Catalogue, report: Report): void {
  services.forEach(({ kubernetes, name }, index) => {
    if (kubernetes !== undefined) return;
    report(
      ['services', index],
      `platform kubernetes needs the part \`kubernetes\` of ${name}: namespaces, Deployment, container, repository, gateways (docs/kubernetes.md)`,
    );
  });
}

function readNothing(): never {
  throw new Error('no files can be named here; write out columns and rows');
}

function checkCatalogue(catalogue: Catalogue, report: Report): void {
  const names = new Map<string, number>();
  const hosts = new Map<string, string>();
  catalogue.services.forEach((service, index) => {
    const at: Path = ['services', index];
    const earlier = names.get(service.name);
    if (earlier === undefined) names.set(service.name, index);
    else report([...at, 'name'], `services[${earlier}] is called ${service.name} already`);
    service.hosts.forEach((host, position) => {
      const owner = hosts.get(host.toLowerCase());
      if (owner === undefined) hosts.set(host.toLowerCase(), service.name);
      else report([...at, 'hosts', position], `${host} belongs to the service ${owner} already`);
    });
    checkKubernetesNames(catalogue.services.slice(0, index), service, (path, message) => {
      report([...at, 'kubernetes', ...path], message);
    });
    checkAddresses(service, (path, message) => {
      report([...at, 'kubernetes', ...path], message);
    });
    checkService(service, (path, message) => {
      report([...at, ...path], message);
    });
  });
}

/** Two services never take each other's Deployment for their template. */
function checkKubernetesNames(
  earlier: readonly CatalogueService[],
  { kubernetes }: CatalogueService,
  report: Report,
): void {
  if (kubernetes === undefined) return;
  const owner = earlier.find(
    (other) =>
      other.kubernetes?.deployment === kubernetes.deployment &&
      other.kubernetes.production.namespace === kubernetes.production.namespace,
  );
  if (owner === undefined) return;
  report(
    ['deployment'],
    `Deployment ${kubernetes.production.namespace}/${kubernetes.deployment} belongs to the service ${owner.name} already`,
  );
}

function checkAddresses({ hosts, kubernetes }: CatalogueService, report: Report): void {
  if (kubernetes === undefined) return;
  for (const index of sharedAddresses(kubernetes, hosts)) {
    report(
      ['staging', 'gateways', index, 'address'],
      "production's gateways listen there for the same hosts: give staging an address or hosts of its own",
    );
  }
}

function checkService(service: CatalogueService, report: Report): void {
  const kinds = new Set<string>();
  service.workload.requests.forEach((request, index) => {
    const at: Path = ['workload', 'requests', index];
    if (kinds.has(request.name)) {
      report([...at, 'name'], `${request.name} is the name of another request already`);
    }
    kinds.add(request.name);
    const pattern = request.expect.bodyPattern;
    if (pattern === undefined) return;
    try {
      new RegExp(pattern, 'u');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      report([...at, 'expect', 'bodyPattern'], message);
    }
  });

  const checked = (field: 'thresholds' | 'shown'): readonly Threshold[] =>
    service[field].flatMap((text, index) => {
      try {
        const threshold = parseThreshold(text);
        if (threshold.kind !== undefined && !kinds.has(threshold.kind)) {
          report(
            [field, index],
            `the workload has no request called ${threshold.kind}; it has ${[...kinds].join(', ')}`,
          );
        }
        return [threshold];
      } catch (error) {
        report([field, index], error instanceof Error ? error.message : String(error));
        return [];
      }
    });
  const thresholds = checked('thresholds');
  checked('shown');
  const onlyRelative =
    thresholds.length === service.thresholds.length &&
    thresholds.every((threshold) => threshold.against === 'baseline');
  if (service.initialBuild && onlyRelative) {
    report(
      ['thresholds'],
      'a first build has no baseline: `initialBuild: true` needs an absolute threshold, e.g. p95 < 200ms',
    );
  }
}
