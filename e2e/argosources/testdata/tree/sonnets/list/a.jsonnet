local map(name) = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: { file: importstr '../one/a.jsonnet' } };
[map('b'), map('a'), null] + [map('c%d' % i) for i in std.range(1, 3)]
