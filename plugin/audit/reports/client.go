package reports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Client asks a sidecar's store.
type Client struct {
	// Base is the store's address: "http://assay-reports.argocd:8087".
	Base string
	// Token gives the bearer token.
	Token func() (string, error)
	// HTTP is the client; nil waits 30 seconds for an answer.
	HTTP *http.Client
}

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 64 << 20

// ErrUnknown is the answer about what no sidecar has heard of.
var ErrUnknown = errors.New("nothing is known of it")

// NewClient checks an address.
func NewClient(base string, token func() (string, error)) (*Client, error) {
	parsed, err := url.Parse(base)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil {
		return nil, fmt.Errorf("reading the address of the report store: %q is no http(s)://host:port", plugin.RedactURL(base))
	}
	return &Client{Base: strings.TrimRight(base, "/"), Token: token}, nil
}

// Page asks for a page of applications: of so many at most, behind the id that
// the page before gave, with their records or without.
func (c *Client) Page(ctx context.Context, limit int, after string, records bool) (Page, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	if records {
		query.Set("records", "true")
	}
	return get[Page](ctx, c, "/api/v1/applications", query)
}

// Find asks for the applications of a name, in whatever project.
func (c *Client) Find(ctx context.Context, application string) (Page, error) {
	return get[Page](ctx, c, "/api/v1/applications", url.Values{"application": {application}})
}

// Last asks for the last verdict of an application; an empty project is one that
// was not told.
func (c *Client) Last(ctx context.Context, project, application string) (Last, error) {
	return get[Last](ctx, c, lastPath(project, application), nil)
}

// History asks for an application's verdicts, the newest first.
func (c *Client) History(ctx context.Context, project, application string) (History, error) {
	return get[History](ctx, c, lastPath(project, application)+"/history", nil)
}

// Sealed asks for the manifests of an allowed verdict, see [Store.Sealed].
func (c *Client) Sealed(ctx context.Context, project, application, digest string) ([]byte, error) {
	answer, err := get[manifests](ctx, c, lastPath(project, application)+"/sealed/"+url.PathEscape(digest), nil)
	return []byte(answer.Manifests), err
}

// get asks one question.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (answer T, err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrUnknown) {
			err = fmt.Errorf("asking the report store: %w", err)
		}
	}()
	token, err := c.Token()
	if err != nil {
		return answer, err
	}
	address := c.Base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // the operator names the address
	if err != nil {
		return answer, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}
	}
	response, err := client.Do(request) //nolint:gosec // see above
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }() // it is read whole or not used
	return read[T](response)
}

// stay follows no redirect: the token is for one address.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// read takes an answer only when it is one: whole, JSON, and with the fields that
// it always has.
func read[T any](response *http.Response) (answer T, err error) {
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
	case err != nil:
		return answer, err
	case len(data) > mostAnswer:
		return answer, fmt.Errorf("its answer is larger than %d bytes", mostAnswer)
	case kind != "application/json":
		return answer, fmt.Errorf("it answers %s, and not in JSON: something else listens there", response.Status)
	}
	if response.StatusCode != http.StatusOK {
		var told failure
		_ = json.Unmarshal(data, &told) // without words the status says it
		if response.StatusCode == http.StatusNotFound {
			return answer, fmt.Errorf("%w: %s", ErrUnknown, report.Neutral(told.Error))
		}
		return answer, fmt.Errorf("it answers %s: %s", response.Status, report.Neutral(told.Error))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return answer, fmt.Errorf("reading its answer: %w", err)
	}
	for _, field := range fieldsOf(any(answer)) {
		if len(fields[field]) == 0 || string(fields[field]) == "null" {
			return answer, fmt.Errorf("its answer has no %q: it is of another version", field)
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, fmt.Errorf("reading its answer: %w", err)
	}
	return answer, nil
}

// fieldsOf are the fields that an answer always has.
func fieldsOf(answer any) []string {
	switch answer.(type) {
	case Page:
		return []string{"applications", "gates", "silent"}
	case Last:
		return []string{"record", "records", "silent"}
	case History:
		return []string{"records", "silent"}
	case manifests:
		return []string{"manifests"}
	}
	return nil
}
