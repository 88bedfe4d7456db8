package gate

import (
	"os"
	"path/filepath"
	"testing"
)

// written is a folder with a gate that names a key, Notation's files and a folder
// of Rego.
func written(t *testing.T, changes map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	files := map[string]string{
		"gate.yaml":      "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: base}\nspec:\n  base: true\n  trust: {notation: {trustPolicy: policy.json, trustStore: store}}\n  judge: {rego: {files: [rego]}}\n  registries: [{host: r.example.com, credentials: {dockerConfig: login.json}}]\n",
		"trust.yaml":     "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: keys}\nspec:\n  images: [{glob: \"**\"}]\n  authorities: [{key: {file: key.pub}}]\n",
		"key.pub":        "the first key",
		"rego/deny.rego": "package main",
		"login.json":     "{}",
		"policy.json":    `{"version": "1.0"}`,

		"store/x509/ca/acme/root.pem": "the first authority",
		"rego/sub/all.rego":           "package main",
	}
	for name, text := range changes {
		files[name] = text
	}
	for name, text := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func digestOf(t *testing.T, folder string) string {
	t.Helper()
	config, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := config.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestDigest_ChangesWithEverythingThatDecidesAndWithNothingElse(t *testing.T) {
	original := digestOf(t, written(t, nil))
	if again := digestOf(t, written(t, nil)); again != original {
		t.Errorf("in another folder it is %s, was %s", again, original)
	}
	if again := digestOf(t, written(t, map[string]string{"login.json": `{"auths": {}}`, "README.md": "text"})); again != original {
		t.Errorf("with other credentials it is %s, was %s", again, original)
	}
	seen := map[string]string{original: "nothing"}
	for name, text := range map[string]string{
		"gate.yaml":   "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: base}\nspec:\n  base: true\n  profile: none\n  trust: {notation: {trustPolicy: policy.json, trustStore: store}}\n  judge: {rego: {files: [rego]}}\n  registries: [{host: r.example.com, credentials: {dockerConfig: login.json}}]\n",
		"key.pub":     "the second key",
		"policy.json": `{"version": "1.0", "trustPolicies": []}`,

		"store/x509/ca/acme/root.pem": "the second authority",
		"rego/deny.rego":              "package main # changed",
		"rego/more.rego":              "package main",
	} {
		digest := digestOf(t, written(t, map[string]string{name: text}))
		if other, known := seen[digest]; known {
			t.Errorf("changing %s gives the same digest as changing %s", name, other)
		}
		seen[digest] = name
	}
}

func TestDigest_FileThatIsGoneIsAnError(t *testing.T) {
	folder := written(t, nil)
	config, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "key.pub")); err != nil {
		t.Fatal(err)
	}
	if digest, err := config.Digest(); err == nil {
		t.Errorf("the digest without the key is %s", digest)
	}
}
