local lib = import 'lib/local.libsonnet';
local vendored = import 'vendored.libsonnet';
function(replicas=1, name='none') [
  lib.configMap(name, { text: importstr '../chart/motd.txt', ext: std.extVar('ext'), code: std.toString(std.extVar('code') + 1), from: vendored.from }),
  null,
  { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: name }, spec: { replicas: replicas, ratio: 0.5, big: 12345678901 } }] },
]
