package renderers

// exclusion is one reason for which assay may answer otherwise than the
// command line; docs/parity.md has the same list.
type exclusion struct {
	reason string
	// rule is the rule of assay's refusal; empty when it is the other way round
	// or when the objects differ.
	rule string
	// finding is the rule of a finding that assay's rendering must carry.
	finding string
	cases   []string
	seen    int
}

func exclusions() []*exclusion {
	return []*exclusion{
		{
			reason: "random template functions give other values each time, and the rendering says so", finding: "render/random",
			cases: []string{
				"helm.sh/helm/v4:pkg/action/testdata/charts/chart-with-compressed-dependencies",
				"helm.sh/helm/v4:pkg/action/testdata/charts/chart-with-uncompressed-dependencies",
				"helm.sh/helm/v4:pkg/action/testdata/charts/chart-with-uncompressed-dependencies/charts/mariadb",
				"github.com/argoproj/argo-cd/v3:util/helm/testdata/redis",
				"github.com/argoproj/argo-cd/v3:util/helm/testdata/redis+values-production.yaml",
			},
		},
		{
			reason: "an object without apiVersion, kind or name is refused: no API server takes it", rule: "render/not-an-object",
			cases: []string{
				"helm.sh/helm/v4:pkg/action/testdata/charts/multiplecharts-lint-chart-1",
				"helm.sh/helm/v4:pkg/action/testdata/charts/multiplecharts-lint-chart-2",
				"helm.sh/helm/v4:pkg/chart/v2/lint/rules/testdata/badcrdfile",
				"helm.sh/helm/v4:pkg/chart/v2/lint/rules/testdata/goodone",
				"helm.sh/helm/v4:pkg/chart/v2/lint/rules/testdata/withsubchart",
				"helm.sh/helm/v4:pkg/chart/v2/lint/rules/testdata/withsubchart/charts/subchart",
				"helm.sh/helm/v4:pkg/cmd/testdata/testcharts/issue-9027",
				"helm.sh/helm/v4:pkg/cmd/testdata/testcharts/issue-9027/charts/subchart",
				"github.com/argoproj/argo-cd/v3:util/helm/testdata/api-versions",
				"krusty:TestTransfomersImageCustomConfig/0",
				"krusty:TestTransfomersImageDefaultConfig/0",
			},
		},
		{
			reason: "a dependency in the tree is taken by its file:// path, as after `helm dependency build`, which Argo CD runs",
			cases: []string{
				"helm.sh/helm/v4:pkg/cmd/testdata/testcharts/issue-7233",
				"github.com/argoproj/argo-cd/v3:reposerver/repository/testdata/helm-with-local-dependency",
			},
		},
		{
			reason: "a kustomization as source of plugin configurations is refused", rule: "render/not-supported",
			cases: []string{
				"krusty:TestComplexComposition_Dev_SuccessWithBaseTransformers/0",
				"krusty:TestComplexComposition_Prod_SuccessWithBaseTransformers/0",
				"krusty:TestNamespacePropagationDoesNotBreakGeneratorMerge/0",
				"krusty:TestReusableCustomTransformers/0",
			},
		},
	}
}
