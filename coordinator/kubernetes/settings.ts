// What a coordinator is told of the Kubernetes that it runs on: the file of `--kubernetes`, its schema, its defaults. Reading the file is
// the command line's.

import { parse } from 'yaml';
import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';

/** Names of objects: RFC 1123. */
const objectName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    'expected a name of lower-case letters, digits, - and .',
  );
const namespaceName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'expected a namespace of lower-case letters, digits and -',
  );
const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'expected the key of a label, such as bivdiff.dev/leader',
  );
const seconds = z.number().positive().max(86_400);
const count = z.int().min(0).max(100_000);

const leaderElection = z
  .strictObject({
    lease: objectName.default('bivdiff-coordinator'),
    /** POD_NAME stands for the pod's name; else any text that no other contender has. */
    identity: z.string().min(1).max(253).default('POD_NAME'),
    leaseSeconds: z.int().min(1).max(3_600).default(10),
    renewSeconds: seconds.default(6),
    retrySeconds: seconds.default(2),
  })
  .superRefine(({ leaseSeconds, renewSeconds, retrySeconds }, context) => {
    if (renewSeconds >= leaseSeconds)
      context.addIssue({
        code: 'custom',
        path: ['renewSeconds'],
        message: `must be less than leaseSeconds (${leaseSeconds}): a leader that cannot renew has to end before another leads`,
      });
    if (retrySeconds * 2 > renewSeconds)
      context.addIssue({
        code: 'custom',
        path: ['retrySeconds'],
        message: `must be at most half of renewSeconds (${renewSeconds}): one renewal that fails shall end no leader`,
      });
  });

const pool = z
  .strictObject({
    deployment: objectName,
    min: count.default(0),
    max: count,
    slotsPerWorker: z.int().min(1).max(256).default(1),
    cooldownSeconds: z.number().min(0).max(86_400).default(120),
    startSeconds: z.number().min(0).max(86_400).default(300),
  })
  .superRefine(({ min, max }, context) => {
    if (min > max)
      context.addIssue({ code: 'custom', path: ['min'], message: `must be at most max (${max})` });
  });

const scaler = z.strictObject({
  targetSeconds: z.number().positive().default(600),
  gpuSecondsMax: z.number().positive().optional(),
  pools: z
    .strictObject({ idm: pool.optional(), mixer: pool.optional(), vdm: pool.optional() })
    .refine((pools) => Object.values(pools).some((one) => one !== undefined), 'names no pool'),
});

const renders = z.strictObject({
  /** Of the jobs that Renders make; as owners in a tokens file. */
  owner: z
    .string()
    .regex(
      /^[a-z0-9_-][a-z0-9._-]{0,63}$/,
      'expected letters a-z, digits, ".", "_" and "-", 64 at most',
    )
    .default('kubernetes'),
  /** A Render that asks for more has this. */
  priorityMax: z.int().min(0).max(100).default(50),
  /** The folder below which their sources lie. */
  sources: z.string().min(1).optional(),
});

const SETTINGS = z.strictObject({
  namespace: namespaceName.optional(),
  leaderElection: leaderElection.optional(),
  leaderLabel: labelKey.optional(),
  scaler: scaler.optional(),
  renders: renders.optional(),
});

export type KubernetesSettings = z.infer<typeof SETTINGS>;
export type RenderSettings = NonNullable<KubernetesSettings['renders']>;
export type LeaderElectionSettings = NonNullable<KubernetesSettings['leaderElection']>;

/** Of a file's text; `path` as its user knows it. @throws invalid-argument — all that is wrong with it */
export function readKubernetesSettings(text: string, path: string): KubernetesSettings {
  let given: unknown;
  try {
    // A file without a word in it: all is as it is by default.
    given = parse(text) ?? {};
  } catch (reason) {
    const [why = ''] = BivdiffError.from(reason).message.split('\n', 1);
    throw wrong([`${path}: ${why}`]);
  }
  const { data, error } = SETTINGS.safeParse(given);
  if (data !== undefined) return data;
  throw wrong(
    error.issues.map(({ path: where, message }) => {
      return `${path}: ${where.map(String).join('.') || 'the file'}: ${message}`;
    }),
  );
}

function wrong(problems: readonly string[]): BivdiffError {
  const hint = 'The keys and their defaults are in docs/kubernetes-settings.md.';
  const details = { problems };
  return new BivdiffError('invalid-argument', problems.join('; '), { hint, details });
}
