/** A configuration as the stack's tuner knows it, with a value for each of its knobs. */
export const TUNING_VALUES = Object.freeze({
  places: 150,
  'jetty.minThreads': 10,
  'jetty.virtualThreads': false,
  'httpd.keepAlive': true,
  'httpd.unlimitedKeepAlive': false,
  'mesh.idleTimeout': 3000,
  'httpd.compressionLevel': 6,
  'mesh.loadBalancer': 'LEAST_REQUEST',
  'mesh.nodeWeighting': 0,
});
