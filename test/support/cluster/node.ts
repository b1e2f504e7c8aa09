/** containerd, kubelet and kube-proxy: this machine as the cluster's one node, with nothing shared with a Docker engine. */
import path from 'node:path';
import { answers, kubectl } from './control-plane.ts';
import { ctr } from './images.ts';
import { keyFiles } from './keys.ts';
import { BRIDGE, NODE_NAME, NODE_POD_RANGE, pathsOf, POD_RANGE } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import type { Programs } from './programs.ts';
import type { Component } from './supervise.ts';

const LOOPBACK = '127.0.0.1';
/** Where Debian's containernetworking-plugins puts them. */
const NETWORK_PLUGINS = '/usr/lib/cni';

/** @param sandboxImage the image of every pod's first process */
export function containerd(layout: ClusterLayout, sandboxImage: string): Component {
  const { etc } = pathsOf(layout);
  const config = path.join(etc, 'containerd.toml');
  const networks = path.join(etc, 'networks');
  return {
    name: 'containerd',
    command: 'containerd',
    args: ['--config', config],
    files: {
      [config]: containerdConfig(layout, networks, sandboxImage),
      [path.join(networks, '10-pods.conflist')]: podNetwork(layout),
    },
    listens: [],
    ready: async () => {
      await ctr(['version'], layout);
      return true;
    },
    withinMs: 60_000,
  };
}

export function kubelet(layout: ClusterLayout, programs: Programs): Component {
  const { etc } = pathsOf(layout);
  const config = path.join(etc, 'kubelet.json');
  const resolv = path.join(etc, 'resolv.conf');
  const condition = '{.status.conditions[?(@.type=="Ready")].status}';
  return {
    name: 'kubelet',
    command: programs.kubernetes,
    args: [
      'kubelet',
      `--kubeconfig=${keyFiles(layout).kubeconfig('node')}`,
      `--config=${config}`,
      `--root-dir=${path.join(layout.state, 'kubelet')}`,
      `--cert-dir=${path.join(layout.state, 'kubelet', 'certificates')}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${layout.address}`,
    ],
    files: { [config]: JSON.stringify(kubeletConfig(layout, resolv), null, 2), [resolv]: '' },
    listens: [
      { address: layout.address, port: layout.ports.kubelet },
      { address: LOOPBACK, port: layout.ports.kubeletHealth },
    ],
    ready: async () =>
      (await kubectl(
        programs,
        ['get', 'node', NODE_NAME, '-o', `jsonpath=${condition}`],
        layout,
      )) === 'True',
    withinMs: 120_000,
  };
}

export function kubeProxy(layout: ClusterLayout, programs: Programs): Component {
  const config = path.join(pathsOf(layout).etc, 'kube-proxy.json');
  const { proxyHealth, proxyMetrics } = layout.ports;
  return {
    name: 'kube-proxy',
    command: programs.kubernetes,
    args: ['kube-proxy', `--config=${config}`],
    files: { [config]: JSON.stringify(proxyConfig(layout), null, 2) },
    listens: [proxyHealth, proxyMetrics].map((port) => ({ address: LOOPBACK, port })),
    ready: () => answers(`http://${LOOPBACK}:${proxyHealth}/healthz`),
    withinMs: 60_000,
  };
}

function containerdConfig(layout: ClusterLayout, networks: string, sandboxImage: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${layout.state}/containerd"
state = "${layout.run}/containerd"
[grpc]
  address = "${pathsOf(layout).containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${layout.state}/opt"
[${cri}]
  sandbox_image = "${sandboxImage}"
  # Root may lack CAP_SYS_RESOURCE, which a negative score needs.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [${cri}.cni]
    bin_dir = "${NETWORK_PLUGINS}"
    conf_dir = "${networks}"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "${layout.run}/runc"
`;
}

function podNetwork(layout: ClusterLayout): string {
  const ipam = {
    type: 'host-local',
    dataDir: path.join(layout.state, 'pod-addresses'),
    ranges: [[{ subnet: NODE_POD_RANGE }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: BRIDGE, isGateway: true, ipMasq: true, ipam };
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'speed-gate-cluster',
    plugins: [
      { ...bridge, hairpinMode: true },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

function kubeletConfig(layout: ClusterLayout, resolvConf: string): object {
  const keys = keyFiles(layout);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: layout.address,
    port: layout.ports.kubelet,
    healthzBindAddress: LOOPBACK,
    healthzPort: layout.ports.kubeletHealth,
    cgroupDriver: 'cgroupfs',
    containerRuntimeEndpoint: `unix://${pathsOf(layout).containerdSocket}`,
    failSwapOn: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: keys.authority },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: keys.kubelet,
    tlsPrivateKeyFile: keys.kubeletKey,
    // Images are not to be had again, and the disk is the machine's own affair.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'memory.available': '100Mi',
    },
    podLogsDir: path.join(layout.state, 'pod-logs'),
    volumePluginDir: path.join(layout.state, 'volume-plugins'),
    resolvConf,
    registerNode: true,
    kubeAPIQPS: 300,
    kubeAPIBurst: 600,
  };
}

function proxyConfig(layout: ClusterLayout): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig: keyFiles(layout).kubeconfig('proxy') },
    clusterCIDR: POD_RANGE,
    hostnameOverride: NODE_NAME,
    bindAddress: '0.0.0.0',
    metricsBindAddress: `${LOOPBACK}:${layout.ports.proxyMetrics}`,
    healthzBindAddress: `${LOOPBACK}:${layout.ports.proxyHealth}`,
    // On 127.0.0.1 a node port would take connections from tests that listen there.
    nodePortAddresses: [`${layout.address}/32`],
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
