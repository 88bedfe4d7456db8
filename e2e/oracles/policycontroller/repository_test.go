package policycontroller

import (
	"bytes"
	"encoding/base64"
	"testing"
	"testing/fstest"
	"time"

	pctuf "github.com/sigstore/policy-controller/pkg/tuf"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// TestRepository_ThatPolicyControllerPacksIsReadByBoth packs a TUF repository by
// policy-controller's own packer, and reads it by its client and by ours.
func TestRepository_ThatPolicyControllerPacksIsReadByBoth(t *testing.T) {
	mirror, err := throwaway.NewMirror([]byte(`{"a": "trusted root"}`))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for name, data := range mirror.Files() {
		files["repository/"+name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	var packed bytes.Buffer
	if err := pctuf.CompressFS(files, &packed, map[string]bool{"keys": true, "staged": true}); err != nil {
		t.Fatal(err)
	}
	theirs, err := pctuf.ClientFromSerializedMirror(t.Context(), packed.Bytes(), mirror.Root(), "targets", "/repository/")
	if err != nil {
		t.Fatalf("policy-controller: %v", err)
	}
	if targets, err := theirs.Targets(); err != nil || len(targets) != 1 {
		t.Errorf("policy-controller: %v, %v", targets, err)
	}
	archive, err := tuf.NewArchive(base64.StdEncoding.EncodeToString(packed.Bytes()), plugin.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := tuf.Update(t.Context(), archive, tuf.Mirror{Name: "private", Root: mirror.Root(), Targets: "targets", Target: "trusted_root.json"}, nil, time.Now())
	if err != nil || string(ours.TrustedRoot) != `{"a": "trusted root"}` {
		t.Errorf("assay: %v, %v", ours, err)
	}
}
