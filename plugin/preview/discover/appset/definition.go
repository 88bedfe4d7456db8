package appset

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/assay-gitops/assay/plugin"
)

// definition is the spec of an ApplicationSet (argoproj.io/v1alpha1, Argo CD
// 3.5). Fields that say how Applications are brought into the cluster, and not
// which there are, are known and not read.
type definition struct {
	GoTemplate                   bool            `json:"goTemplate,omitempty"`
	GoTemplateOptions            []string        `json:"goTemplateOptions,omitempty"`
	Generators                   []generator     `json:"generators"`
	Template                     base            `json:"template"`
	TemplatePatch                *string         `json:"templatePatch,omitempty"`
	SyncPolicy                   setSyncPolicy   `json:"syncPolicy,omitzero"`
	Strategy                     json.RawMessage `json:"strategy,omitempty"`
	PreservedFields              json.RawMessage `json:"preservedFields,omitempty"`
	ApplyNestedSelectors         bool            `json:"applyNestedSelectors,omitempty"`
	IgnoreApplicationDifferences json.RawMessage `json:"ignoreApplicationDifferences,omitempty"`
}

type setSyncPolicy struct {
	PreserveResourcesOnDeletion bool   `json:"preserveResourcesOnDeletion,omitempty"`
	ApplicationsSync            string `json:"applicationsSync,omitempty"`
}

// base is what becomes an Application.
type base struct {
	Metadata templateMeta    `json:"metadata"`
	Spec     applicationSpec `json:"spec"`
}

type templateMeta struct {
	Name        string            `json:"name,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Finalizers  []string          `json:"finalizers,omitempty"`
}

// generator is one entry of a list of generators. One that names several kinds
// stands for all of them at the top, and is an error inside another.
type generator struct {
	List                    *listGenerator        `json:"list,omitempty"`
	Clusters                *clusterGenerator     `json:"clusters,omitempty"`
	Git                     *gitGenerator         `json:"git,omitempty"`
	SCMProvider             *json.RawMessage      `json:"scmProvider,omitempty"`
	ClusterDecisionResource *json.RawMessage      `json:"clusterDecisionResource,omitempty"`
	PullRequest             *json.RawMessage      `json:"pullRequest,omitempty"`
	Matrix                  *combination          `json:"matrix,omitempty"`
	Merge                   *combination          `json:"merge,omitempty"`
	Selector                *metav1.LabelSelector `json:"selector,omitempty"`
	Plugin                  *json.RawMessage      `json:"plugin,omitempty"`
}

type listGenerator struct {
	Elements     []json.RawMessage `json:"elements"`
	ElementsYaml string            `json:"elementsYaml,omitempty"`
	Template     base              `json:"template,omitzero"`
}

type clusterGenerator struct {
	Selector metav1.LabelSelector `json:"selector,omitempty"`
	Template base                 `json:"template,omitzero"`
	Values   map[string]string    `json:"values,omitempty"`
	FlatList bool                 `json:"flatList,omitempty"`
}

type gitGenerator struct {
	RepoURL             string            `json:"repoURL"`
	Directories         []gitItem         `json:"directories,omitempty"`
	Files               []gitItem         `json:"files,omitempty"`
	Revision            string            `json:"revision"`
	RequeueAfterSeconds *int64            `json:"requeueAfterSeconds,omitempty"`
	Template            base              `json:"template,omitzero"`
	PathParamPrefix     string            `json:"pathParamPrefix,omitempty"`
	Values              map[string]string `json:"values,omitempty"`
}

type gitItem struct {
	Path    string `json:"path"`
	Exclude bool   `json:"exclude,omitempty"`
}

// combination is a matrix or a merge.
type combination struct {
	Generators []generator `json:"generators"`
	MergeKeys  []string    `json:"mergeKeys,omitempty"`
	Template   base        `json:"template,omitzero"`
}

// decodeDefinition reads an ApplicationSet's spec, and names the fields that it
// does not know. They are left out, as the API server does it, so that letters
// in another case do not make another field of them.
func decodeDefinition(set plugin.Object) (definition, []string, error) {
	var read definition
	spec, is := set.Fields["spec"].(map[string]any)
	if !is {
		return read, nil, fmt.Errorf("reading spec: it is missing, or no mapping")
	}
	known, unknown := prune(spec, structure[definition](), "spec")
	err := convert(known, &read)
	return read, unknown, err
}

// convert brings a value into another form by way of JSON.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return typeMismatch(err)
	}
	return nil
}
