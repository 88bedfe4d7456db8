//go:build cloud

package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	ecrTestHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	ecrTestTime = 1_800_000_000
)

// fakeAWS stands in for AWS, which cannot be had in a test: it answers the one
// call that a registry token takes, and notes what was asked. It takes whatever
// key signs the request.
type fakeAWS struct {
	status int
	answer string
	asked  []string
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/") // key/day/region/service/aws4_request
	if len(parts) != 5 {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	f.asked = append(f.asked, parts[2]+" "+r.Header.Get("X-Amz-Target"))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(f.answer))
}

func startAWS(t *testing.T, fake *fakeAWS) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "not-to-be-told", "AWS_MAX_ATTEMPTS": "1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
	} {
		t.Setenv(name, value)
	}
	return server
}

func ecrUnderTest() ecrKeychain {
	return ecrKeychain{clock: func() time.Time { return time.Unix(ecrTestTime, 0) }}
}

func ecrAnswer(token string) string {
	return fmt.Sprintf(`{"authorizationData":[{"authorizationToken":%q,"expiresAt":%d,"proxyEndpoint":"https://%s"}]}`,
		base64.StdEncoding.EncodeToString([]byte(token)), ecrTestTime+12*3600, ecrTestHost)
}

func TestECR_TokenIsAskedInTheHostsRegion(t *testing.T) {
	fake := &fakeAWS{status: http.StatusOK, answer: ecrAnswer("AWS:secret")}
	startAWS(t, fake)
	got, validity, err := ecrUnderTest().Credential(t.Context(), ecrTestHost)
	if err != nil || got != (Credential{Username: "AWS", Password: "secret"}) || validity != 12*time.Hour {
		t.Errorf("got %#v for %s, %v", got, validity, err)
	}
	if want := "eu-west-1 AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"; len(fake.asked) != 1 || fake.asked[0] != want {
		t.Errorf("AWS was asked %q, want %q once", fake.asked, want)
	}
}

func TestECR_PublicGalleryHasATokenOfItsOwn(t *testing.T) {
	fake := &fakeAWS{status: http.StatusOK, answer: strings.NewReplacer("[", "", "]", "").Replace(ecrAnswer("AWS:secret"))}
	startAWS(t, fake)
	got, validity, err := ecrUnderTest().Credential(t.Context(), "public.ecr.aws")
	if err != nil || got != (Credential{Username: "AWS", Password: "secret"}) || validity != 12*time.Hour {
		t.Errorf("got %#v for %s, %v", got, validity, err)
	}
	if want := "us-east-1 SpencerFrontendService.GetAuthorizationToken"; len(fake.asked) != 1 || fake.asked[0] != want {
		t.Errorf("AWS was asked %q, want %q once", fake.asked, want)
	}
}

func TestECR_AnswerWithoutATokenIsAnError(t *testing.T) {
	for name, fake := range map[string]fakeAWS{
		"refused":          {http.StatusBadRequest, `{"__type":"AccessDeniedException","message":"no"}`, nil},
		"server error":     {http.StatusInternalServerError, `{}`, nil},
		"empty":            {http.StatusOK, `{}`, nil},
		"no data":          {http.StatusOK, `{"authorizationData":[]}`, nil},
		"no token":         {http.StatusOK, `{"authorizationData":[{"expiresAt":1800000000}]}`, nil},
		"no end":           {http.StatusOK, `{"authorizationData":[{"authorizationToken":"QVdTOnM="}]}`, nil},
		"token not base64": {http.StatusOK, `{"authorizationData":[{"authorizationToken":"!","expiresAt":1800000000}]}`, nil},
		"no password":      {http.StatusOK, ecrAnswer("AWS:"), nil},
		"no user":          {http.StatusOK, ecrAnswer("AWS"), nil},
		"not JSON":         {http.StatusOK, `<html>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			startAWS(t, &fake)
			got, _, err := ecrUnderTest().Credential(t.Context(), ecrTestHost)
			if err == nil || !got.IsZero() {
				t.Fatalf("got %#v, %v", got, err)
			}
			if !strings.Contains(err.Error(), ecrTestHost) || strings.Contains(err.Error(), "not-to-be-told") {
				t.Errorf("error %q", err)
			}
		})
	}
}

func TestECR_NoAnswerIsAnError(t *testing.T) {
	server := startAWS(t, &fakeAWS{status: http.StatusOK, answer: ecrAnswer("AWS:secret")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, _, err := ecrUnderTest().Credential(ctx, ecrTestHost); err == nil || !got.IsZero() {
		t.Errorf("cancelled: got %#v, %v", got, err)
	}
	server.Close()
	if got, _, err := ecrUnderTest().Credential(t.Context(), ecrTestHost); err == nil || !got.IsZero() {
		t.Errorf("down: got %#v, %v", got, err)
	}
}

func TestECR_AnotherHostIsRefusedWithoutARequest(t *testing.T) {
	fake := &fakeAWS{status: http.StatusOK, answer: ecrAnswer("AWS:secret")}
	startAWS(t, fake)
	if got, _, err := ecrUnderTest().Credential(t.Context(), "registry.example.com"); err == nil || !got.IsZero() {
		t.Errorf("got %#v, %v", got, err)
	}
	if len(fake.asked) != 0 {
		t.Errorf("AWS was asked %q", fake.asked)
	}
}
