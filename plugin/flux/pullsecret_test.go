package flux

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

const password = "hunter2"

func secretOf(kind corev1.SecretType, key, content string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "pull"},
		Type:       kind, Data: map[string][]byte{key: []byte(content)},
	}
}

func auth(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }

// TestReadPullSecret_WhatTheKubeletReadsIsRead in both types, whichever way it
// is written.
func TestReadPullSecret_WhatTheKubeletReadsIsRead(t *testing.T) {
	entry := fmt.Sprintf(`{"auth":%q}`, auth("puller:"+password))
	for name, test := range map[string]struct {
		kind    corev1.SecretType
		key     string
		content string
		want    string
	}{
		"by auth":              {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"registry.example.com":` + entry + `}}`, "registry.example.com"},
		"by user and password": {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"registry.example.com:5000":{"username":"puller","password":"hunter2","email":"x"}}}`, "registry.example.com:5000"},
		"with a path":          {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"https://registry.example.com/v2/team-a/":` + entry + `}}`, "registry.example.com/team-a"},
		"Docker Hub":           {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"https://index.docker.io/v1/":` + entry + `}}`, "index.docker.io"},
		"Docker Hub, short":    {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"docker.io":` + entry + `}}`, "index.docker.io"},
		"the older type":       {corev1.SecretTypeDockercfg, ".dockercfg", `{"registry.example.com":` + entry + `}`, "registry.example.com"},
	} {
		tenant, err := ReadPullSecret(secretOf(test.kind, test.key, test.content))
		if err != nil || tenant.Name != "team-a/pull" || len(tenant.Credentials) != 1 || len(tenant.Ignored) != 0 {
			t.Errorf("%s: %v %v", name, tenant, err)
			continue
		}
		got := tenant.Credentials[0]
		if got.Repositories.String() != test.want || got.Credential.Username != "puller" || got.Credential.Password != password {
			t.Errorf("%s: %s is for %s", name, got.Credential.Username, got.Repositories)
		}
	}
}

func TestReadPullSecret_WhatCannotBeReadIsRefusedWithoutItsContent(t *testing.T) {
	good := `{"auths":{"registry.example.com":{"username":"puller","password":"hunter2"}}}`
	const kind, key = corev1.SecretTypeDockerConfigJson, ".dockerconfigjson"
	for name, test := range map[string]struct {
		secret *corev1.Secret
		says   string
	}{
		"another type":            {secretOf(corev1.SecretTypeOpaque, key, good), `of the type "Opaque"`},
		"no type":                 {secretOf("", key, good), `of the type ""`},
		"another key":             {secretOf(kind, "config.json", good), "nothing under .dockerconfigjson"},
		"the key of the older":    {secretOf(kind, ".dockercfg", good), "nothing under .dockerconfigjson"},
		"empty":                   {secretOf(kind, key, ""), "nothing under .dockerconfigjson"},
		"too large":               {secretOf(kind, key, strings.Repeat(" ", maxPullSecret)+good), "larger than 1048576 bytes"},
		"cut short":               {secretOf(kind, key, good[:len(good)-5]), "not JSON at byte"},
		"no JSON":                 {secretOf(kind, key, password), "not JSON at byte"},
		"no object":               {secretOf(kind, key, `["hunter2"]`), "is not a credential"},
		"auths is no object":      {secretOf(kind, key, `{"auths":"hunter2"}`), "is not a credential"},
		"an entry is no object":   {secretOf(kind, key, `{"auths":{"registry.example.com":"hunter2"}}`), "the entry of registry.example.com is no credential"},
		"auth is no base64":       {secretOf(kind, key, `{"auths":{"registry.example.com":{"auth":"hunter2!"}}}`), "the entry of registry.example.com is no credential"},
		"auth without a password": {secretOf(kind, key, `{"auths":{"registry.example.com":{"auth":"`+auth(password)+`"}}}`), "the entry of registry.example.com is no credential"},
		"nothing in it":           {secretOf(kind, key, `{"auths":{}}`), "no credential under auths"},
		"null":                    {secretOf(kind, key, `null`), "no credential under auths"},
		"helpers alone":           {secretOf(kind, key, `{"credHelpers":{"registry.example.com":"hunter2"}}`), "no credential under auths"},
		"too many":                {secretOf(kind, key, `{"auths":{`+strings.TrimSuffix(manyEntries(101), ",")+`}}`), "101 entries, and at most 100"},
	} {
		_, err := ReadPullSecret(test.secret)
		var told *trouble
		if !errors.As(err, &told) || told.reason != reasonValuesFailed || told.next != nextDependency || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "team-a/pull") {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprintf("%v %+v", err, told); strings.Contains(text, password) || strings.Contains(text, "puller") || strings.Contains(text, auth(password)) {
			t.Errorf("%s: the error shows the Secret: %s", name, text)
		}
	}
	if _, err := ReadPullSecret(secretOf(kind, key, good)); err != nil {
		t.Errorf("a twin: %v", err)
	}
}

func manyEntries(count int) string {
	var out strings.Builder
	for i := range count {
		fmt.Fprintf(&out, `"r%d.example.com":{"username":"puller","password":"hunter2"},`, i)
	}
	return out.String()
}

// TestReadPullSecret_WhatIsPassedOverIsTold and what is beside it is used.
func TestReadPullSecret_WhatIsPassedOverIsTold(t *testing.T) {
	const entry = `{"username":"puller","password":"hunter2"}`
	for name, test := range map[string]struct{ more, says string }{
		"credHelpers":        {`},"credHelpers":{"gcr.io":"hunter2"`, "no program is run"},
		"credsStore":         {`},"credsStore":"hunter2","x":{`, "no program is run"},
		"an empty entry":     {`,"other.example.com":{}`, "the entry of other.example.com, which is empty"},
		"a pattern":          {`,"*.hunter2.com":` + entry, "a pattern"},
		"no host":            {`,"puller:hunter2@example.com":` + entry, "no host"},
		"a path with dots":   {`,"registry.example.com/a/../hunter2":` + entry, "no host, with or without a path"},
		"the same otherwise": {`,"https://registry.example.com":` + entry, "another entry of registry.example.com"},
	} {
		tenant, err := ReadPullSecret(secretOf(corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"registry.example.com":`+entry+test.more+`}}`))
		if err != nil || len(tenant.Credentials) != 1 || len(tenant.Ignored) != 1 || !strings.Contains(tenant.Ignored[0], test.says) {
			t.Errorf("%s: %v %+v", name, err, tenant)
			continue
		}
		if tenant.Credentials[0].Credential.Password != password || strings.Contains(tenant.Ignored[0], password) {
			t.Errorf("%s: %q", name, tenant.Ignored)
		}
	}
}

func FuzzReadPullSecret(f *testing.F) {
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":{"auth":"cDpx"}}}`))
	f.Add([]byte(`{"auths":{"[::1]:5000/a":{"identitytoken":"x"}},"credsStore":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tenant, err := ReadPullSecret(secretOf(corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", string(data)))
		if (err == nil) != (tenant != nil && len(tenant.Credentials) > 0) {
			t.Errorf("%v %v", tenant, err)
		}
	})
}

// TestReconcile_PullSecretThatCannotBeReadIsNoDenial: what is published stays,
// also with Withdraw. One that is missing or no pull secret is looked for again
// soon, as creating or mending it changes nothing of the GatedSource; a name that
// is none, as of another namespace's Secret, waits for a change of the
// GatedSource.
func TestReconcile_PullSecretThatCannotBeReadIsNoDenial(t *testing.T) {
	good := `{"auths":{"registry.example.com":{"username":"puller","password":"hunter2"}}}`
	for name, test := range map[string]struct {
		secret  *corev1.Secret
		named   string
		says    string
		stalled bool
	}{
		"missing":              {nil, "pull", "create it, or take spec.pullSecretRef out", false},
		"of another type":      {secretOf(corev1.SecretTypeOpaque, ".dockerconfigjson", good), "pull", "kubectl create secret docker-registry", false},
		"broken":               {secretOf(corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":"hunter2"}`), "pull", "is not a credential", false}, // what is no JSON the API server does not store
		"of another namespace": {nil, "team-b/pull", "name one of namespace team-a", true},
		"good":                 {secretOf(corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", good), "pull", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.source("main@sha1:aaa", oneFile())
			s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.OnDenied = v1alpha1.Withdraw })
			s.settle()
			if test.secret != nil {
				if err := s.Client.Create(t.Context(), test.secret); err != nil {
					t.Fatal(err)
				}
			}
			object := s.object()
			object.Spec.PullSecretRef = &meta.LocalObjectReference{Name: test.named}
			if err := s.Client.Update(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
			result := s.settle()
			if test.says == "" {
				if s.says(metav1.ConditionTrue, meta.SucceededReason); s.published() != "main@sha1:bbb" {
					t.Error(s.published())
				}
				return
			}
			s.says(metav1.ConditionFalse, reasonValuesFailed, test.named, test.says, "main@sha1:aaa stays")
			if s.published() != "main@sha1:aaa" || s.judge.asked != 1 || conditions.IsStalled(s.object()) != test.stalled {
				t.Errorf("published %q, %d asked: %+v", s.published(), s.judge.asked, s.object().Status.Conditions)
			}
			if soon := result.RequeueAfter == s.RequeueDependency; soon == test.stalled {
				t.Errorf("again after %s", result.RequeueAfter)
			}
		})
	}
}
