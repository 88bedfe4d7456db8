package notation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// services are both ways to ask.
func services() map[string]func(*scene) {
	return map[string]func(*scene){
		"OCSP": func(*scene) {},
		"CRL": func(s *scene) {
			s.leaf.OCSP, s.leaf.CRL = nil, []string{"http://ocsp.example.com/crl"}
		},
	}
}

func TestRevocation_RevokedIsRefusedAndItsTwinAccepted(t *testing.T) {
	for name, arrange := range services() {
		t.Run(name, func(t *testing.T) {
			s, service := newScene(t), &notary.Revoker{}
			s.asking(service, local{service})
			arrange(s)
			statement := s.load()[0]
			good, _ := s.sign()
			if _, err := s.ask(statement, good); err != nil {
				t.Fatalf("the twin: %v", err)
			}
			bad, certificate := s.sign()
			service.Revoke(certificate)
			s.now = time.Now().Add(time.Hour) // so that no list is believed that was read before
			_, err := s.ask(s.load()[0], bad)
			var silent *plugin.StageError
			if err == nil || errors.As(err, &silent) || !strings.Contains(err.Error(), "is revoked") {
				t.Fatalf("%v, want that it is revoked", err)
			}
		})
	}
}

// answering is a service that gives one answer to everything.
func answering(status int, body []byte) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		writer.WriteHeader(status)
		_, _ = writer.Write(body)
	}
}

// No answer is undetermined, never "revoked" and never "good".
func TestRevocation_WithoutAnAnswerIsUndetermined(t *testing.T) {
	for name, row := range map[string]struct {
		arrange func(s *scene, service *notary.Revoker)
		reason  string
		lasting bool
	}{
		"a host that is not listed": {func(s *scene, _ *notary.Revoker) { s.config.Hosts = nil }, "trust.notation.revocation.hosts does not list", true},
		"another port": {func(s *scene, _ *notary.Revoker) {
			s.leaf.OCSP = []string{"http://ocsp.example.com:8080/ocsp"}
			s.leaf.CRL = nil // else the list would answer
		}, "does not list", true},
		"no way to ask": {func(s *scene, _ *notary.Revoker) { s.config.Transport = nil }, "there is no way to ask", true},
		"an address that is not public": {func(s *scene, _ *notary.Revoker) {
			s.config.Transport = failing{&plugin.Refusal{Rule: "registry/private-address", Message: "host ocsp.example.com has the address 10.0.0.1"}}
		}, "10.0.0.1", true},
		"a connection that fails": {func(s *scene, _ *notary.Revoker) { s.config.Transport = failing{errors.New("connection refused")} }, "connection refused", false},
		"an error": {func(_ *scene, service *notary.Revoker) {
			service.Answer = answering(http.StatusInternalServerError, nil)
		}, "500", false},
		"a redirect": {func(_ *scene, service *notary.Revoker) {
			service.Answer = func(writer http.ResponseWriter, request *http.Request) {
				http.Redirect(writer, request, "http://169.254.169.254/", http.StatusFound)
			}
		}, "302", false},
		"garbage":   {func(_ *scene, service *notary.Revoker) { service.Answer = answering(http.StatusOK, []byte("hello")) }, "does not say", false},
		"nothing":   {func(_ *scene, service *notary.Revoker) { service.Answer = answering(http.StatusOK, nil) }, "does not say", false},
		"too much":  {func(s *scene, service *notary.Revoker) { s.config.Limits.RevocationBytes = 10 }, "limit revocationBytes (10 bytes)", true},
		"no budget": {func(s *scene, _ *notary.Revoker) { s.config.Limits.RevocationRequests = 0 }, "limit revocationRequests", true},
		"somebody else's answer": {func(s *scene, service *notary.Revoker) {
			other, err := notary.NewAuthority("root", notary.Validity{})
			service.Authority = must(s.t, other, err)
		}, "does not say", false},
	} {
		for kind, chosen := range services() {
			t.Run(name+" by "+kind, func(t *testing.T) {
				s, service := newScene(t), &notary.Revoker{}
				s.asking(service, local{service})
				chosen(s)
				row.arrange(s, service)
				_, err := s.check()
				var silent *plugin.StageError
				if !errors.As(err, &silent) || silent.Lasting != row.lasting || !strings.Contains(err.Error(), row.reason) || strings.Contains(err.Error(), "ocsp.example.com/") {
					t.Fatalf("%v, want no answer (lasting %v) with %q", err, row.lasting, row.reason)
				}
			})
		}
	}
}

// One host in two spellings.
func TestRevocation_HostIsListedInAnySpelling(t *testing.T) {
	for _, address := range []string{"http://OCSP.example.com/ocsp", "http://ocsp.example.com:80/ocsp"} {
		s, service := newScene(t), &notary.Revoker{}
		s.asking(service, local{service})
		s.leaf.OCSP = []string{address}
		if _, err := s.check(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The list answers where the service does not.
func TestRevocation_ListAnswersWhereTheServiceDoesNot(t *testing.T) {
	s, service := newScene(t), &notary.Revoker{}
	s.asking(service, local{service})
	s.leaf.OCSP, s.leaf.CRL = []string{"http://silent.example.com/ocsp"}, []string{"http://ocsp.example.com/crl"}
	if _, err := s.check(); err != nil {
		t.Fatal(err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// A service that does not answer ends at the budget, or with the caller.
func TestRevocation_SilenceEndsAtTheBudgetOrWithTheCaller(t *testing.T) {
	forever := &notary.Revoker{Answer: func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() }}
	for name, row := range map[string]struct {
		seconds int64
		ctx     func(context.Context) context.Context
	}{
		"budget": {1, func(ctx context.Context) context.Context { return ctx }},
		"caller": {3600, func(ctx context.Context) context.Context {
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			return cancelled
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.asking(forever, local{forever})
			s.config.Limits.RevocationSeconds = row.seconds
			envelope, _ := s.sign()
			wanted := target()
			_, err := s.load()[0].Check(row.ctx(t.Context()), envelope, notation.Target{MediaType: wanted.MediaType, Digest: wanted.Digest, Size: wanted.Size})
			var silent *plugin.StageError
			if !errors.As(err, &silent) || silent.Lasting {
				t.Fatalf("%v, want no answer", err)
			}
		})
	}
}

// A signature that is refused for another reason is refused, whoever is silent.
func TestRevocation_SilenceHidesNoRefusal(t *testing.T) {
	s := newScene(t)
	s.leaf.OCSP = []string{"http://ocsp.example.com/ocsp"}
	s.options.Expiry = time.Now().Add(time.Hour)
	s.now = time.Now().Add(2 * time.Hour)
	_, err := s.check()
	var silent *plugin.StageError
	if err == nil || errors.As(err, &silent) || !strings.Contains(err.Error(), "expiry") {
		t.Fatalf("%v", err)
	}
}

// What the policy logs or skips: silence is a note, or nothing is asked.
func TestRevocation_LoggedAndSkipped(t *testing.T) {
	for action, notes := range map[string]int{"log": 1, "skip": 0} {
		s, service := newScene(t), &notary.Revoker{}
		s.asking(service, local{service})
		s.verification(`{"level": "strict", "override": {"revocation": "` + action + `"}}`)
		service.Answer = answering(http.StatusInternalServerError, nil)
		got, err := s.check()
		if err != nil || len(got.Notes) != notes {
			t.Errorf("%s: %+v, %v", action, got, err)
		}
		if asked := service.Asked(); (asked > 0) != (action == "log") {
			t.Errorf("%s: asked %d times", action, asked)
		}
	}
}

// The same question is asked once, a revoked one again each time.
func TestRevocation_GoodAnswersAreRemembered(t *testing.T) {
	for kind, chosen := range services() {
		s, service := newScene(t), &notary.Revoker{}
		s.asking(service, local{service})
		chosen(s)
		statement := s.load()[0]
		envelope, certificate := s.sign()
		for range 3 {
			if _, err := s.ask(statement, envelope); err != nil {
				t.Fatal(err)
			}
		}
		if asked := service.Asked(); asked != 1 {
			t.Errorf("%s: asked %d times, want once", kind, asked)
		}
		service.Revoke(certificate)
		if _, err := s.ask(s.load()[0], envelope); err == nil {
			t.Errorf("%s: another gate believes the answer", kind)
		}
	}
}

// The chain of a timestamp authority is asked about, too.
func TestRevocation_OfATimestampAuthority(t *testing.T) {
	arrange := func(revoked bool) (*scene, error) {
		s, service := newScene(t), &notary.Revoker{}
		stamping, err := notary.NewAuthority("stamping", notary.Validity{})
		must(t, stamping, err)
		service.Authority = stamping
		s.trust("tsa/acme-tsa", stamping)
		stamps, err := stamping.Issue(notary.Leaf{Name: "stamps", Timestamps: true, OCSP: []string{"http://ocsp.example.com/ocsp"}})
		s.options.Stamps = must(t, stamps, err)
		s.withStamps()
		s.config.Hosts, s.config.Transport = []string{"ocsp.example.com"}, local{service}
		if revoked {
			service.Revoke(stamps.Chain[0])
		}
		_, err = s.check()
		return s, err
	}
	if _, err := arrange(false); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	_, err := arrange(true)
	var silent *plugin.StageError
	if err == nil || errors.As(err, &silent) || !strings.Contains(err.Error(), "is revoked") {
		t.Fatalf("%v", err)
	}
}
