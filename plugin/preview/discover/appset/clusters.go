package appset

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assay-gitops/assay/plugin"
)

const (
	typeLabel      = "argocd.argoproj.io/secret-type"
	inCluster      = "in-cluster"
	inClusterURL   = "https://kubernetes.default.svc"
	metadataPrefix = "metadata."
)

// cluster is what a generator reads from a cluster's Secret.
type cluster struct {
	name, server, project string
	labels, annotations   map[string]string
}

// clusters gives the clusters whose Secrets a selector takes, and the cluster
// that Argo CD runs in, which needs no Secret. Argo CD gives them in the order
// of a Go map; here they are sorted by name.
func (e *expander) clusters(interpolated generator, at place) ([]map[string]any, error) {
	asked := interpolated.Clusters
	e.tellClusters(at)
	chosen, err := e.chosenClusters(asked.Selector)
	if err != nil {
		return nil, err
	}
	var params []map[string]any
	for _, one := range chosen {
		params = append(params, one.params(e.read.GoTemplate))
	}
	selects := len(asked.Selector.MatchLabels)+len(asked.Selector.MatchExpressions) > 0
	if !selects && !slices.ContainsFunc(chosen, func(c cluster) bool { return c.server == inClusterURL }) {
		params = append(params, map[string]any{"name": inCluster, "nameNormalized": inCluster, "server": inClusterURL, "project": ""})
	}
	for _, one := range params {
		if err := e.addValues(asked.Values, one); err != nil {
			return nil, err
		}
	}
	if asked.FlatList {
		return []map[string]any{{"clusters": params}}, nil
	}
	return params, nil
}

// tellClusters says once that nobody gave the clusters.
func (e *expander) tellClusters(at place) {
	if e.input.Clusters != nil {
		return
	}
	told := Problem{
		What: Name(e.set.ID()), Origin: e.set.Origin,
		Reason: at.path + " asks Argo CD for its clusters, and their Secrets were not given: of them the one that Argo CD runs in is seen alone",
		Hint:   "give the cluster Secrets with --clusters FILE; of their data it needs name, server and project alone",
	}
	if !slices.Contains(e.expansion.Problems, told) {
		e.expansion.Problems = append(e.expansion.Problems, told)
	}
}

func (e *expander) chosenClusters(by metav1.LabelSelector) ([]cluster, error) {
	chooses, err := metav1.LabelSelectorAsSelector(metav1.AddLabelToSelector(by.DeepCopy(), typeLabel, "cluster"))
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	named := map[string]cluster{}
	for _, secret := range e.input.Clusters {
		one := readCluster(secret)
		if chooses.Matches(labels.Set(one.labels)) {
			named[one.name] = one // the last of two with one name counts
		}
	}
	return slices.SortedFunc(maps.Values(named), func(a, b cluster) int { return cmp.Compare(a.name, b.name) }), nil
}

func readCluster(secret plugin.Object) cluster {
	metadata, _ := secret.Fields["metadata"].(map[string]any)
	data := map[string]string{}
	encoded, _ := secret.Fields["data"].(map[string]any)
	for name, value := range encoded {
		text, _ := value.(string)
		if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
			data[name] = string(plain)
		}
	}
	maps.Copy(data, texts(secret.Fields["stringData"]))
	return cluster{
		name: data["name"], server: data["server"], project: data["project"],
		labels: texts(metadata["labels"]), annotations: withoutOwn(texts(metadata["annotations"])),
	}
}

// texts are the members of a mapping that are text.
func texts(value any) map[string]string {
	members, _ := value.(map[string]any)
	found := make(map[string]string, len(members))
	for name, member := range members {
		if text, is := member.(string); is {
			found[name] = text
		}
	}
	return found
}

// withoutOwn leaves out the annotations that Argo CD and kubectl keep for
// themselves, as Argo CD does.
func withoutOwn(annotations map[string]string) map[string]string {
	if len(annotations) == 0 {
		return nil
	}
	kept := maps.Clone(annotations)
	for _, own := range []string{
		"argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate", "argocd.argoproj.io/tracking-id",
		"argocd.argoproj.io/installation-id", "kubectl.kubernetes.io/last-applied-configuration",
	} {
		delete(kept, own)
	}
	return kept
}

func (c cluster) params(goTemplate bool) map[string]any {
	params := map[string]any{"name": c.name, "nameNormalized": sanitize(c.name), "server": c.server, "project": c.project}
	if goTemplate {
		metadata := map[string]any{}
		if c.annotations != nil {
			metadata["annotations"] = c.annotations
		}
		if len(c.labels) > 0 {
			metadata["labels"] = c.labels
		}
		params["metadata"] = metadata
		return params
	}
	for name, value := range c.annotations {
		params[metadataPrefix+"annotations."+name] = value
	}
	for name, value := range c.labels {
		params[metadataPrefix+"labels."+name] = value
	}
	return params
}

// addValues adds a generator's values, each a template over the parameters
// without the other values.
func (e *expander) addValues(values map[string]string, params map[string]any) error {
	if len(values) == 0 {
		return nil
	}
	added := make(map[string]string, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text, err := e.texts.text(values[name], params)
		if err != nil {
			return fmt.Errorf("values.%s: %w", name, err)
		}
		added[name] = text
	}
	if e.read.GoTemplate {
		params["values"] = added
		return nil
	}
	for name, text := range added {
		params["values."+name] = text
	}
	return nil
}
