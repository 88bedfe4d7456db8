package registry_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// pushChart pushes a manifest with one layer of that type.
func pushChart(t *testing.T, server *ociserver.Server, tag string, layerType types.MediaType) {
	t.Helper()
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	image, err := mutate.AppendLayers(base, static.NewLayer([]byte(archiveText), layerType))
	if err != nil {
		t.Fatal(err)
	}
	pushThis(t, server, tag, image)
}

const typeOfCharts types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

func TestChart_FromRegistry(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushChart(t, server, "charts/team-a:0.1.0_build.7", typeOfCharts)
	pushChart(t, server, "charts/team-a:0.1.1", "application/vnd.oci.image.layer.v1.tar+gzip")
	client, _ := newClient(t, server, nil)
	chart := registry.Chart{Repository: "oci://" + server.Host() + "/charts", Name: "team-a", Version: "0.1.0+build.7"}
	wantArchive(t, client, chart)
	chart.Version = "0.1.1"
	if _, err := client.Chart(t.Context(), chart); ruleOf(err) != "chart/unavailable" || !strings.Contains(err.Error(), "not a chart") {
		t.Errorf("a manifest without a chart's layer: %v", err)
	}
	chart.Version = "0.1.2"
	if _, err := client.Chart(t.Context(), chart); ruleOf(err) != "chart/unavailable" || !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("no such version: %v", err)
	}
}

func TestChart_RegistryThatIsBroken(t *testing.T) {
	for _, c := range []struct {
		name  string
		class string
		fault ociserver.Fault
		rule  string // empty is no answer
	}{
		{"401", ociserver.ClassTag, ociserver.Fault{Status: http.StatusUnauthorized}, ""},
		{"500", ociserver.ClassTag, ociserver.Fault{Status: http.StatusInternalServerError}, ""},
		{"truncated manifest", ociserver.ClassTag, ociserver.Fault{Body: []byte(`{"layers":[]}`), Truncate: true}, ""},
		{"manifest that is no JSON", ociserver.ClassTag, ociserver.Fault{Body: []byte(`<html>`)}, "registry/invalid-answer"},
		{"layer without a digest", ociserver.ClassTag, ociserver.Fault{Body: []byte(`{"layers":[{"mediaType":"` + string(typeOfCharts) + `","digest":"../x"}]}`)}, "registry/invalid-answer"},
		{"500 for the layer", ociserver.ClassBlob, ociserver.Fault{Status: http.StatusInternalServerError}, ""},
		{"truncated layer", ociserver.ClassBlob, ociserver.Fault{Body: []byte(archiveText), Truncate: true}, ""},
		{"wrong layer", ociserver.ClassBlob, ociserver.Fault{Body: []byte(archiveText + ".")}, "registry/wrong-digest"},
		{"layer over the limit", ociserver.ClassBlob, ociserver.Fault{Zeros: 1 << 20}, "registry/limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			pushChart(t, server, "charts/team-a:0.1.0", typeOfCharts)
			chart := registry.Chart{Repository: "oci://" + server.Host() + "/charts", Name: "team-a", Version: "0.1.0"}
			fresh := func() *registry.Client {
				return chartClient(t, registry.Host{Host: server.Host(), Private: true, PlainHTTP: true})
			}
			wantArchive(t, fresh(), chart)
			server.SetFault(func(r *http.Request) *ociserver.Fault {
				if requests := server.Requests(); requests[len(requests)-1].Class == c.class {
					return &c.fault
				}
				return nil
			})
			_, err := fresh().Chart(t.Context(), chart)
			if c.rule == "" && !noAnswerAtAll(err) || ruleOf(err) != c.rule {
				t.Errorf("got %q: %v; want %q", ruleOf(err), err, c.rule)
			}
		})
	}
}

func TestChart_IndexInJSON(t *testing.T) {
	server := startCharts(t)
	client := chartClient(t, server.entry())
	index := map[string]any{"apiVersion": "v1", "entries": map[string]any{
		"other":  []any{map[string]any{"version": "0.1.0"}},
		"team-a": []any{map[string]any{"version": "0.2.0"}, map[string]any{"version": "0.1.0", "urls": []string{"team-a-0.1.0.tgz"}, "digest": digestOfText(archiveText)}},
	}}
	text, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	server.text("/charts/index.yaml", string(text))
	wantArchive(t, client, server.chart())
	for broken, rule := range map[string]string{
		`{"entries":{}}`: "chart/unavailable",
		`{"entries":{"team-a":[{"version":"0.2.0"}]}}`: "chart/unavailable",
		`{}`:                         "registry/invalid-answer",
		`{"entries":[]}`:             "registry/invalid-answer",
		`{"entries":{"team-a":{}}}`:  "registry/invalid-answer",
		`{"entries":{"team-a":[7]}}`: "registry/invalid-answer",
		`{"entries":{"team-a":[{"version":"0.2.0"}`:      "registry/invalid-answer",
		`{"entries":{"team-b":[{"version":"0.1.0"}`:      "registry/invalid-answer",
		`{"entries":{"team-a":[{"version":["0.1.0"]}]}}`: "registry/invalid-answer",
	} {
		server.text("/charts/index.yaml", broken)
		if _, err := client.Chart(t.Context(), server.chart()); ruleOf(err) != rule {
			t.Errorf("%s: got %v, want %s", broken, err, rule)
		}
	}
}
