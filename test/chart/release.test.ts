// Names, images and labels of a release; `helm test`; what helm says at the end.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../common/errors.ts';
import type { ErrorCode } from '../../common/errors.ts';
import { errorJson } from '../../cli/output/error-text.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { CHART, renderChart, runHelm } from '../support/kubernetes/chart/render-chart.ts';

const run = promisify(execFile);

describe('names', () => {
  it.each([
    [{}, 'farm', 'farm-bivdiff'],
    [{}, 'my-bivdiff', 'my-bivdiff'],
    [{ fullnameOverride: 'render' }, 'farm', 'render'],
    [{ nameOverride: 'video' }, 'farm', 'farm-video'],
    [{}, 'a'.repeat(53), 'a'.repeat(40)],
  ])('with %j of release %s begin with %s', async (values, release, expected) => {
    const chart = await renderChart(values, { release });
    expect(chart.names('StatefulSet')).toEqual([`${expected}-nats`]);
    for (const { metadata } of chart.objects) expect(metadata.name.length).toBeLessThanOrEqual(63);
  });

  it('of two releases never meet', async () => {
    const [one, two] = [
      await renderChart({}, { release: 'one' }),
      await renderChart({}, { release: 'two' }),
    ];
    const names = new Set(one.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    for (const { kind, metadata } of two.objects)
      expect(names).not.toContain(`${kind} ${metadata.name}`);
    const { selector } = one.one('Service', 'one-bivdiff-coordinator').spec;
    expect(selector['app.kubernetes.io/instance']).toBe('one');
  });
});

it('of a pool is a word in labels, also what YAML would read as a number', async () => {
  const pools = { vdm: null, '4090': { serves: ['vdm'] } };
  const { metadata, spec } = (await renderChart({ pools })).one('Deployment', 'farm-bivdiff-4090');
  for (const labels of [metadata.labels, spec.selector.matchLabels, spec.template.metadata.labels])
    expect(labels['bivdiff.dev/pool']).toBe('4090');
});

it('of a release is a word in labels, also what YAML would read as a number', async () => {
  const chart = await renderChart({ fullnameOverride: 'render' }, { release: '1e3' });
  for (const { metadata } of chart.objects)
    expect(metadata.labels?.['app.kubernetes.io/instance']).toBe('1e3');
});

describe('images', () => {
  const imageOf = async (image: Yaml, more: Yaml = {}): Promise<string> =>
    (await renderChart({ ...more, image })).pod('farm-bivdiff-vdm').containers[0].image;

  it.each([
    [{}, 'bivdiff-worker-cuda:0.1.0'],
    [{ registry: 'ghcr.io/me' }, 'ghcr.io/me/bivdiff-worker-cuda:0.1.0'],
    [{ registry: 'ghcr.io/me/', tag: 'v2' }, 'ghcr.io/me/bivdiff-worker-cuda:v2'],
    [{ workerCuda: 'own@sha256:ab', tag: 'v2' }, 'own@sha256:ab'],
  ])('with %j are %s', async (image, expected) => {
    expect(await imageOf(image)).toBe(expected);
  });

  it.each([{ device: 'cpu' }, { poolDefaults: { device: 'cpu' } }])(
    'of workers on processors have no CUDA: %j',
    async (values) => {
      expect(await imageOf({}, values)).toBe('bivdiff-worker:0.1.0');
      const chart = await renderChart(values);
      for (const pool of ['idm', 'mixer', 'vdm'])
        expect(chart.flags(`farm-bivdiff-${pool}`, '--device', 'worker')).toEqual(['cpu']);
    },
  );

  it('are fetched with the logins that one names', async () => {
    const chart = await renderChart({
      image: { pullSecrets: [{ name: 'login' }], pullPolicy: 'Always' },
    });
    for (const { spec } of chart.pods()) {
      expect(spec.imagePullSecrets).toEqual([{ name: 'login' }]);
      expect(spec.containers[0].imagePullPolicy).toBe('Always');
    }
  });
});

it('every object has the labels and annotations of all', async () => {
  const values = { commonLabels: { team: 'film' }, commonAnnotations: { note: 'x' } };
  for (const { metadata } of (await renderChart(values)).objects) {
    expect(metadata.labels).toMatchObject({ team: 'film' });
    expect(metadata.annotations).toMatchObject({ note: 'x' });
  }
});

describe('helm test', async () => {
  const chart = await renderChart();
  const NAME = 'farm-bivdiff-test-render';

  it('is a pod that helm makes when it is asked', () => {
    expect(chart.one('Pod', NAME).metadata.annotations['helm.sh/hook']).toBe('test');
    expect(chart.pod(NAME)).toMatchObject({ restartPolicy: 'Never', activeDeadlineSeconds: 1200 });
  });

  it('brings its own clip', async () => {
    const { binaryData } = chart.one('ConfigMap', 'farm-bivdiff-test');
    const clip = await readFile(join(CHART, 'files/clip.gif'));
    expect(Buffer.from(binaryData['clip.gif'], 'base64').equals(clip)).toBe(true);
  });

  it.each([
    [
      {},
      {
        BIVDIFF_SERVER: 'grpcs://farm-bivdiff-coordinator.render.svc.cluster.local:7180',
        BIVDIFF_TLS_CA: '/run/bivdiff/tls/ca.crt',
        BIVDIFF_TOKEN_FILE: '/run/bivdiff/token/admin',
      },
    ],
    [
      { tls: { mode: 'off' } },
      {
        BIVDIFF_SERVER: 'grpc://farm-bivdiff-coordinator.render.svc.cluster.local:7180',
        INSECURE: '--insecure',
        BIVDIFF_TOKEN_FILE: '/run/bivdiff/token/admin',
      },
    ],
    [
      { tls: { mode: 'off' }, auth: { enabled: false } },
      { BIVDIFF_SERVER: 'grpc://farm-bivdiff-coordinator.render.svc.cluster.local:7180' },
    ],
  ])('with %j reaches the farm as a client does', async (values, expected) => {
    const [{ env }] = (await renderChart(values)).pod(NAME).containers;
    const given = Object.fromEntries((env as Yaml[]).map(({ name, value }) => [name, value]));
    expect(given).toEqual(expected);
  });

  /** Runs the script where programs of PATH stand for `bivdiff`, whose commands do as told, and for `sleep`. */
  async function runScript(submit: string): Promise<{ code: number; calls: readonly string[] }> {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-test-pod-'));
    try {
      const calls = join(folder, 'calls');
      // Tells how it is called. What the program does is the end-to-end tests' matter.
      const programs = {
        bivdiff: `echo "$*" >>"$CALLS"\ncase $1 in submit) ${submit};; probe) exit 3;; esac\n`,
        sleep: 'echo "sleep $*" >>"$CALLS"\n',
      };
      for (const [name, script] of Object.entries(programs)) {
        await writeFile(join(folder, name), `#!/bin/sh\n${script}`);
        await chmod(join(folder, name), 0o755);
      }
      const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, CALLS: calls };
      const args = [join(CHART, 'files/test-render.sh'), '--frames', '4'];
      const code = await run('sh', args, { env }).then(
        () => 0,
        (reason: unknown) => (reason as { code: number }).code,
      );
      return { code, calls: (await readFile(calls, 'utf8')).trim().split('\n') };
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const firstWords = (calls: readonly string[]): readonly string[] =>
    calls.map((line) => line.split(' ')[0]!);
  const TAKEN = `printf '{\\n  "job": "abc123"\\n}\\n'`;
  const failure = (code: ErrorCode): string =>
    JSON.stringify(errorJson(new BivdiffError(code, 'what is said')), null, 2);

  it('asks for the job that it submits, and ends with what goes wrong', async () => {
    const { code, calls } = await runScript(TAKEN);
    expect(code).toBe(3);
    expect(firstWords(calls)).toEqual(['list', 'submit', 'watch', 'fetch', 'probe']);
    expect(calls[1]).toContain('--frames 4 --json');
    expect(calls[2]).toBe('watch abc123');
  });

  it('submits again while no worker that draws frames has been there', async () => {
    const refused = `printf '%s\\n' '${failure('unavailable')}'; exit 1`;
    const third = `if [ "$(grep -c ^submit "$CALLS")" -lt 3 ]; then ${refused}; fi; ${TAKEN}`;
    const { code, calls } = await runScript(third);
    expect(code).toBe(3);
    const tries = ['submit', 'sleep', 'submit', 'sleep', 'submit'];
    expect(firstWords(calls)).toEqual(['list', ...tries, 'watch', 'fetch', 'probe']);
  });

  it.each(['invalid-argument', 'permission-denied'] as const)(
    'does not submit again what is %s',
    async (refusal) => {
      const { code, calls } = await runScript(`printf '%s\\n' '${failure(refusal)}'; exit 2`);
      expect(code).toBe(2);
      expect(firstWords(calls)).toEqual(['list', 'submit']);
    },
  );
});

describe('what helm says at the end', () => {
  const notes = async (values: Yaml): Promise<string> => {
    const words = [
      'install',
      'farm',
      CHART,
      '--namespace',
      'render',
      '--dry-run=client',
      '--values',
      '-',
    ];
    const said = await runHelm(words, JSON.stringify(values));
    return said.slice(said.indexOf('NOTES:'));
  };

  it('is the next command, with this release’s names', async () => {
    const said = await notes({ device: 'cpu' });
    expect(said).toContain('helm -n render test farm --logs');
    expect(said).toContain('port-forward service/farm-bivdiff-coordinator 7180:7180');
    expect(said).toContain('get secret farm-bivdiff-tokens');
    expect(said).toContain('ReadWriteMany');
  });

  it('waits for workers that draw frames, in whichever pool', async () => {
    const rollout = 'kubectl -n render rollout status deployment/farm-bivdiff-';
    expect(await notes({})).toContain(`${rollout}idm`);
    const all = { serves: ['idm', 'mixer', 'vdm'], scaling: { max: 0 } };
    const said = await notes({ pools: { idm: null, mixer: null, vdm: null, all } });
    expect(said).toContain(`${rollout}all`);
    expect(said).not.toContain(`${rollout}idm`);
  });

  it.each([
    [{ tls: { mode: 'off' } }, 'tls.mode is off: pictures, and tokens, travel in the clear'],
    [
      { autoscaling: { by: 'keda' } },
      'keda takes workers away without looking whether they are busy',
    ],
    [{ store: { kind: 's3', s3: { bucket: 'b' } } }, 'store: s3://b/bivdiff'],
  ])('is what to know with %j', async (values, sentence) => {
    expect(await notes(values)).toContain(sentence);
  });
});
