package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func smallAllowance() allowance {
	return newAllowance(limits{plugin.Limits{Layers: 10, LayerBytes: 1 << 20, LayerUnpackedBytes: 1 << 20, LayerEntries: 100, PasswdBytes: 1 << 10}})
}

// FuzzReadLayer: whatever a layer is, reading it ends, keeps no more than it
// may, and knows only what was asked for.
func FuzzReadLayer(f *testing.F) {
	var plain bytes.Buffer
	writer := tar.NewWriter(&plain)
	for _, header := range []tar.Header{{Name: "etc/", Typeflag: tar.TypeDir}, {Name: "etc/.wh.passwd"}, {Name: "etc/.wh..wh..opq"}, {Name: "etc/passwd", Typeflag: tar.TypeSymlink, Linkname: "../x"}} {
		if err := writer.WriteHeader(&header); err != nil {
			f.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(plain.Bytes())
	var packed bytes.Buffer
	compress := gzip.NewWriter(&packed)
	_, _ = compress.Write(plain.Bytes())
	_ = compress.Close()
	f.Add(packed.Bytes())
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00})
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		want := wanted{}
		s := seek("etc/passwd", 1<<10)
		s.ask(want)
		left := smallAllowance()
		has, err := readLayer(bytes.NewReader(data), want, &left)
		if err != nil && (has.entries != nil || err.Error() == "") {
			t.Errorf("%v with %v", err, has)
		}
		for name, entry := range has.entries {
			if _, asked := want[name]; !asked || len(entry.content) > 1<<10+1 {
				t.Errorf("%q is kept, with %d bytes", name, len(entry.content))
			}
		}
		if err == nil {
			s.look("layer", has)
		}
		if s.link != "" && (strings.HasPrefix(s.next, "/") || strings.HasPrefix(s.next, "..")) {
			t.Errorf("the link leads to %q", s.next)
		}
	})
}

// FuzzAccounts: a number is one that a user can have, or -1.
func FuzzAccounts(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\n\nnginx:x:101\n:::\n"))
	f.Add([]byte("a:b:99999999999999999999:-1:"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := accounts(data)
		if err != nil {
			return
		}
		for _, each := range all {
			if each.id < -1 || each.id > 1<<31-1 || each.group < -1 || each.group > 1<<31-1 || strings.Contains(each.name, ":") {
				t.Errorf("%+v", each)
			}
			if first, found := accountNamed(all, each.name); !found || first.name != each.name || accountNumbered(all, each.id).id != each.id {
				t.Errorf("%+v is not found again", each)
			}
		}
	})
}

func TestLaunch_ProgramsAreFewWhateverTheCommand(t *testing.T) {
	many := launch{user: "nginx", words: strings.Fields(strings.Repeat("word ", 1000)), path: strings.Repeat("/bin:", 1000)}
	for i := range many.words {
		many.words[i] += strings.Repeat("x", i%3)
	}
	if got := len(many.programs()); got == 0 || got > mostWords*mostPlaces*2 {
		t.Errorf("%d programs are looked for", got)
	}
	if got := (launch{words: []string{"", "-x", "a b", "./a", "dir/a", strings.Repeat("x", 300)}, path: "/bin"}).programs(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	long := launch{words: []string{"app"}, path: strings.Repeat("/a", 1000) + ":/bin"}
	if got := long.programs(); len(got) != 2 || got[0].path != "bin/app" {
		t.Errorf("a folder of 2,000 bytes is looked into: %d places", len(got))
	}
}
