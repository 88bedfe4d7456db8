package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// Parameters are the rendering options that a source asks for, with Argo CD's
// meaning. What a field asks for and is not done is a *plugin.Refusal that names
// it; all of them are told at once.
func (s ArgoSource) Parameters(build ArgoBuild) (plugin.Parameters, error) {
	reading := &argoReading{build: build, environment: build.environment(s)}
	var blocks []string
	block := func(name string, written bool, read func()) {
		if written {
			blocks = append(blocks, name)
			read()
		}
	}
	block("kustomize", s.Kustomize != nil, func() { reading.kustomize(*s.Kustomize) })
	block("helm", s.Helm != nil, func() { reading.helm(*s.Helm) })
	block("directory", s.Directory != nil, func() { reading.directory(*s.Directory) })
	block("plugin", s.Plugin != nil, func() { reading.plugin(*s.Plugin) })
	if len(blocks) > 1 {
		return plugin.Parameters{}, refuseSource("its source has the blocks "+strings.Join(blocks, " and ")+", and Argo CD renders with one tool", "keep one of them", nil)
	}
	return reading.out, errors.Join(append(reading.problems, reading.environment.err())...)
}

// argoReading is one source that is read.
type argoReading struct {
	build       ArgoBuild
	environment *ArgoEnvironment
	out         plugin.Parameters
	problems    []error
}

func (r *argoReading) refuse(field, problem, hint string) {
	r.problems = append(r.problems, refuseField(field, problem, hint))
}

func (r *argoReading) helm(h ArgoHelm) {
	r.out.Kind = KindHelm
	out := &r.out.Helm
	if !slices.Contains([]string{"", "v3", "v4"}, h.Version) {
		r.refuse("helm.version", fmt.Sprintf("is %q", h.Version), "leave it out: charts are rendered by Helm 4, as by Argo CD 3.5")
	}
	out.ReleaseName, out.Namespace = h.ReleaseName, h.Namespace
	out.KubeVersion, out.APIVersions = r.kubeVersion("helm.kubeVersion", h.KubeVersion), h.APIVersions
	out.IgnoreMissingValueFiles, out.SkipCRDs, out.SkipSchemaValidation = h.IgnoreMissingValueFiles, h.SkipCrds, h.SkipSchemaValidation
	for _, file := range h.ValueFiles {
		out.ValueFiles = append(out.ValueFiles, r.build.file(r.environment, file))
	}
	out.Values = h.Values
	if h.ValuesObject != nil {
		values, err := yaml.JSONToYAML(*h.ValuesObject)
		if err != nil {
			r.refuse("helm.valuesObject", "cannot be read", "write a mapping")
		}
		out.Values = string(values)
	}
	set, setString, setFile := map[string]string{}, map[string]string{}, map[string]string{}
	for _, parameter := range h.Parameters {
		if parameter.ForceString {
			setString[parameter.Name] = r.environment.expand(parameter.Value)
		} else {
			set[parameter.Name] = r.environment.expand(parameter.Value)
		}
	}
	for _, parameter := range h.FileParameters {
		setFile[parameter.Name] = r.build.file(r.environment, parameter.Path)
	}
	out.Set, out.SetString, out.SetFile = settings(set), settings(setString), settings(setFile)
}

// kubeVersion drops what Kubernetes' distributions append.
func (r *argoReading) kubeVersion(field, written string) string {
	if written == "" {
		return ""
	}
	parsed, err := version.ParseGeneric(written)
	if err != nil {
		r.refuse(field, fmt.Sprintf("is %q", written), `write a version, as "1.35.0"`)
		return ""
	}
	return parsed.String()
}

func (r *argoReading) kustomize(k ArgoKustomize) {
	r.out.Kind = KindKustomize
	if k.Version != "" {
		r.refuse("kustomize.version", fmt.Sprintf("is %q, and builds are made by one version of kustomize", k.Version), "leave it out")
	}
	out := &r.out.Kustomize
	*out = plugin.KustomizeParameters{
		NamePrefix: k.NamePrefix, NameSuffix: k.NameSuffix, Namespace: k.Namespace, Images: r.environment.expandAll(k.Images),
		CommonLabels: r.environment.expandMap(k.CommonLabels), CommonAnnotations: k.CommonAnnotations,
		ForceCommonLabels: k.ForceCommonLabels, ForceCommonAnnotations: k.ForceCommonAnnotations,
		LabelWithoutSelector: k.LabelWithoutSelector, LabelIncludeTemplates: k.LabelIncludeTemplates,
		Components: k.Components, IgnoreMissingComponents: k.IgnoreMissingComponents,
	}
	if k.CommonAnnotationsEnvsubst {
		out.CommonAnnotations = r.environment.expandMap(k.CommonAnnotations)
	}
	// They are for the charts that a kustomization inflates.
	r.out.Helm.KubeVersion, r.out.Helm.APIVersions = r.kubeVersion("kustomize.kubeVersion", k.KubeVersion), k.APIVersions
	for _, replica := range k.Replicas {
		count := int64(replica.Count.IntVal)
		if replica.Count.Type == intstr.String {
			parsed, err := strconv.Atoi(replica.Count.StrVal)
			if err != nil {
				r.refuse("kustomize.replicas", fmt.Sprintf("says %q for %s", replica.Count.StrVal, replica.Name), "write a number")
			}
			count = int64(parsed)
		}
		out.Replicas = append(out.Replicas, plugin.KustomizeReplica{Name: replica.Name, Count: count})
	}
	for _, patch := range k.Patches {
		added := plugin.KustomizePatch{Patch: patch.Patch, Path: patch.Path, Options: patch.Options}
		if patch.Target != nil {
			target, err := yaml.Marshal(patch.Target)
			if err != nil {
				r.refuse("kustomize.patches", "has a target that cannot be read", "write kind, name and the like")
			}
			added.Target = string(target)
		}
		out.Patches = append(out.Patches, added)
	}
}

func (r *argoReading) directory(d ArgoDirectory) {
	r.out.Kind = KindDirectory
	r.out.Directory = plugin.DirectoryParameters{
		Recurse: d.Recurse, Include: d.Include, Exclude: d.Exclude,
		Jsonnet: plugin.JsonnetParameters{ExternalVariables: r.jsonnet(d.Jsonnet.ExtVars), TopLevel: r.jsonnet(d.Jsonnet.TLAs), Libraries: d.Jsonnet.Libs},
	}
}

func (r *argoReading) jsonnet(written []plugin.JsonnetVariable) []plugin.JsonnetVariable {
	var out []plugin.JsonnetVariable
	for _, each := range written {
		each.Value = r.environment.expand(each.Value)
		out = append(out, each)
	}
	return out
}

// ArgoPluginName is the plugin that sources name; the admission policies in
// manifests/argocd ask for it.
const ArgoPluginName = "assay"

// isOwnPlugin reports whether a plugin is assay's. Argo CD knows a plugin that
// has a version as "<name>-<version>".
func isOwnPlugin(name string) bool {
	return name == ArgoPluginName || strings.HasPrefix(name, ArgoPluginName+"-v")
}

func (r *argoReading) plugin(p ArgoPlugin) {
	if !isOwnPlugin(p.Name) {
		problem := fmt.Sprintf("is %q, and what another plugin renders is not known here", p.Name)
		if p.Name == "" {
			problem = "is empty: whichever plugin finds the source to be its own renders it"
		}
		r.refuse("plugin.name", problem, fmt.Sprintf("write %q, or a helm, kustomize or directory block", ArgoPluginName))
		return
	}
	if err := ReadArgoParameters(p.Parameters, r.environment, &r.out); err != nil {
		r.problems = append(r.problems, err)
	}
}
