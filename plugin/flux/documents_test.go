package flux

import (
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestKustomized_KustomizeReadsEveryObject builds what is published as Flux's
// kustomize-controller does.
func TestKustomized_KustomizeReadsEveryObject(t *testing.T) {
	const (
		first  = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}` + "\n" + `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two"}}` + "\n"
		second = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"three"},"data":{"text":"---\n"}}` + "\n"
	)
	for want, seals := range map[int][][]byte{2: {[]byte(first)}, 3: {[]byte(first), []byte(second)}} {
		files, err := kustomized(seals)
		if err != nil {
			t.Fatal(err)
		}
		disk := filesys.MakeFsInMemory()
		for name, data := range files {
			if err := disk.WriteFile("/"+name, data); err != nil {
				t.Fatal(err)
			}
		}
		made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "/")
		if err != nil {
			t.Fatal(err)
		}
		if made.Size() != want {
			t.Errorf("of %d objects, kustomize reads %d: %v", want, made.Size(), made.AllIds())
		}
	}
}
