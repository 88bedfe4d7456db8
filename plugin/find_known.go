package plugin

import "slices"

// knownKind is a custom resource whose images stand outside of a Pod's shape.
// Containers, init containers and image volumes need no row: they are found
// wherever they occur.
type knownKind struct {
	group, kind string
	// images are paths; the text after a space is a prefix of the value.
	images []string
	// makes says where the images of the kind's Pods come from when none of
	// the paths is set; empty when there is nothing to say.
	makes string
	// opaque kinds hold values of other tools, in which nothing is suspected.
	opaque bool
}

const byOperator = "its operator chooses"

// knownKinds is the one list of them.
func knownKinds() []knownKind {
	return slices.Concat(platformKinds(), dataKinds(), deliveryKinds())
}

// tables are the lists by what they are looked up with.
type tables struct {
	known    map[[2]string]knownKind // by group and kind
	dialects map[string]dialect      // by group
}

func newTables() tables {
	t := tables{known: map[[2]string]knownKind{}, dialects: map[string]dialect{}}
	for _, kind := range knownKinds() {
		t.known[[2]string{kind.group, kind.kind}] = kind
	}
	for _, dialect := range dialects() {
		t.dialects[dialect.group] = dialect
	}
	return t
}

func (t tables) kind(id ObjectID) (knownKind, bool) {
	kind, found := t.known[[2]string{id.Group(), id.Kind}]
	return kind, found
}

// platformKinds: monitoring, meshes, serving, virtual machines, packages.
func platformKinds() []knownKind {
	return []knownKind{
		{group: "monitoring.coreos.com", kind: "Prometheus", images: []string{"spec.image", "spec.thanos.image"}, makes: byOperator},
		{group: "monitoring.coreos.com", kind: "PrometheusAgent", images: []string{"spec.image"}, makes: byOperator},
		{group: "monitoring.coreos.com", kind: "Alertmanager", images: []string{"spec.image"}, makes: byOperator},
		{group: "monitoring.coreos.com", kind: "ThanosRuler", images: []string{"spec.image"}, makes: byOperator},
		{group: "opentelemetry.io", kind: "OpenTelemetryCollector", images: []string{"spec.image", "spec.targetAllocator.image"}, makes: byOperator},
		{group: "opentelemetry.io", kind: "Instrumentation", images: []string{"spec[*].image"}, makes: byOperator},
		{group: "jaegertracing.io", kind: "Jaeger", images: []string{"spec[*].image"}, makes: byOperator},
		{group: "grafana.integreatly.org", kind: "Grafana", makes: byOperator},
		{group: "tempo.grafana.com", kind: "TempoStack", makes: byOperator},
		{group: "loki.grafana.com", kind: "LokiStack", makes: byOperator},
		{group: "install.istio.io", kind: "IstioOperator", makes: "its hub and tag", opaque: true},
		{group: "sailoperator.io", kind: "Istio", makes: byOperator, opaque: true},
		{group: "operator.knative.dev", kind: "KnativeServing", makes: byOperator},
		{group: "operator.knative.dev", kind: "KnativeEventing", makes: byOperator},
		{group: "operator.tekton.dev", kind: "TektonConfig", makes: byOperator},
		{group: "serving.kserve.io", kind: "InferenceService", images: []string{
			"spec[*].model.image", "spec[*].model.storageUri oci://",
		}},
		{group: "sparkoperator.k8s.io", kind: "SparkApplication", images: []string{"spec.image", "spec.driver.image", "spec.executor.image"}},
		{group: "sparkoperator.k8s.io", kind: "ScheduledSparkApplication", images: []string{
			"spec.template.image", "spec.template.driver.image", "spec.template.executor.image",
		}},
		{group: "flink.apache.org", kind: "FlinkDeployment", images: []string{"spec.image"}, makes: byOperator},
		{group: "kubevirt.io", kind: "VirtualMachine", images: []string{
			"spec.template.spec.volumes[*].containerDisk.image", "spec.template.spec.domain.firmware.kernelBoot.container.image",
		}},
		{group: "kubevirt.io", kind: "VirtualMachineInstance", images: []string{
			"spec.volumes[*].containerDisk.image", "spec.domain.firmware.kernelBoot.container.image",
		}},
		{group: "apps.kruise.io", kind: "ImagePullJob", images: []string{"spec.image"}},
		{group: "apps.kruise.io", kind: "ImageListPullJob", images: []string{"spec.images[*]"}},
		{group: "pkg.crossplane.io", kind: "Provider", images: []string{"spec.package"}},
		{group: "pkg.crossplane.io", kind: "Configuration", images: []string{"spec.package"}},
		{group: "pkg.crossplane.io", kind: "Function", images: []string{"spec.package"}},
		{group: "operators.coreos.com", kind: "CatalogSource", images: []string{"spec.image"}},
		{group: "operators.coreos.com", kind: "ClusterServiceVersion", images: []string{"spec.relatedImages[*].image"}},
		{group: "operators.coreos.com", kind: "Subscription", makes: "the catalog's operator"},
		{group: "olm.operatorframework.io", kind: "ClusterExtension", makes: "the catalog's operator"},
		{group: "build.openshift.io", kind: "BuildConfig", makes: "its builder images"},
	}
}

// dataKinds: databases, queues, search.
func dataKinds() []knownKind {
	return []knownKind{
		{group: "postgresql.cnpg.io", kind: "Cluster", images: []string{"spec.imageName"}, makes: byOperator},
		{group: "postgresql.cnpg.io", kind: "ImageCatalog", images: []string{"spec.images[*].image"}},
		{group: "postgresql.cnpg.io", kind: "ClusterImageCatalog", images: []string{"spec.images[*].image"}},
		{group: "acid.zalan.do", kind: "postgresql", images: []string{"spec.dockerImage"}, makes: byOperator},
		{group: "postgres-operator.crunchydata.com", kind: "PostgresCluster", images: []string{
			"spec.image", "spec.backups.pgbackrest.image", "spec.proxy.pgBouncer.image", "spec.monitoring.pgmonitor.exporter.image",
		}, makes: byOperator},
		{group: "k8s.mariadb.com", kind: "MariaDB", images: []string{"spec.image"}, makes: byOperator},
		{group: "k8s.mariadb.com", kind: "MaxScale", images: []string{"spec.image"}, makes: byOperator},
		{group: "mysql.oracle.com", kind: "InnoDBCluster", makes: byOperator},
		{group: "mongodbcommunity.mongodb.com", kind: "MongoDBCommunity", makes: byOperator},
		{group: "redis.redis.opstreelabs.in", kind: "Redis", images: []string{"spec.kubernetesConfig.image", "spec.redisExporter.image"}, makes: byOperator},
		{group: "redis.redis.opstreelabs.in", kind: "RedisCluster", images: []string{"spec.kubernetesConfig.image", "spec.redisExporter.image"}, makes: byOperator},
		{group: "rabbitmq.com", kind: "RabbitmqCluster", images: []string{"spec.image"}, makes: byOperator},
		{group: "kafka.strimzi.io", kind: "Kafka", images: []string{
			"spec.kafka.image", "spec.zookeeper.image", "spec.entityOperator.topicOperator.image", "spec.entityOperator.userOperator.image",
			"spec.cruiseControl.image", "spec.kafkaExporter.image",
		}, makes: byOperator},
		{group: "kafka.strimzi.io", kind: "KafkaConnect", images: []string{"spec.image"}, makes: byOperator},
		{group: "kafka.strimzi.io", kind: "KafkaMirrorMaker2", images: []string{"spec.image"}, makes: byOperator},
		{group: "kafka.strimzi.io", kind: "KafkaBridge", images: []string{"spec.image"}, makes: byOperator},
		{group: "elasticsearch.k8s.elastic.co", kind: "Elasticsearch", images: []string{"spec.image"}, makes: byOperator},
		{group: "kibana.k8s.elastic.co", kind: "Kibana", images: []string{"spec.image"}, makes: byOperator},
		{group: "logstash.k8s.elastic.co", kind: "Logstash", images: []string{"spec.image"}, makes: byOperator},
		{group: "beat.k8s.elastic.co", kind: "Beat", images: []string{"spec.image"}, makes: byOperator},
		{group: "agent.k8s.elastic.co", kind: "Agent", images: []string{"spec.image"}, makes: byOperator},
		{group: "cassandra.datastax.com", kind: "CassandraDatacenter", images: []string{"spec.serverImage"}, makes: byOperator},
		{group: "minio.min.io", kind: "Tenant", images: []string{"spec.image"}, makes: byOperator},
		{group: "ceph.rook.io", kind: "CephCluster", images: []string{"spec.cephVersion.image"}, makes: byOperator},
	}
}

// deliveryKinds: GitOps, workflows, runners.
func deliveryKinds() []knownKind {
	return []knownKind{
		{group: "argoproj.io", kind: "Application", makes: "what its source renders", opaque: true},
		{group: "argoproj.io", kind: "ApplicationSet", makes: "what its Applications render", opaque: true},
		{group: "argoproj.io", kind: "ArgoCD", makes: byOperator},
		{group: "argoproj.io", kind: "EventBus", makes: byOperator},
		{group: "argoproj.io", kind: "EventSource", makes: byOperator, images: []string{"spec.template.container.image"}},
		{group: "argoproj.io", kind: "Sensor", makes: byOperator, images: []string{"spec.template.container.image"}},
		{group: "helm.toolkit.fluxcd.io", kind: "HelmRelease", makes: "what its chart renders", opaque: true},
		{group: "kustomize.toolkit.fluxcd.io", kind: "Kustomization", makes: "what its source renders", opaque: true},
		{group: "assay.dev", kind: "GatedSource", opaque: true}, // what it renders is judged for itself
		{group: "helm.cattle.io", kind: "HelmChart", makes: "what its chart renders", opaque: true},
		{group: "helm.crossplane.io", kind: "Release", makes: "what its chart renders", opaque: true},
		{group: "actions.summerwind.dev", kind: "RunnerDeployment", images: []string{
			"spec.template.spec.image", "spec.template.spec.dockerImage",
		}, makes: byOperator},
		{group: "kyverno.io", kind: "Policy", makes: "its generate and mutate rules"},
		{group: "kyverno.io", kind: "ClusterPolicy", makes: "its generate and mutate rules"},
	}
}

// dialect is what the kinds of one group call containers.
type dialect struct {
	group          string
	lists, singles []string
}

func dialects() []dialect {
	return []dialect{
		{group: "tekton.dev", lists: []string{"steps", "sidecars"}, singles: []string{"stepTemplate"}},
		{group: "argoproj.io", lists: []string{"sidecars"}, singles: []string{"container", "script"}},
	}
}

// isWorkload reports whether the API server itself demands an image in each
// container of the kind.
func isWorkload(id ObjectID) bool {
	switch id.Group() {
	case "":
		return slices.Contains([]string{"Pod", "ReplicationController", "PodTemplate"}, id.Kind)
	case "apps", "extensions":
		return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, id.Kind)
	case "batch":
		return slices.Contains([]string{"Job", "CronJob"}, id.Kind)
	}
	return false
}

// holdsText reports whether all of the object's strings are free text or a
// schema. Only what the API server itself knows by this group and kind counts.
func holdsText(id ObjectID) bool {
	switch id.Group() {
	case "":
		return id.Kind == "ConfigMap" || id.Kind == "Secret"
	case "apiextensions.k8s.io":
		return id.Kind == "CustomResourceDefinition"
	}
	return false
}

// holdsPatterns reports whether the object is a policy, in which a container
// says what to match. What reads as a reference in it is still suspected.
func holdsPatterns(id ObjectID) bool {
	return slices.Contains([]string{
		"admissionregistration.k8s.io", "kyverno.io", "policies.kyverno.io", "policy.sigstore.dev",
		"constraints.gatekeeper.sh", "mutations.gatekeeper.sh", "templates.gatekeeper.sh",
	}, id.Group())
}

// isBuiltIn reports whether the API server defines the group itself; nobody
// can define a custom resource in it.
func isBuiltIn(group string) bool {
	return slices.Contains([]string{
		"", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps",
		"authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
		"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io",
		"internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io",
		"resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
	}, group)
}
