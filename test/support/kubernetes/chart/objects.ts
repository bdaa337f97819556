// What a chart renders to, as tests look at it: objects, the pods in them, and how to find one.

import assert from 'node:assert';

/** Any value of YAML; tests say what they expect of it. */
export type Yaml = any;

export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: Yaml;
}

export interface PodSpec {
  /** Of the object that has it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Yaml;
}

export class Rendered {
  readonly objects: readonly ClusterObject[];

  constructor(objects: readonly ClusterObject[]) {
    this.objects = objects;
  }

  ofKind(kind: string): readonly ClusterObject[] {
    return this.objects.filter((one) => one.kind === kind);
  }

  names(kind: string): readonly string[] {
    return this.ofKind(kind).map(({ metadata }) => metadata.name);
  }

  /** The only one of its kind, or that of this name. */
  one(kind: string, name?: string): Yaml {
    const found = this.ofKind(kind).filter(
      (one) => name === undefined || one.metadata.name === name,
    );
    const all = this.names(kind).join(', ');
    assert.equal(found.length, 1, `one ${kind} ${name ?? ''}; there are: ${all}`);
    return found[0];
  }

  /** Of every object that makes pods, or is one. */
  pods(): readonly PodSpec[] {
    return this.objects.flatMap(({ kind, metadata, spec }) => {
      const { name, labels = {} } = metadata;
      if (kind === 'Pod') return [{ name, labels, spec }];
      const template = spec?.template;
      if (template?.spec?.containers === undefined) return [];
      return [{ name, labels: template.metadata.labels, spec: template.spec }];
    });
  }

  /** The pod of the object of this name. */
  pod(name: string): Yaml {
    const found = this.pods().find((one) => one.name === name);
    assert(found !== undefined, `no pod of ${name}`);
    return found.spec;
  }

  /** The words that a container of it is started with. */
  args(name: string, container?: string): readonly string[] {
    const { containers, initContainers = [] } = this.pod(name);
    const all: Yaml[] = [...containers, ...initContainers];
    const found = container === undefined ? all[0] : all.find((one) => one.name === container);
    assert(found !== undefined, `no container ${container} of ${name}`);
    return found.args;
  }

  /** What stands behind a flag, each time that it is given. */
  flags(name: string, flag: string, container?: string): readonly string[] {
    const args = this.args(name, container);
    return args.flatMap((word, i) => (word === flag ? [args[i + 1] ?? ''] : []));
  }
}

export function containersOf(spec: Yaml): readonly Yaml[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}
