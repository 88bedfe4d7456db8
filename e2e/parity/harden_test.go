//go:build e2e

package parity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	others "github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/harden"
)

// guarded is a namespace that admits what Pod Security calls restricted.
const guarded = "guarded"

// hardening is one object before and after hardening; before is nil for an object
// that hardening added.
type hardening struct {
	name          string
	before, after map[string]any
	// alone is set where nothing of the object was held back.
	alone bool
}

// hardenings are all objects of an application that any hardener changes or
// adds, under any image.
func hardenings(ctx context.Context, app others.Application, by map[string]*harden.Hardener) ([]hardening, error) {
	var all []hardening
	for _, name := range slices.Sorted(maps.Keys(by)) {
		for world, imageOf := range map[string]func(string) *plugin.ImageConfig{"good": func(string) *plugin.ImageConfig { return others.Images()[0] }, "mixed": others.ImageOf} {
			objects, err := others.Clone(app.Objects)
			if err != nil {
				return nil, err
			}
			images, _ := plugin.ImageFinder{}.Find(objects)
			for i := range images {
				images[i].Config = imageOf(images[i].Written)
			}
			rendering := plugin.Unhardened{Objects: objects, Images: plugin.NewImageIndex(images)}
			rendering.Source.Application.Namespace = home
			after, findings := by[name].Harden(ctx, rendering)
			held := map[plugin.ObjectID]bool{}
			for _, finding := range findings {
				held[finding.Object] = held[finding.Object] || finding.Rule == "harden/held-back"
			}
			for i, object := range after {
				one := hardening{name: fmt.Sprintf("%s, %s, %s images, %s", app.Name, name, world, object.ID()), after: object.Fields, alone: !held[object.ID()] && strings.Contains("restricted openshift everything", name)}
				if i < len(app.Objects) {
					if one.before = app.Objects[i].Fields; reflect.DeepEqual(one.before, one.after) {
						continue
					}
				}
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// validator submits objects, each once.
type validator struct {
	mutex sync.Mutex
	known map[string]string
}

// in is a copy of the object in a namespace, as far as it has one.
func in(fields map[string]any, namespace string) *unstructured.Unstructured {
	object := (&unstructured.Unstructured{Object: fields}).DeepCopy()
	object.SetNamespace(namespace)
	if clusterScoped(object.GetKind()) {
		object.SetNamespace("")
	}
	return object
}

// refuses is what the API server says against a creation, empty when it takes the
// object. No answer is an error.
func (v *validator) refuses(ctx context.Context, object *unstructured.Unstructured) (refusal string, err error) {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return "", err
	}
	v.mutex.Lock()
	refusal, known := v.known[string(text)]
	v.mutex.Unlock()
	if known {
		return refusal, nil
	}
	_, err = shared.resource(object.GroupVersionKind(), object.GetNamespace()).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	var answered apierrors.APIStatus
	switch {
	case err != nil && !errors.As(err, &answered):
		return "", err
	case err != nil && !apierrors.IsAlreadyExists(err): // it looks for the name when everything else was checked
		refusal = err.Error()
	}
	v.mutex.Lock()
	v.known[string(text)] = refusal
	v.mutex.Unlock()
	return refusal, nil
}

// tally is what the test prints.
type tally struct {
	mutex                                             sync.Mutex
	Objects, Accepted, RefusedBefore, Added, Admitted int
}

func TestHarden_WhatTheAPIServerTakesItTakesHardened(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*controlplane.Slowly, errors.New("not all objects were submitted"))
	defer cancel()
	for name, labels := range map[string]map[string]any{home: nil, guarded: {"pod-security.kubernetes.io/enforce": "restricted"}} {
		if err := shared.store(ctx, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": labels}}); err != nil {
			t.Fatal(err)
		}
	}
	applications, err := hardened(ctx)
	if err != nil {
		t.Fatal(err)
	}
	by, err := hardeners()
	if err != nil {
		t.Fatal(err)
	}
	work, count, validator := make(chan hardening), &tally{}, &validator{known: map[string]string{}}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for each := range work {
				if err := count.compare(ctx, validator, each); err != nil {
					t.Errorf("%s: %v", each.name, err)
				}
			}
		})
	}
	for _, app := range applications {
		found, err := hardenings(ctx, app, by)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range found {
			work <- each
		}
	}
	close(work)
	group.Wait()
	t.Logf("%d applications, %d requests: %+v", len(applications), len(validator.known), count.counts())
	if len(applications) < 9000 || count.Accepted < 19_000 || count.Added < 5000 || count.Admitted < 3500 {
		t.Error("the corpus is too small for what it is meant to show")
	}
}

func (c *tally) counts() map[string]int {
	return map[string]int{"objects": c.Objects, "accepted": c.Accepted, "refused before": c.RefusedBefore, "added": c.Added, "admitted as restricted": c.Admitted}
}

// compare submits an object before and after, and then its Pod where nothing was
// held back.
func (c *tally) compare(ctx context.Context, v *validator, asked hardening) error {
	c.mutex.Lock()
	c.Objects++
	c.mutex.Unlock()
	if asked.before != nil {
		refusal, err := v.refuses(ctx, in(asked.before, home))
		if err != nil {
			return err
		}
		if refusal != "" {
			c.note(&c.RefusedBefore)
			return nil
		}
	}
	refusal, err := v.refuses(ctx, in(asked.after, home))
	switch {
	case err != nil:
		return err
	case refusal != "":
		return fmt.Errorf("the API server refuses what hardening made of it: %s", refusal)
	case asked.before == nil:
		c.note(&c.Added)
		return nil
	}
	c.note(&c.Accepted)
	if !asked.alone || !leftToHardening(asked.before) {
		return nil
	}
	pod, _ := podOf(asked.after)
	if kind := (&unstructured.Unstructured{Object: asked.after}).GetKind(); kind == "Pod" {
		pod = asked.after
	}
	if pod == nil {
		return nil
	}
	refusal, err = v.refuses(ctx, in(pod, guarded))
	switch {
	case err != nil:
		return err
	case refusal != "" && mustSet.MatchString(refusal):
		return fmt.Errorf("nothing was held back, and yet its Pods are refused: %s", refusal)
	case refusal == "":
		c.note(&c.Admitted)
	}
	return nil
}

// mustSet is what Pod Security says of a field that hardening fills in.
var mustSet = regexp.MustCompile(`allowPrivilegeEscalation != false|unrestricted capabilities|runAsNonRoot != true|seccompProfile`)

// leftToHardening reports whether the author wrote nothing of what restricted
// asks for.
func leftToHardening(fields map[string]any) bool {
	text, err := json.Marshal(fields)
	return err == nil && !regexp.MustCompile(`"(allowPrivilegeEscalation|capabilities|runAsNonRoot|seccompProfile|privileged|os)":[^n]`).Match(text)
}

func (c *tally) note(counter *int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	*counter++
}
