package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// Chart names one version of a Helm chart.
type Chart struct {
	// Repository is "oci://host/path" or the "https://host/path" of a chart
	// repository.
	Repository string
	Name       string
	Version    string // exact
}

const stageChart = "chart"

// Chart fetches a packaged chart (.tgz) as it was published: from an OCI
// registry, the layer of the manifest that its version tags; from a chart
// repository, the archive that index.yaml names, with the digest that the index
// gives. Errors are those of [Client.Manifest].
func (c *Client) Chart(ctx context.Context, chart Chart) ([]byte, error) {
	subject := chart.Repository + " " + chart.Name + " " + chart.Version
	at, err := url.Parse(chart.Repository)
	if err != nil || at.Host == "" || at.User != nil {
		return nil, refuseChart(plugin.RedactURL(chart.Repository)+" is not the address of a chart repository", nil)
	}
	switch at.Scheme {
	case "oci":
		return c.chartFromRegistry(ctx, at.Host+strings.TrimRight(at.Path, "/")+"/"+chart.Name, chart.Version)
	case "https", "http":
		data, err := c.chartFromRepository(ctx, at, chart)
		return data, explain(stageChart, subject, err)
	}
	return nil, refuseChart(fmt.Sprintf("%s has the scheme %q; charts come from oci:// and https://", subject, at.Scheme), nil)
}

func refuseChart(message string, cause error) error {
	return &plugin.Refusal{
		Rule: "chart/unavailable", Message: message, Cause: cause,
		Hint: "check the chart's name, version and repository, or vendor it by hand into charts/",
	}
}

// typeChart is the media type of a chart's layer (Helm, OCI support).
const typeChart = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

func (c *Client) chartFromRegistry(ctx context.Context, repository, version string) ([]byte, error) {
	// "+" is not allowed in tags; Helm writes "_" in its place.
	manifest, err := c.Manifest(ctx, repository, strings.ReplaceAll(version, "+", "_"))
	if err != nil {
		return nil, err
	}
	var content struct {
		Layers []struct{ MediaType, Digest string }
	}
	if err := json.Unmarshal(manifest.Bytes, &content); err != nil {
		return nil, invalidAnswer("the manifest of chart "+repository, err)
	}
	for _, layer := range content.Layers {
		if layer.MediaType == typeChart {
			return c.Blob(ctx, repository, layer.Digest, c.limits.ArchiveBytes)
		}
	}
	return nil, refuseChart(repository+":"+version+" is not a chart: no layer is a "+typeChart, nil)
}

// chartIndex is the part of index.yaml that is read.
type chartIndex struct {
	Entries map[string][]struct {
		Version string   `yaml:"version"`
		URLs    []string `yaml:"urls"`
		Digest  string   `yaml:"digest"`
	} `yaml:"entries"`
}

func (c *Client) chartFromRepository(ctx context.Context, at *url.URL, chart Chart) ([]byte, error) {
	base := *at
	base.Path = strings.TrimRight(base.Path, "/") + "/"
	data, err := c.get(ctx, base.JoinPath("index.yaml"), c.limits.FileBytes, "fileBytes")
	if err != nil {
		return nil, err
	}
	var index chartIndex
	if err := yaml.Unmarshal(data, &index); err != nil {
		return nil, invalidAnswer("the index of chart repository "+redact(at), err)
	}
	for _, entry := range index.Entries[chart.Name] {
		if entry.Version != chart.Version || len(entry.URLs) == 0 {
			continue
		}
		archive, err := base.Parse(entry.URLs[0])
		if err != nil {
			return nil, invalidAnswer("the index of chart repository "+redact(at), err)
		}
		if !sameOrigin(archive, at) {
			return nil, refuseChart(fmt.Sprintf("the index of %s names %s, on another host", redact(at), redact(archive)), nil)
		}
		data, err := c.get(ctx, archive, c.limits.ArchiveBytes, "archiveBytes")
		if err != nil {
			return nil, err
		}
		return data, checkArchive(data, entry.Digest, redact(archive))
	}
	return nil, refuseChart(fmt.Sprintf("the index of %s has no version %s of %s", redact(at), chart.Version, chart.Name), ErrNotFound)
}

// checkArchive compares the archive with the index's digest, where it has one.
func checkArchive(data []byte, digest, subject string) error {
	if digest == "" {
		return nil
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != strings.TrimPrefix(digest, "sha256:") {
		return wrongDigest(subject, digest, "sha256:"+got)
	}
	return nil
}

// get reads one file over HTTPS under the rules of its host: where it may
// connect, which credential it may show, how often it asks again.
func (c *Client) get(ctx context.Context, at *url.URL, limit int64, limited string) ([]byte, error) {
	if at.Scheme != "https" && !c.plainHTTP(at.Host) {
		return nil, refuseChart(redact(at)+" is not HTTPS", nil)
	}
	if !slices.Contains([]string{"https", "http"}, at.Scheme) {
		return nil, refuseChart(redact(at)+" is not HTTPS", nil)
	}
	session, err := c.session(at.Host, strings.TrimPrefix(at.Path, "/"))
	if err != nil {
		return nil, err
	}
	secret, err := session.credential(ctx)
	if err != nil {
		return nil, err
	}
	authorization := ""
	if secret.Username != "" {
		authorization = basic(secret)
	}
	answer, err := session.retry(ctx, func(ctx context.Context) (*response, error) {
		return session.follow(ctx, outgoing{method: http.MethodGet, url: at, authorization: authorization, limit: limit, limited: limited})
	})
	if errors.Is(err, ErrNotFound) {
		return nil, refuseChart("there is no "+redact(at), ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return answer.body, nil
}
