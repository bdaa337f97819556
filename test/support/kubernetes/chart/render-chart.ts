// Renders the chart with helm itself, one process a set of values: what a user's `helm install` would send.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parse, parseAllDocuments } from 'yaml';

import { findProgram } from '../programs/find-program.ts';
import { Rendered } from './objects.ts';
import type { ClusterObject, Yaml } from './objects.ts';

export const CHART = join(import.meta.dirname, '../../../../helm/bivdiff');
const BYTES_MAX = 32 * 2 ** 20;

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** As of the cluster. @default what helm was built for */
  readonly kubeVersion?: string;
}

/** What was rendered in this process: many tests look at the same. */
const known = new Map<string, Promise<Rendered>>();

export function renderChart(values: Yaml = {}, options: RenderOptions = {}): Promise<Rendered> {
  const key = JSON.stringify([values, options]);
  const rendered = known.get(key) ?? renderAnew(values, options);
  known.set(key, rendered);
  return rendered;
}

/** Where secrets are drawn, they are others. */
export async function renderAnew(
  values: Yaml = {},
  options: RenderOptions = {},
): Promise<Rendered> {
  const text = await helmTemplate(values, options);
  const documents = parseAllDocuments(text);
  const objects = documents.map((one) => one.toJS() as ClusterObject | null);
  return new Rendered(objects.filter((one) => one !== null));
}

/** What helm prints. @throws what it says on stderr */
export async function helmTemplate(values: Yaml, options: RenderOptions = {}): Promise<string> {
  const { release = 'farm', namespace = 'render', kubeVersion } = options;
  const words = ['template', release, CHART, '--namespace', namespace, '--values', '-'];
  const version = kubeVersion === undefined ? [] : ['--kube-version', kubeVersion];
  return runHelm([...words, ...version], JSON.stringify(values));
}

const refused = new Map<string, Promise<string>>();

/** What helm says of values that it refuses. @throws where it takes them */
export function refusalOf(values: Yaml, options: RenderOptions = {}): Promise<string> {
  const key = JSON.stringify([values, options]);
  const said = refused.get(key) ?? refuse(values, options);
  refused.set(key, said);
  return said;
}

async function refuse(values: Yaml, options: RenderOptions): Promise<string> {
  const said = await helmTemplate(values, options).then(
    () => undefined,
    (reason: unknown) => (reason as Error).message,
  );
  if (said === undefined) throw new Error(`helm takes ${JSON.stringify(values)}`);
  return said;
}

export async function runHelm(words: readonly string[], input = ''): Promise<string> {
  const helm = await findProgram('helm');
  return new Promise((resolve, reject) => {
    const child = execFile(helm, words, { maxBuffer: BYTES_MAX }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr === '' ? error.message : stderr));
    });
    child.stdin?.end(input);
  });
}

/** The values of a file of ci/; of `default` none. @param folder - of the chart */
export async function ciValues(name: string, folder = CHART): Promise<Yaml> {
  if (name === 'default') return {};
  return parse(await readFile(join(folder, 'ci', name), 'utf8'));
}

export const CI_FILES = ['cpu', 'gpu', 's3', 'dra', 'gitops', 'one-gpu'].map(
  (name) => `${name}-values.yaml`,
);
