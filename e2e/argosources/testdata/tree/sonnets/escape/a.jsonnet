import '../../../../x.libsonnet'
