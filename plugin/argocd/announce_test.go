package argocd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/render"
)

// announcedTo asks as the repo-server does for its user interface.
func (s *scene) announcedTo(ctx context.Context, a ask) (map[string]*protocol.ParameterAnnouncement, error) {
	stream, err := s.client.GetParametersAnnouncement(ctx)
	if err != nil {
		return nil, err
	}
	if a.checksum == "" {
		sum := sha256.Sum256(a.archive)
		a.checksum = hex.EncodeToString(sum[:])
	}
	_ = stream.Send(a.metadata())
	for chunk := range slices.Chunk(a.archive, 1024) {
		_ = stream.Send(chunkOf(chunk))
	}
	response, err := stream.CloseAndRecv()
	list := map[string]*protocol.ParameterAnnouncement{}
	for _, each := range response.GetParameterAnnouncements() {
		list[each.GetName()] = each
	}
	return list, err
}

// announcingEnv is what Argo CD says then: neither the AppProject nor the cluster.
func announcingEnv(parameters string) []string {
	return []string{"ARGOCD_APP_NAME=shop", "ARGOCD_APP_SOURCE_REPO_URL=https://git.example.com/shop.git", "ARGOCD_APP_SOURCE_PATH=app", "ARGOCD_APP_SOURCE_TARGET_REVISION=main", "ARGOCD_APP_PARAMETERS=" + parameters}
}

// rendererFunc renders in place of the real one.
type rendererFunc func(context.Context, plugin.Source) (plugin.Rendering, error)

func (f rendererFunc) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	return f(ctx, source)
}

func announcing(renderer plugin.Renderer) func(*Options) {
	return func(o *Options) { o.Renderer = renderer }
}

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

func TestAnnounce_AChartTellsItsValues(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	a := ask{path: "app", env: announcingEnv(`[{"name":"helm-value-files","array":["prod.yaml","/envs/$ARGOCD_APP_NAME.yaml","none.yaml"]}]`), archive: pack(t,
		file("app/Chart.yaml", chartYAML), file("app/values.yaml", "image: {name: web, tag: 1}\nreplicas: 2\nlist: [a, {b: c}]\nempty: {}\nnothing: null\nratio: 0.5\non: true\nbytes: !!binary /w==\n"),
		file("app/prod.yaml", "replicas: 3\nmore: x\n"), file("envs/shop.yaml", "ratio: 1\n"))}
	list, err := s.announcedTo(t.Context(), a)
	check(t, err)
	want := map[string]string{"image.name": "web", "image.tag": "1", "replicas": "3", "list[0]": "a", "list[1].b": "c", "nothing": "<nil>", "ratio": "1", "true": "true", "more": "x", "bytes": "\ufffd"}
	if got := list["helm-parameters"].GetMap(); !maps.Equal(got, want) {
		t.Errorf("it tells %v, want %v", got, want)
	}
	for _, each := range render.ArgoParameters() {
		if _, has := list[each.Name]; has != (strings.HasPrefix(each.Name, "helm-") || each.Name == "renderer") {
			t.Errorf("%s is announced: %t", each.Name, has)
		}
	}
}

func TestAnnounce_AKustomizationTellsItsImages(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {initContainers: [{name: i, image: 'init:1'}], containers: [{name: a, image: web}, {name: b, image: 'side:2'}]}}}\n"
	s := newScene(t, says(plugin.Deny, "x/y", "no"), announcing(render.New(render.Options{Limits: plugin.DefaultLimits()})))
	a := ask{path: "app", env: announcingEnv(`[{"name":"kustomize-images","array":["side=other:3"]}]`), archive: pack(t, file("app/kustomization.yaml", "resources: [a.yaml]\nimages: [{name: web, newTag: '7'}]\n"), file("app/a.yaml", deployment))}
	list, err := s.announcedTo(t.Context(), a)
	check(t, err)
	if got := list["kustomize-images"].GetArray(); !slices.Equal(got, []string{"init:1", "other:3", "web:7"}) {
		t.Errorf("it tells %q", got)
	}
	for name, want := range map[string]bool{"kustomize-patches": true, "helm-kube-version": true, "helm-api-versions": true, "renderer": true, "helm-values": false, "directory-recurse": false} {
		if _, has := list[name]; has != want {
			t.Errorf("%s is announced: %t", name, has)
		}
	}
}

func TestAnnounce_AFolderHasItsOwn(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	a := goodAsk(t)
	a.env = announcingEnv("null")
	list, err := s.announcedTo(t.Context(), a)
	check(t, err)
	if list["directory-recurse"] == nil || list["helm-values"] != nil || list["kustomize-images"] != nil {
		t.Errorf("%v", slices.Collect(maps.Keys(list)))
	}
	a.env = announcingEnv(`[{"name":"renderer","string":"kustomize"}]`)
	if list, err = s.announcedTo(t.Context(), a); err != nil || list["directory-recurse"] != nil || list["kustomize-images"] == nil {
		t.Errorf("the renderer that was asked for: %v, %v", slices.Collect(maps.Keys(list)), err)
	}
}

// TestAnnounce_WhatCannotBeLookedAtHidesNoParameter: they are told without the
// source's own.
func TestAnnounce_WhatCannotBeLookedAtHidesNoParameter(t *testing.T) {
	var many, bomb strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "v%d: x\n", i)
	}
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&bomb, "a%[1]d: &a%[1]d [%[2]s]\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), ", "))
	}
	chart := func(values ...*tarEntry) []byte {
		return pack(t, append([]*tarEntry{file("app/Chart.yaml", chartYAML)}, values...)...)
	}
	all := len(render.ArgoParameters())
	for name, a := range map[string]ask{
		"too many values":           {archive: chart(file("app/values.yaml", many.String()))},
		"values that are too large": {archive: chart(file("app/values.yaml", "a: "+strings.Repeat("x", 300<<10)))},
		"paths that are too long":   {archive: chart(file("app/values.yaml", strings.Repeat("{"+strings.Repeat("x", 99)+": ", 400)+"["+strings.Repeat("1, ", 10)+"1]"+strings.Repeat("}", 400)))},
		"aliases without end":       {archive: chart(file("app/values.yaml", bomb.String()))},
		"brackets without end":      {archive: chart(file("app/values.yaml", "a: "+strings.Repeat("[", 50_000)))},
		"no YAML":                   {archive: chart(file("app/values.yaml", "a: ["))},
		"no mapping":                {archive: chart(file("app/values.yaml", "[a]"))},
		"a link to the outside":     {archive: chart(link("app/values.yaml", "../../../etc/passwd"))},
		"a file of another source":  {archive: chart(file("app/values.yaml", "a: b")), env: announcingEnv(`[{"name":"helm-value-files","array":["$values/a.yaml"]}]`)},
		"a wrong archive":           {archive: chart(file("app/values.yaml", "a: b")), checksum: strings.Repeat("0", 64)},
		"no application":            {archive: chart(file("app/values.yaml", "a: b")), env: []string{"ARGOCD_APP_PARAMETERS=null"}},
		"no folder":                 {archive: chart(file("app/values.yaml", "a: b")), path: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, says(plugin.Deny, "x/y", "no"))
			if a.path == "" {
				a.path = "app"
			}
			if a.env == nil {
				a.env = announcingEnv("null")
			}
			list, err := s.announcedTo(t.Context(), a)
			if err != nil || len(list) != all && list["helm-values"] == nil && list["directory-recurse"] == nil || len(list["helm-parameters"].GetMap()) > 0 {
				t.Errorf("%d parameters, %v, %.200v", len(list), err, list["helm-parameters"].GetMap())
			}
		})
	}
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	list, err := s.announcedTo(t.Context(), ask{path: "app", env: announcingEnv("null"), archive: chart(file("app/values.yaml", "a: b"))})
	if err != nil || list["helm-parameters"].GetMap()["a"] != "b" {
		t.Errorf("their twin: %v, %v", list["helm-parameters"], err)
	}
}

func TestAnnounce_ARenderingThatFailsOrNeverEndsHidesNoParameter(t *testing.T) {
	a := ask{path: "app", env: announcingEnv("null"), archive: pack(t, file("app/kustomization.yaml", "resources: []\n"))}
	for name, renderer := range map[string]rendererFunc{
		"fails": func(context.Context, plugin.Source) (plugin.Rendering, error) {
			return plugin.Rendering{}, errors.New("no")
		},
		"panics": func(context.Context, plugin.Source) (plugin.Rendering, error) { panic("a defect") },
		"never ends": func(ctx context.Context, _ plugin.Source) (plugin.Rendering, error) {
			<-ctx.Done()
			return plugin.Rendering{}, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, says(plugin.Deny, "x/y", "no"), announcing(renderer))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if list, err := s.announcedTo(ctx, a); err != nil || list["kustomize-images"] == nil {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}

func TestAnnounce_NothingBesideAnotherPlugin(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	rival, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(s.plugins, "rival.sock"))
	check(t, err)
	t.Cleanup(func() { _ = rival.Close() })
	if list, err := s.announcedTo(t.Context(), goodAsk(t)); err == nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}
