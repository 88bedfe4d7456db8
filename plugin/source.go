package plugin

import "os"

// Source is what a front door hands to a run. All of it is untrusted.
type Source struct {
	// Root confines every read of the run to the source tree.
	Root *os.Root
	// Path is the application's folder (or file) in the tree, slash-separated
	// and relative; "." is the root.
	Path string
	// RepositoryPath is the application's folder in its repository, as the
	// platform names it, slash-separated and relative. It differs from Path when
	// the tree holds a part of the repository alone. Gates are chosen by both,
	// nothing is read by it; empty when the platform does not say it.
	RepositoryPath string
	// Revision is the commit or version that the tree was taken from; empty
	// when the door does not know it.
	Revision string
	// Application is what the platform says about the application.
	Application Application
	// Parameters are the rendering options that the door was given.
	Parameters Parameters
	// Live holds objects as they are in the cluster, where the door was given
	// them: rules about updates compare with them. Nothing else is read by them.
	Live []Object
	// Rendered holds manifests that were rendered elsewhere (standard input of
	// the command line). When it is set, Root and Path are not read.
	Rendered []byte
	// Partition tells apart whose rendering may not serve another source, as it
	// may have been made with what only the source's own credential reads; empty
	// for none. Nothing else is read by it.
	Partition string
	// Hidden are values that the door read from Secrets to render with. They may
	// stand anywhere in what was rendered, and no text of a finding shows them.
	Hidden []string
	// Overlay is content, by path in the tree, that is read in the place of the
	// tree's or beside it: what a command is about to write, so that it can be
	// rendered first. No path of it may lead through a symlink.
	Overlay map[string][]byte
}

// Application is the identity by which gates are chosen. An empty attribute
// was not given by the door and matches every selector on it.
type Application struct {
	// Name is the application's name; it is the default Helm release name.
	Name string `json:"name,omitempty"`
	// Project is the Argo CD AppProject.
	Project string `json:"project,omitempty"`
	// SourceNamespace is the namespace of the GatedSource (Flux).
	SourceNamespace string `json:"sourceNamespace,omitempty"`
	// Namespace is the destination namespace.
	Namespace string `json:"namespace,omitempty"`
	// Repository is the URL of the source repository, without credentials.
	Repository string `json:"repository,omitempty"`
}

// Parameters are rendering options, in the union of what Argo CD's and Flux's
// source fields can say. None of them can weaken a gate.
type Parameters struct {
	// Kind forces a renderer: "kustomize", "helm", "directory", "flux"; empty
	// detects one of the first three.
	Kind      string              `json:"kind,omitempty"`
	Helm      HelmParameters      `json:"helm,omitzero"`
	Kustomize KustomizeParameters `json:"kustomize,omitzero"`
	Directory DirectoryParameters `json:"directory,omitzero"`
	// Flux is for the kind "flux" alone.
	Flux FluxParameters `json:"flux,omitzero"`
}

// HelmParameters mirror `helm template`. Later sources win: value files, then
// Values, then Set, SetString and SetFile.
type HelmParameters struct {
	// ReleaseName defaults to the application's name, then to "release-name".
	ReleaseName string `json:"releaseName,omitempty"`
	// Namespace defaults to the application's destination namespace.
	Namespace string `json:"namespace,omitempty"`
	// ValueFiles are paths or globs relative to the chart's folder, inside the tree;
	// with a slash in front they are relative to the tree's root.
	ValueFiles []string `json:"valueFiles,omitempty"`
	// IgnoreMissingValueFiles skips value files that do not exist.
	IgnoreMissingValueFiles bool `json:"ignoreMissingValueFiles,omitempty"`
	// Values is YAML.
	Values string `json:"values,omitempty"`
	// Set and SetString are "path=value" in the syntax of helm's --set.
	Set       []string `json:"set,omitempty"`
	SetString []string `json:"setString,omitempty"`
	// SetFile are "path=file": the value is what stands in the file, which is found
	// as value files are (helm's --set-file).
	SetFile []string `json:"setFile,omitempty"`
	// References are the folders of the tree that "$name" stands for at the
	// beginning of a value file or a file of SetFile (Argo CD, sources[].ref).
	References map[string]string `json:"references,omitempty"`
	// ReleaseValues are those of a Flux HelmRelease, as render.EncodeReleaseValues
	// writes them; they win over all others.
	ReleaseValues string `json:"releaseValues,omitempty"`
	// KubeVersion and APIVersions fill .Capabilities.
	KubeVersion string   `json:"kubeVersion,omitempty"`
	APIVersions []string `json:"apiVersions,omitempty"`
	// SkipCRDs leaves out the chart's crds folder.
	SkipCRDs bool `json:"skipCRDs,omitempty"`
	// KeepTests renders test hooks, too, which Argo CD leaves out and Flux runs
	// when it is asked to.
	KeepTests bool `json:"keepTests,omitempty"`
	// ChartValueFiles stand in the place of the chart's values.yaml, the later
	// over the earlier (HelmChart, spec.valuesFiles).
	ChartValueFiles []string `json:"chartValueFiles,omitempty"`
	// Packaged says that the chart's folder is a package, unpacked: Helm ignores
	// nothing in one, as what .helmignore names was left out when it was made.
	Packaged bool `json:"packaged,omitempty"`
	// SecretValues says that some of the values come from Secrets: what a template
	// says of its failure is not shown, as it may hold any part of them.
	SecretValues bool `json:"secretValues,omitempty"`
	// Upgrade renders for a release that is there already.
	Upgrade bool `json:"upgrade,omitempty"`
	// Flux says what Flux would render otherwise in a cluster: what the chart
	// looks up there, and what it renders for an upgrade alone.
	Flux bool `json:"flux,omitempty"`
	// PostRender is what Flux does to the rendered manifests.
	PostRender HelmPostRender `json:"postRender,omitzero"`
	// SkipSchemaValidation does not check values.schema.json.
	SkipSchemaValidation bool `json:"skipSchemaValidation,omitempty"`
}

// HelmPostRender are the fields of a Flux HelmRelease about rendered manifests
// (helm.toolkit.fluxcd.io/v2, spec).
type HelmPostRender struct {
	// Steps are postRenderers, one after the other.
	Steps []HelmPostRenderer `json:"steps,omitempty"`
	// Strategy is "combined" (or empty), "separate" or "nohooks".
	Strategy string `json:"strategy,omitempty"`
	// CommonMetadata is set on every object.
	CommonMetadata FluxMetadata `json:"commonMetadata,omitzero"`
}

// HelmPostRenderer is one build by kustomize.
type HelmPostRenderer struct {
	Patches []FluxPatch `json:"patches,omitempty"`
	Images  []FluxImage `json:"images,omitempty"`
}

// KustomizeParameters are applied on top of the kustomization, as
// `kustomize edit` would.
type KustomizeParameters struct {
	NamePrefix string             `json:"namePrefix,omitempty"`
	NameSuffix string             `json:"nameSuffix,omitempty"`
	Namespace  string             `json:"namespace,omitempty"`
	Images     []string           `json:"images,omitempty"`
	Replicas   []KustomizeReplica `json:"replicas,omitempty"`
	// CommonLabels are added; one that the kustomization has is an error unless
	// ForceCommonLabels replaces it. The same holds for annotations.
	CommonLabels           map[string]string `json:"commonLabels,omitempty"`
	CommonAnnotations      map[string]string `json:"commonAnnotations,omitempty"`
	ForceCommonLabels      bool              `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations bool              `json:"forceCommonAnnotations,omitempty"`
	// LabelWithoutSelector leaves selectors alone, and templates too unless
	// LabelIncludeTemplates is set.
	LabelWithoutSelector  bool `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates bool `json:"labelIncludeTemplates,omitempty"`
	// Patches are strategic-merge or JSON 6902 patches, YAML text.
	Patches []KustomizePatch `json:"patches,omitempty"`
	// Components are paths or globs relative to the application's folder.
	Components              []string `json:"components,omitempty"`
	IgnoreMissingComponents bool     `json:"ignoreMissingComponents,omitempty"`
}

// KustomizeReplica sets how many replicas the workloads of a name have.
type KustomizeReplica struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// KustomizePatch is one entry of a kustomization's patches field.
type KustomizePatch struct {
	Patch string `json:"patch,omitempty"`
	// Path is a file relative to the application's folder, instead of Patch.
	Path    string          `json:"path,omitempty"`
	Target  string          `json:"target,omitempty"` // YAML of a selector; empty when the patch names its object
	Options map[string]bool `json:"options,omitempty"`
}

// DirectoryParameters choose files of a plain directory.
type DirectoryParameters struct {
	Recurse bool `json:"recurse,omitempty"`
	// Include and Exclude are globs over paths relative to Path; braces allowed.
	Include string            `json:"include,omitempty"`
	Exclude string            `json:"exclude,omitempty"`
	Jsonnet JsonnetParameters `json:"jsonnet,omitzero"`
}

// JsonnetParameters are given to every .jsonnet file of a directory.
type JsonnetParameters struct {
	// ExternalVariables are read by std.extVar; TopLevel are the arguments of a file
	// that is a function.
	ExternalVariables []JsonnetVariable `json:"externalVariables,omitempty"`
	TopLevel          []JsonnetVariable `json:"topLevel,omitempty"`
	// Libraries are folders relative to the tree's root in which imports are looked
	// for, the last one first.
	Libraries []string `json:"libraries,omitempty"`
}

// JsonnetVariable is a string, or an expression when Code is set.
type JsonnetVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

// FluxParameters are the fields of a Flux Kustomization that decide what it
// applies (kustomize.toolkit.fluxcd.io/v1, spec), under their names.
type FluxParameters struct {
	TargetNamespace string       `json:"targetNamespace,omitempty"`
	NamePrefix      string       `json:"namePrefix,omitempty"`
	NameSuffix      string       `json:"nameSuffix,omitempty"`
	CommonMetadata  FluxMetadata `json:"commonMetadata,omitzero"`
	Patches         []FluxPatch  `json:"patches,omitempty"`
	Images          []FluxImage  `json:"images,omitempty"`
	// Components are paths relative to the application's folder.
	Components              []string `json:"components,omitempty"`
	IgnoreMissingComponents bool     `json:"ignoreMissingComponents,omitempty"`
	// DefaultNamespace is written into objects that have no namespace after the
	// build, where it is known that they need one. No Kustomization has this field:
	// what Flux would make of such objects is its kubeconfig's business. Empty
	// leaves them as they are.
	DefaultNamespace string `json:"defaultNamespace,omitempty"`
	// PostBuild is nil where nothing is substituted.
	PostBuild *FluxPostBuild `json:"postBuild,omitempty"`
	// Checkout is set where the tree is a checkout of a repository and no artifact:
	// what source-controller leaves out of one is not there then, either.
	Checkout *FluxCheckout `json:"checkout,omitempty"`
}

// FluxCheckout says which files of a checkout are not in the artifact. Without
// any pattern those are that source-controller leaves out by default.
type FluxCheckout struct {
	// Ignore are the .sourceignore files of the repository, and behind them what
	// the source itself says; a later one wins.
	Ignore []FluxIgnore `json:"ignore,omitempty"`
}

// FluxIgnore holds patterns in the syntax of .gitignore.
type FluxIgnore struct {
	// Folder is what they are relative to, slash-separated; "." is the root.
	Folder   string `json:"folder"`
	Patterns string `json:"patterns"`
}

// FluxMetadata is set on every object after the build, over what it has.
type FluxMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// FluxPatch is a strategic-merge or JSON 6902 patch, YAML text, and the
// objects that it is for; nil when the patch names its object.
type FluxPatch struct {
	Patch  string        `json:"patch"`
	Target *FluxSelector `json:"target,omitempty"`
}

// FluxSelector chooses the objects of a patch. Kind, name and the like are
// anchored regular expressions.
type FluxSelector struct {
	Group              string `json:"group,omitempty"`
	Version            string `json:"version,omitempty"`
	Kind               string `json:"kind,omitempty"`
	Namespace          string `json:"namespace,omitempty"`
	Name               string `json:"name,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty"`
}

// FluxImage replaces the name, tag or digest of an image.
type FluxImage struct {
	Name    string `json:"name"`
	NewName string `json:"newName,omitempty"`
	NewTag  string `json:"newTag,omitempty"`
	Digest  string `json:"digest,omitempty"`
}

// FluxPostBuild is how variables are put into the built objects.
type FluxPostBuild struct {
	// Substitute holds every variable: those of ConfigMaps and Secrets in the
	// order in which they are named, a later one over an earlier, and those that
	// the Kustomization holds itself over them all. Some are secret.
	Substitute map[string]string `json:"substitute,omitempty"`
	// Secret names the variables whose values come from Secrets: no text shows
	// them.
	Secret []string `json:"secret,omitempty"`
	// Always substitutes also when there is no variable, so that defaults count
	// (substituteStrategy: Always).
	Always bool `json:"always,omitempty"`
	// Strict refuses a variable that is not set and has no default
	// (kustomize-controller's feature gate StrictPostBuildSubstitutions).
	Strict bool `json:"strict,omitempty"`
}
