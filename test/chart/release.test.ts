// Names, images and labels of a release; `helm test`; what helm says at the end.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

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

  it('of workers on processors have no CUDA', async () => {
    expect(await imageOf({}, { device: 'cpu' })).toBe('bivdiff-worker:0.1.0');
  });

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

  it('asks for the job that it submits, and ends with what goes wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-test-pod-'));
    try {
      // Stands for the program: tells how it is called. What it does is the end-to-end tests' matter.
      const program = join(folder, 'bivdiff');
      const script =
        '#!/bin/sh\necho "$*" >>"$CALLS"\ncase $1 in submit) printf \'{\\n  "job": "abc123"\\n}\\n\';; probe) exit 3;; esac\n';
      await writeFile(program, script);
      await chmod(program, 0o755);
      const calls = join(folder, 'calls');
      const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, CALLS: calls };
      const args = [join(CHART, 'files/test-render.sh'), '--frames', '4'];
      const failed = await run('sh', args, { env }).catch(
        (reason: unknown) => reason as { code: number },
      );
      expect(failed).toMatchObject({ code: 3 });
      const lines = (await readFile(calls, 'utf8')).trim().split('\n');
      expect(lines.map((line) => line.split(' ')[0])).toEqual([
        'list',
        'submit',
        'watch',
        'fetch',
        'probe',
      ]);
      expect(lines[1]).toContain('--frames 4 --json');
      expect(lines[2]).toBe('watch abc123');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
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
