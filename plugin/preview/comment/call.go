package comment

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// tries bounds the calls for one request, and longestWait the time between
	// two.
	tries       = 4
	longestWait = 30 * time.Second
	// mostAnswer bounds what is read of an answer, in bytes: a hundred comments of
	// the longest kind.
	mostAnswer = 128 << 20
)

// projectName is what may stand in a path without being escaped.
var projectName = regexp.MustCompile(`^\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*(/\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$`)

// check refuses a target that would send the token somewhere else.
func (t Target) check() error {
	at, err := url.Parse(t.API)
	switch {
	case err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return errors.New("the address of the interface is none; it looks like https://api.github.com or https://gitlab.example.com/api/v4")
	case at.Scheme != "https" && !(at.Scheme == "http" && isLoopback(at.Hostname())):
		return fmt.Errorf("%s is not https, and the token would be readable on the way", plugin.RedactURL(t.API))
	case t.Token == "":
		return errors.New("there is no token; set GITHUB_TOKEN, or GITLAB_TOKEN with the scope api")
	case !projectName.MatchString(t.Project):
		return fmt.Errorf("%q is no project; it looks like owner/name", t.Project)
	case t.Number < 1:
		return errors.New("no pull request is known; run it for a pull request, or name its number")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// caller calls one service.
type caller struct {
	Poster
	target Target
	name   string
}

type request struct {
	method, path string
	body         any
}

// refusal is an answer that is no success.
type refusal struct {
	status  int
	message string
	after   time.Duration
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("the answer is %d %s", r.status, http.StatusText(r.status))
	if r.message != "" {
		text += ": " + r.message
	}
	switch r.status {
	case http.StatusUnauthorized:
		return text + "; the token is wrong or has ended"
	case http.StatusForbidden:
		return text + "; give the job the permission to write to pull requests (GitHub: pull-requests: write; a fork's token cannot have it; GitLab: a token with the scope api)"
	case http.StatusNotFound:
		return text + "; the project or the pull request is not there, or the token may not see it"
	case http.StatusUnprocessableEntity:
		return text + "; the service takes no such comment"
	}
	return text
}

// heals reports whether another try may succeed.
func (r *refusal) heals() bool {
	return r.status == http.StatusTooManyRequests || r.status >= 500 || r.status == http.StatusForbidden && r.after > 0
}

// call makes one request, and again where that may help. A comment whose answer
// was lost may have been posted: a lost POST is not repeated.
func (c caller) call(ctx context.Context, asked request, into any) error {
	for try := 1; ; try++ {
		err := c.once(ctx, asked, into)
		var refused *refusal
		answered := errors.As(err, &refused)
		if err == nil || answered && !refused.heals() || !answered && asked.method == http.MethodPost || try == tries {
			return err
		}
		wait := time.Duration(1<<try) * time.Second
		if answered {
			wait = min(cmp.Or(refused.after, wait), longestWait)
		}
		if stopped := c.wait(ctx, wait); stopped != nil {
			return errors.Join(err, stopped)
		}
	}
}

func (c caller) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (c caller) once(ctx context.Context, asked request, into any) error {
	made, err := c.request(ctx, asked)
	if err != nil {
		return err
	}
	answer, err := c.client().Do(made)
	if err != nil {
		return hideAddress(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer: %w", hideAddress(err))
	case len(data) > mostAnswer:
		return fmt.Errorf("reading the answer: more than %d bytes", mostAnswer)
	case answer.StatusCode >= 300:
		return newRefusal(answer, data)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the answer: %w; is %s the address of the interface?", err, plugin.RedactURL(c.target.API))
	}
	return nil
}

func (c caller) request(ctx context.Context, asked request) (*http.Request, error) {
	var body io.Reader
	if asked.body != nil {
		data, err := json.Marshal(asked.body)
		if err != nil {
			return nil, fmt.Errorf("writing the comment: %w", err)
		}
		body = bytes.NewReader(data)
	}
	made, err := http.NewRequestWithContext(ctx, asked.method, strings.TrimRight(c.target.API, "/")+asked.path, body)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	made.Header.Set("User-Agent", "assay")
	made.Header.Set("Accept", "application/json")
	if asked.body != nil {
		made.Header.Set("Content-Type", "application/json")
	}
	if c.name == "gitlab" {
		made.Header.Set("PRIVATE-TOKEN", c.target.Token)
		return made, nil
	}
	made.Header.Set("Authorization", "Bearer "+c.target.Token)
	made.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	return made, nil
}

// client follows no redirect: the token is for one host.
func (c caller) client() *http.Client {
	client := &http.Client{Timeout: 30 * time.Second}
	if c.Client != nil {
		copied := *c.Client
		client = &copied
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// newRefusal reads what a service says of itself, in one bounded line.
func newRefusal(answer *http.Response, data []byte) *refusal {
	refused := &refusal{status: answer.StatusCode}
	var said struct {
		Message any    `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(data, &said) == nil {
		refused.message = plugin.RedactText(short(cmp.Or(textOf(said.Message), said.Error)))
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		refused.after = time.Duration(min(seconds, 3600)) * time.Second
	}
	return refused
}

func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	}
	return plugin.Compact(value)
}

func short(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// hideAddress drops the address of an error of a request: the caller names what
// was asked.
func hideAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
