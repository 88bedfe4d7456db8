package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// commits are how often a new artifact is timed; the first are not counted.
const (
	commits   = 15
	uncounted = 3
)

// newArtifact is the time from the patch of the source's status to the
// ExternalArtifact's next revision, both as a client of the API server sees
// them.
func (g *gatedSources) newArtifact(ctx context.Context) (string, error) {
	w := g.workload
	w.images = 10
	if err := w.kustomization("timed", size{45, 45, 10}); err != nil {
		return "", err
	}
	if err := g.declare(ctx, "timed", "timed/overlay"); err != nil {
		return "", err
	}
	timed, cancel := context.WithTimeoutCause(ctx, controlplane.Slowly, errors.New("the artifacts were not published in time"))
	defer cancel()
	published, err := g.watchArtifact(timed, "assay-timed")
	if err != nil {
		return "", err
	}
	defer published.Stop()
	var taken []time.Duration
	for number := range commits {
		commit := fmt.Sprintf("%040x", number+1)
		if err := g.write("timed/overlay/patch.yaml", strings.ReplaceAll(commitPatch, "@COMMIT@", commit)); err != nil {
			return "", err
		}
		next, err := g.push("timed", commit)
		if err != nil {
			return "", err
		}
		begun := time.Now()
		if err := g.cluster.Merge(ctx, g.object(gitRepositories, "timed"), next.status, "status"); err != nil {
			return "", err
		}
		if err := untilPublished(timed, published, next.revision); err != nil {
			return "", err
		}
		if number >= uncounted {
			taken = append(taken, time.Since(begun))
		}
	}
	if err := g.cluster.Delete(ctx, g.object(gatedSourceKind, "timed")); err != nil { // the next controller is not asked about it
		return "", err
	}
	return fmt.Sprintf("| from a source's new artifact to the ExternalArtifact of it, 100 objects and 10 images, warm: median of %d | %.2f s | 1 s |", len(taken), medianOf(taken).Seconds()), nil
}

// commitPatch is the overlay's patch, with what each commit changes.
const commitPatch = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: svc-0001
  annotations: {commit: "@COMMIT@"}
`

func (g *gatedSources) watchArtifact(ctx context.Context, name string) (watch.Interface, error) {
	client, err := dynamic.NewForConfig(g.cluster.Config)
	if err != nil {
		return nil, err
	}
	resource := schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "externalartifacts"}
	return client.Resource(resource).Namespace(fluxNamespace).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
}

func untilPublished(ctx context.Context, published watch.Interface, revision string) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to be published: %w", revision, context.Cause(ctx))
		case event, open := <-published.ResultChan():
			if !open {
				return fmt.Errorf("waiting for %s to be published: the watch ended", revision)
			}
			object, is := event.Object.(*unstructured.Unstructured)
			if !is {
				return fmt.Errorf("waiting for %s to be published: the watch says %v", revision, event.Object)
			}
			if origin, _, _ := unstructured.NestedString(object.Object, "status", "artifact", "metadata", "org.opencontainers.image.revision"); origin == revision {
				return nil
			}
		}
	}
}

// many is how many GatedSources are judged again, and every how many seconds a
// cluster would do so.
const (
	many  = 500
	every = 600
)

// rounds judges many GatedSources, each of a source and artifact of its own,
// and all of them again.
func (g *gatedSources) rounds(ctx context.Context) (string, error) {
	if err := g.declareMany(ctx); err != nil {
		return "", err
	}
	if err := g.untilJudged(ctx, ""); err != nil {
		return "", err
	}
	if err := g.round(ctx, "1"); err != nil {
		return "", err
	}
	before, err := usageOf(g.process.PID())
	if err != nil {
		return "", err
	}
	g.registry.ResetRequests()
	if err := g.round(ctx, "2"); err != nil {
		return "", err
	}
	after, err := usageOf(g.process.PID())
	if err != nil {
		return "", err
	}
	seconds := after.cpu - before.cpu
	return fmt.Sprintf("| %d GatedSources of 20 objects judged again: CPU of the controller and its workers (%.1f s), as a share of a core at a round in 10 minutes | %.2f | 0.5 |\n"+
		"| the same: requests to the registry | %d | 0 |\n"+
		"| the same: memory of the controller and its %d workers after it (PSS; RSS is %d MiB) | %d MiB | 286 MiB (300 MB) |",
		many, seconds, seconds/every, g.registry.Count(), after.children, after.rss>>20, after.pss>>20), nil
}

func (g *gatedSources) declareMany(ctx context.Context) error {
	for i := range many {
		name := fmt.Sprintf("many-%03d", i)
		if err := g.kustomization(name, size{9, 9, 2}); err != nil {
			return err
		}
		if err := g.write(path.Join(name, "README"), name); err != nil { // makes its artifact another one
			return err
		}
		next, err := g.push(name, fmt.Sprintf("%040x", i+1))
		if err != nil {
			return err
		}
		if err := g.declare(ctx, name, name+"/overlay"); err != nil {
			return err
		}
		if err := g.cluster.Merge(ctx, g.object(gitRepositories, name), next.status, "status"); err != nil {
			return err
		}
	}
	return nil
}

// round has all of them judged again.
func (g *gatedSources) round(ctx context.Context, token string) error {
	for i := range many {
		asked := fmt.Sprintf(`{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":%q}}}`, token)
		if err := g.cluster.Merge(ctx, g.object(gatedSourceKind, fmt.Sprintf("many-%03d", i)), asked); err != nil {
			return err
		}
	}
	return g.untilJudged(ctx, token)
}

// untilJudged waits until all of them were judged and allowed, at the last
// request.
func (g *gatedSources) untilJudged(ctx context.Context, token string) error {
	timed, cancel := context.WithTimeoutCause(ctx, 3*controlplane.Slowly, errors.New("not all were judged in time"))
	defer cancel()
	for {
		objects, err := g.cluster.List(timed, gatedSourceKind, fluxNamespace)
		if err != nil {
			return err
		}
		done, last := 0, ""
		for _, object := range objects {
			if !strings.HasPrefix(object.GetName(), "many-") {
				continue
			}
			if is, said := judged(object, token); is {
				done++
			} else {
				last = said
			}
		}
		if done >= many {
			return nil
		}
		select {
		case <-timed.Done():
			return fmt.Errorf("waiting for %d judgements, %d are there: %w; at last: %s", many, done, context.Cause(timed), last)
		case <-time.After(time.Second):
		}
	}
}

// judged reports whether a GatedSource is ready and has answered the request,
// and what its condition says.
func judged(object unstructured.Unstructured, token string) (is bool, said string) {
	if handled, _, _ := unstructured.NestedString(object.Object, "status", "lastHandledReconcileAt"); handled != token {
		return false, "it has not answered " + token
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range conditions {
		if condition, _ := each.(map[string]any); condition["type"] == "Ready" {
			return condition["status"] == "True", fmt.Sprint(condition["message"])
		}
	}
	return false, "it has no condition"
}
