package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assay-gitops/assay/plugin"
)

// Chart names one version of a Helm chart.
type Chart struct {
	// Repository is "oci://host/path" or the "https://host/path" of a chart
	// repository. It has no user and no query.
	Repository string
	Name       string
	Version    string // exact
	// Hosts are those that a repository's index may name for its archives
	// besides its own, as "archives.example.com" or with a port.
	Hosts []string
}

// ChartArchive is a packaged chart (.tgz) as it was published.
type ChartArchive struct {
	Bytes []byte
	// Manifest is the digest of the manifest that names the archive, Reference the
	// tag that it was found by; both are empty unless it came from a registry.
	Manifest  string
	Reference plugin.Reference
}

const stageChart = "chart"

// Chart fetches a packaged chart (.tgz) as it was published: from an OCI
// registry, the layer of the manifest that its version tags; from a chart
// repository, the archive that index.yaml names, with the digest that the index
// gives. A host that is asked may redirect to where it keeps the bytes; a
// credential does not go there. Errors are those of [Client.Manifest].
func (c *Client) Chart(ctx context.Context, chart Chart) (ChartArchive, error) {
	at, err := chart.address()
	if err != nil {
		return ChartArchive{}, err
	}
	if at.Scheme == "oci" {
		return c.chartFromRegistry(ctx, at, chart)
	}
	data, err := c.chartFromRepository(ctx, at, chart)
	return ChartArchive{Bytes: data}, explain(stageChart, redact(at)+" "+chart.Name+" "+chart.Version, err)
}

// The forms of a chart's name and version (Helm: the chart best practices;
// Semantic Versioning 2.0.0). Both become part of addresses.
var (
	chartNameForm    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,249}$`)
	chartVersionForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.+-]{0,127}$`)
)

// address checks everything that the chart's author wrote and that becomes
// part of an address.
func (c Chart) address() (*url.URL, error) {
	written := plugin.RedactURL(c.Repository)
	at, err := url.Parse(c.Repository)
	switch {
	case err != nil || at.Host == "" || at.Opaque != "":
		return nil, refuseChart(fmt.Sprintf("%.200q is not the address of a chart repository", written), nil)
	case at.User != nil || at.RawQuery != "" || at.ForceQuery || at.Fragment != "":
		return nil, refuseChart(fmt.Sprintf("the address %.200q has a user, a query or a fragment", written), nil)
	case !slices.Contains([]string{"oci", "https", "http"}, at.Scheme):
		return nil, refuseChart(fmt.Sprintf("%.200q has the scheme %q; charts come from oci:// and https://", written, at.Scheme), nil)
	case at.RawPath != "" || !isPlainPath(at):
		return nil, refuseChart(fmt.Sprintf("the address %.200q has a path that means another one", written), nil)
	case !chartNameForm.MatchString(c.Name):
		return nil, refuseChart(fmt.Sprintf("%.80q is not the name of a chart", c.Name), nil)
	case !chartVersionForm.MatchString(c.Version):
		return nil, refuseChart(fmt.Sprintf("%.80q is not the version of a chart", c.Version), nil)
	}
	return at, nil
}

// isPlainPath refuses paths that servers may read as another path: credentials
// are bound to the prefix of a path.
func isPlainPath(at *url.URL) bool {
	if strings.Count(at.EscapedPath(), "/") != strings.Count(at.Path, "/") {
		return false // an encoded slash
	}
	for segment := range strings.SplitSeq(strings.Trim(at.Path, "/"), "/") {
		odd := strings.ContainsFunc(segment, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`\%;?#`, r) })
		if odd || segment == "." || segment == ".." || segment == "" && strings.Trim(at.Path, "/") != "" {
			return false
		}
	}
	return true
}

func refuseChart(message string, cause error) error {
	return &plugin.Refusal{
		Rule: "chart/unavailable", Message: message, Cause: cause,
		Hint: "check the chart's name, version and repository, or vendor it by hand into charts/",
	}
}

// typeChart is the media type of a chart's layer (Helm, OCI support).
const typeChart = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

func (c *Client) chartFromRegistry(ctx context.Context, at *url.URL, chart Chart) (ChartArchive, error) {
	repository := at.Host + strings.TrimRight(at.Path, "/") + "/" + chart.Name
	// Names without a dot are parts of a path to some parsers: the host that
	// was allowed must be the one that is asked.
	host, err := name.NewRegistry(at.Host, name.StrictValidation)
	if err != nil {
		return ChartArchive{}, refuseChart(fmt.Sprintf("%.200q is not the name of a registry", at.Host), nil)
	}
	if place, err := c.place(ctx, repository); err == nil && place.session.host != host.RegistryStr() {
		return ChartArchive{}, refuseChart(fmt.Sprintf("%.200q is not the full name of a registry", at.Host), nil)
	}
	// "+" is not allowed in tags; Helm writes "_" in its place.
	tag := strings.ReplaceAll(chart.Version, "+", "_")
	manifest, err := c.Manifest(ctx, repository, tag)
	if errors.Is(err, ErrNotFound) {
		return ChartArchive{}, refuseChart(fmt.Sprintf("%s has no version %s of %s", redact(at), chart.Version, chart.Name), ErrNotFound)
	}
	if err != nil {
		return ChartArchive{}, err
	}
	var content struct {
		Layers []struct{ MediaType, Digest string }
	}
	if err := json.Unmarshal(manifest.Bytes, &content); err != nil {
		return ChartArchive{}, invalidAnswer("the manifest of chart "+repository, err)
	}
	for _, layer := range content.Layers {
		if layer.MediaType == typeChart {
			archive := ChartArchive{Manifest: manifest.Digest}
			if archive.Reference, err = plugin.ParseReference(repository + ":" + tag); err != nil {
				return ChartArchive{}, refuseChart(fmt.Sprintf("%.200q names no chart", repository+":"+tag), err)
			}
			archive.Bytes, err = c.Blob(ctx, repository, layer.Digest, c.limits.ArchiveBytes)
			return archive, err
		}
	}
	return ChartArchive{}, refuseChart(repository+":"+chart.Version+" is not a chart: no layer is a "+typeChart, nil)
}

func (c *Client) chartFromRepository(ctx context.Context, at *url.URL, chart Chart) ([]byte, error) {
	base := *at
	base.Path = strings.TrimRight(base.Path, "/") + "/"
	index, err := c.get(ctx, base.JoinPath("index.yaml"), c.limits.FileBytes, "fileBytes")
	if err != nil {
		return nil, err
	}
	entry, err := findChart(index, chart.Name, chart.Version)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuseChart(fmt.Sprintf("the index of %s has no version %s of %s", redact(at), chart.Version, chart.Name), ErrNotFound)
	case err != nil:
		return nil, invalidAnswer("the index of chart repository "+redact(at), err)
	case len(entry.URLs) == 0:
		return nil, refuseChart(fmt.Sprintf("the index of %s names no archive for version %s of %s", redact(at), chart.Version, chart.Name), nil)
	}
	archive, err := chart.archive(&base, entry.URLs[0])
	if err != nil {
		return nil, err
	}
	data, err := c.get(ctx, archive, c.limits.ArchiveBytes, "archiveBytes")
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, refuseChart(redact(archive)+" is empty", nil)
	}
	return data, checkArchive(data, entry.Digest, redact(archive))
}

// archive is where the index of a repository says that a chart is.
func (c Chart) archive(base *url.URL, written string) (*url.URL, error) {
	shown := fmt.Sprintf("the index of %s names %.200q", redact(base), plugin.RedactURL(written))
	at, err := base.Parse(written)
	switch {
	case err != nil || at.Host == "" || at.Opaque != "":
		return nil, refuseChart(shown+", which is not an address", nil)
	case at.User != nil:
		return nil, refuseChart(shown+", which has a user", nil)
	case at.Scheme != base.Scheme && at.Scheme != "https":
		return nil, refuseChart(shown+", which is not HTTPS; a repository that moved to a registry is written oci://", nil)
	case at.Host != base.Host && !slices.Contains(c.Hosts, at.Host):
		return nil, &plugin.Refusal{
			Rule: "chart/host", Message: fmt.Sprintf("%s, on %.200q, which no gate allows", shown, at.Host),
			Why:  "a chart is code that writes manifests",
			Hint: "vendor it into charts/ by hand, or let the platform team add the host to spec.charts.hosts of the gate",
		}
	case !isPlainPath(at):
		return nil, refuseChart(shown+", whose path means another one", nil)
	}
	return at, nil
}

// checkArchive compares the archive with the index's digest, where it has one.
func checkArchive(data []byte, digest, subject string) error {
	if digest == "" {
		return nil
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); !strings.EqualFold(got, strings.TrimPrefix(digest, "sha256:")) {
		return wrongDigest(subject, fmt.Sprintf("%.80q", digest), "sha256:"+got)
	}
	return nil
}

// get is [Client.read] for a chart repository.
func (c *Client) get(ctx context.Context, at *url.URL, limit int64, limited string) ([]byte, error) {
	if !c.mayAsk(at) {
		return nil, refuseChart(redact(at)+" is not HTTPS", nil)
	}
	data, err := c.read(ctx, at, limit, limited)
	if errors.Is(err, ErrNotFound) {
		return nil, refuseChart("there is no "+redact(at), ErrNotFound)
	}
	return data, err
}
