package refresh

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/plugin"
)

// Application is what is needed of an Application of Argo CD.
type Application struct {
	Namespace, Name, UID string
	// Instance is the name that Argo CD tells plugins: "<namespace>_<name>" for an
	// Application outside of its own namespace.
	Instance string
	// Project is its AppProject, and Destination the namespace it deploys to.
	Project, Destination string
	// Sources are those that name the plugin.
	Sources []Source
	// Pending is set while an earlier wish for a hard refresh waits for Argo CD.
	Pending bool
	// Leaving is set while it is being deleted.
	Leaving bool
	// Created is when it was made: a new one is rendered without being asked.
	Created time.Time
}

// Source is one source of an Application.
type Source struct {
	Repository, Path string
	// Revision is the commit or version that Argo CD compares with the cluster;
	// empty when it does not say.
	Revision string
}

// The annotation by which Argo CD is asked, and its strongest value: without the
// cache.
const (
	Annotation = "argocd.argoproj.io/refresh"
	Hard       = "hard"
)

// pluginName is what Applications name as their plugin.
const pluginName = "assay"

// readApplication reads an Application of the API server's; control is Argo CD's
// own namespace. What cannot be read of it is not there.
func readApplication(object *unstructured.Unstructured, control string) Application {
	text := func(fields ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, fields...)
		return value
	}
	app := Application{
		Namespace: object.GetNamespace(), Name: object.GetName(), UID: string(object.GetUID()), Instance: object.GetName(),
		Project: text("spec", "project"), Destination: text("spec", "destination", "namespace"),
		Pending: object.GetAnnotations()[Annotation] == Hard, Leaving: object.GetDeletionTimestamp() != nil,
		Created: object.GetCreationTimestamp().Time,
	}
	if app.Namespace != control {
		app.Instance = app.Namespace + "_" + app.Name
	}
	spec, _, _ := unstructured.NestedMap(object.Object, "spec")
	if spec["sourceHydrator"] != nil {
		return app // what it deploys was rendered before, into a branch
	}
	sources, several := spec["sources"].([]any)
	revisions, _, _ := unstructured.NestedStringSlice(object.Object, "status", "sync", "revisions")
	if !several || len(sources) == 0 {
		sources, revisions = []any{spec["source"]}, []string{text("status", "sync", "revision")}
	}
	for i, each := range sources {
		source, _ := each.(map[string]any)
		if name, _, _ := unstructured.NestedString(source, "plugin", "name"); name != pluginName {
			continue
		}
		repository, _, _ := unstructured.NestedString(source, "repoURL")
		path, _, _ := unstructured.NestedString(source, "path")
		one := Source{Repository: plugin.RedactURL(repository), Path: strings.Trim(path, "/")}
		if len(revisions) == len(sources) {
			one.Revision = revisions[i]
		}
		app.Sources = append(app.Sources, one)
	}
	return app
}

// judgedAs is how gates are chosen for it: as they were for the record, but for the
// project that it may have been moved to. Argo CD 2.14 tells plugins no project.
func (a Application) judgedAs(record Record) plugin.Application {
	identity := record.Application
	if identity.Project != "" {
		identity.Project = a.Project
	}
	return identity
}

// String names it in the log.
func (a Application) String() string { return a.Namespace + "/" + a.Name }
