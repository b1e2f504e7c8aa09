/**
 * Where the test cluster lives: folders, addresses and ports. All its own, so that it stands beside a Docker engine and
 * whatever else this machine does. One cluster a machine: kube-proxy's firewall chains have fixed names.
 */
import path from 'node:path';

export interface ClusterLayout {
  /** Everything that `down` removes as a folder: keys, records of processes, logs, images, pods' files. */
  readonly state: string;
  /** Sockets and mounts of running pods; short, because a Unix socket's path has at most 107 bytes. */
  readonly run: string;
  /** etcd's data, in memory: its every write waits for the disk. */
  readonly etcdData: string;
  /** The node's address: on the loopback interface, reached by pods, not from outside. */
  readonly address: string;
  readonly ports: {
    readonly api: number;
    readonly etcd: number;
    readonly etcdPeer: number;
    readonly kubelet: number;
    readonly kubeletHealth: number;
    readonly controllerManager: number;
    readonly scheduler: number;
    readonly proxyHealth: number;
    readonly proxyMetrics: number;
  };
}

export const NODE_NAME = 'node1';
export const BRIDGE = 'sg-cluster0';
export const POD_RANGE = '10.244.0.0/16';
/** Of the one node. */
export const NODE_POD_RANGE = '10.244.0.0/24';
export const SERVICE_RANGE = '10.96.0.0/16';
/** Of the Service `kubernetes`: the first of the range. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
/** Fixed, because the cluster has no DNS. */
export const ISTIOD_ADDRESS = '10.96.0.15';

/** Ports below those that `freePort` gives to tests. */
export const defaultLayout: ClusterLayout = {
  state: '/var/lib/speed-gate-cluster',
  run: '/run/speed-gate-cluster',
  etcdData: '/dev/shm/speed-gate-cluster-etcd',
  address: '10.245.0.1',
  ports: {
    api: 6443,
    etcd: 11379,
    etcdPeer: 11380,
    kubelet: 10250,
    kubeletHealth: 10248,
    controllerManager: 10257,
    scheduler: 10259,
    proxyHealth: 10256,
    proxyMetrics: 10249,
  },
};

export type GatewayName = 'staging' | 'production';

/** A gateway in front of one environment: an Envoy in a pod, configured by istiod. */
export interface Gateway {
  readonly namespace: string;
  /** The Istio Gateway as a VirtualService names it. */
  readonly gateway: string;
  readonly deployment: string;
  readonly service: string;
  readonly clusterAddress: string;
  readonly port: number;
  readonly nodePort: number;
}

function gatewayOf(name: GatewayName, clusterAddress: string, nodePort: number): Gateway {
  return {
    namespace: 'edge',
    gateway: `edge/${name}`,
    deployment: `gateway-${name}`,
    service: `gateway-${name}`,
    clusterAddress,
    port: 8000,
    nodePort,
  };
}

export const gateways: Readonly<Record<GatewayName, Gateway>> = {
  staging: gatewayOf('staging', '10.96.0.80', 30080),
  production: gatewayOf('production', '10.96.0.81', 30081),
};

/** Where this machine reaches a gateway; pods may use its cluster address and port as well. */
export function gatewayUrl(name: GatewayName, layout = defaultLayout): string {
  return `http://${layout.address}:${gateways[name].nodePort}`;
}

/** Files and folders in the state. */
export function pathsOf(layout: ClusterLayout) {
  const inState = (...names: string[]) => path.join(layout.state, ...names);
  return {
    keys: inState('keys'),
    kubeconfig: inState('kubeconfig'),
    processes: inState('processes'),
    logs: inState('logs'),
    etc: inState('etc'),
    machine: inState('machine-before.json'),
    containerdSocket: path.join(layout.run, 'containerd.sock'),
  };
}
