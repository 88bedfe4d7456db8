package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// The limit on tries is one for the whole question: pings and tokens, which are
// tried again for themselves, do not multiply it.
func TestTries_AreNotMultipliedByWhatComesBeforeTheRequest(t *testing.T) {
	const retries = 3
	for name, test := range map[string]struct {
		path    string
		options ociserver.Options
		class   string
	}{
		"ping":    {"/v2/", ociserver.Options{}, ociserver.ClassPing},
		"token":   {"/token", ociserver.Options{Token: &ociserver.TokenAuth{User: "u", Password: "p"}}, ociserver.ClassToken},
		"request": {"/v2/app/manifests/v1", ociserver.Options{}, ociserver.ClassTag},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, test.options)
			pushImage(t, server, "app:v1")
			client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"retries": retries}) })
			server.SetFault(func(r *http.Request) *ociserver.Fault {
				if r.URL.Path == test.path || test.path == "/v2/" && strings.TrimSuffix(r.URL.Path, "/") == "/v2" {
					return &ociserver.Fault{Status: http.StatusInternalServerError}
				}
				return nil
			})
			server.ResetRequests()
			unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "500")
			if got := server.Count(test.class); got != retries+1 {
				t.Errorf("%d requests, want %d", got, retries+1)
			}
		})
	}
}

// A registry that asks for a little less than the limit, again and again, is
// waited for no longer than the limit in all. The twin asks for less, and is
// tried as often as the limit on tries says.
func TestTries_AllWaitsOfOneRequestStayBelowOneLimit(t *testing.T) {
	for name, test := range map[string]struct {
		path, after string
		class       string
		tries       int
		says        string
	}{
		"request, 59s each time": {"/manifests/v1", "59", ociserver.ClassTag, 2, "waited 59s already, as one request waits at most 1m0s (limit retryAfterSeconds)"},
		"request, 25s each time": {"/manifests/v1", "25", ociserver.ClassTag, 3, "waited 50s already"},
		"request, 61s":           {"/manifests/v1", "61", ociserver.ClassTag, 1, "not waited for, as one request waits at most 1m0s"},
		"ping, 59s each time":    {"/v2/", "59", ociserver.ClassPing, 2, "waited 59s already"},
		"token, 59s each time":   {"/token", "59", ociserver.ClassToken, 2, "waited 59s already"},
		"twin":                   {"/manifests/v1", "20", ociserver.ClassTag, 4, "to be asked again after 20s"},
	} {
		t.Run(name, func(t *testing.T) {
			server := tokenServer(t, nil)
			pushImage(t, server, "app:v1")
			client, clock := newClient(t, server, withCredential)
			server.SetFault(func(r *http.Request) *ociserver.Fault {
				if strings.HasSuffix(r.URL.Path, test.path) {
					return &ociserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: test.after}
				}
				return nil
			})
			server.ResetRequests()
			err := resolveOne(t, client, server.Host()+"/app:v1").Err
			unanswered(t, err, "registry throttled", test.says)
			if name == "twin" && strings.Contains(fmt.Sprint(err), "retryAfterSeconds") {
				t.Errorf("it was the tries that ended: %v", err)
			}
			if got := server.Count(test.class); got != test.tries {
				t.Errorf("%d tries, want %d", got, test.tries)
			}
			if waited := clock.sleptInAll(); waited > time.Minute {
				t.Errorf("it waited %s in all", waited)
			}
		})
	}
}

// What others of the same host were told to wait counts, too: a request that
// waited for them has that much less left.
func TestTries_WaitingForWhatOthersWereToldCounts(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"retries": 1}) })
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.URL.Path == "/v2/" {
			return nil
		}
		return &ociserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: "50"}
	})
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "registry throttled")
	first := clock.sleptInAll()
	clock.Pass(-40 * time.Second) // the other comes 10 seconds after the first was told
	server.ResetRequests()
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v2").Err, "waited 40s already")
	if waited := clock.sleptInAll() - first; waited > time.Minute || server.Count(ociserver.ClassTag) != 1 {
		t.Errorf("it waited %s and asked %d times", waited, server.Count(ociserver.ClassTag))
	}
}

// TestTries_OfWhichTheLastIsStoppedSayWhyTheFirstFailed: the time of all tries
// together may be over within the last, and "deadline exceeded" would be no
// reason that a person can act on.
func TestTries_OfWhichTheLastIsStoppedSayWhyTheFirstFailed(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Limits = limitsWith(t, map[string]int64{"requestSeconds": 1, "retries": 1, "retryAfterSeconds": 1})
		o.Sleep = func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done() // slept so long that the next try is over at once
			return nil
		}
	})
	server.SetFault(always(ociserver.Fault{Hang: true}))
	_, err := client.Referrers(t.Context(), server.Host()+"/app", digest)
	unanswered(t, err, "no answer within 1s (limit requestSeconds)")
	var told *plugin.StageError
	if !errors.As(err, &told) || !strings.Contains(told.Hint, "requestSeconds") {
		t.Errorf("the hint is %v", told)
	}
}
