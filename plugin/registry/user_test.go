package registry_test

import (
	"archive/tar"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layersOf are layers of files, from the bottom up.
func layersOf(t testing.TB, each ...[]file) []v1.Layer {
	t.Helper()
	var layers []v1.Layer
	for _, files := range each {
		layers = append(layers, layer(t, files...))
	}
	return layers
}

func TestUser_NameHasTheNumberOfTheImagesOwnPasswd(t *testing.T) {
	base, other := passwd(rootLine+nginxLine), passwd(rootLine+"nginx:x:202:202::/:/bin/sh\n")
	app := file{name: "app", content: "program"}
	for name, test := range map[string]struct {
		user   string
		layers [][]file
		id     int64
		from   int // the layer that says it
	}{
		"in the only layer":               {"nginx", [][]file{{base}}, 101, 0},
		"a later layer says nothing":      {"nginx", [][]file{{base}, {app}}, 101, 0},
		"a later layer wins":              {"nginx", [][]file{{base}, {other}, {app}}, 202, 1},
		"a later entry wins":              {"nginx", [][]file{{base, other}}, 202, 0},
		"written with a dot":              {"nginx", [][]file{{{name: "./etc/passwd", content: nginxLine}}}, 101, 0},
		"written with a slash":            {"nginx", [][]file{{{name: "/etc/passwd", content: nginxLine}}}, 101, 0},
		"root there":                      {"admin", [][]file{{passwd("admin:x:0:0::/:/bin/sh\n")}}, 0, 0},
		"of two lines the first":          {"nginx", [][]file{{passwd(nginxLine + "nginx:x:0:0::/:/\n")}}, 101, 0},
		"blanks and comments":             {"nginx", [][]file{{passwd("\n# nginx:x:0:0\n  " + nginxLine)}}, 101, 0},
		"no newline at the end":           {"nginx", [][]file{{passwd(strings.TrimSpace(nginxLine))}}, 101, 0},
		"a folder above a folder":         {"nginx", [][]file{{base}, {folder("etc"), {name: "etc/hosts"}}}, 101, 0},
		"removed, and made again":         {"nginx", [][]file{{base}, {{name: "etc/.wh.passwd"}}, {other}}, 202, 2},
		"opaque, and there in that layer": {"nginx", [][]file{{base}, {{name: "etc/.wh..wh..opq"}, other}}, 202, 1},
		"a neighbour is removed":          {"nginx", [][]file{{base}, {{name: "etc/.wh.group"}, {name: "usr/.wh..wh..opq"}, {name: "usr/etc/.wh.passwd"}}}, 101, 0},
		"a link beside it":                {"nginx", [][]file{{{name: "etc/users", content: nginxLine}, symlink("etc/passwd", "users")}}, 101, 0},
		"a link from the root":            {"nginx", [][]file{{{name: "lib/users", content: nginxLine}, symlink("etc/passwd", "/lib/users")}}, 101, 0},
		"a link up and down":              {"nginx", [][]file{{{name: "lib/users", content: nginxLine}, symlink("etc/passwd", "../lib/./users")}}, 101, 0},
		"a link that stays inside":        {"nginx", [][]file{{{name: "lib/users", content: nginxLine}, symlink("etc/passwd", "../../../lib/users")}}, 101, 0},
		"a link in another layer":         {"nginx", [][]file{{{name: "lib/users", content: nginxLine}}, {symlink("etc/passwd", "/lib/users")}}, 101, 0},
		"a link to a layer above":         {"nginx", [][]file{{symlink("etc/passwd", "/lib/users")}, {{name: "lib/users", content: nginxLine}}}, 101, 1},
		"a link as the folder":            {"nginx", [][]file{{symlink("etc", "usr/etc"), {name: "usr/etc/passwd", content: nginxLine}}}, 101, 0},
		"a link to a link":                {"nginx", [][]file{{symlink("etc/passwd", "a"), symlink("etc/a", "b"), {name: "etc/b", content: nginxLine}}}, 101, 0},
		"the user's own group by name":    {"nginx:www", [][]file{{base, {name: "etc/group", content: "root:x:0:\nwww:x:101:\n"}}}, 101, 0},
		"the user's own group by number":  {"nginx:101", [][]file{{base}}, 101, 0},
		"a folder that hides a link":      {"nginx", [][]file{{symlink("etc", "usr/etc")}, {folder("etc"), base}}, 101, 1},
	} {
		t.Run(name, func(t *testing.T) {
			layers := layersOf(t, test.layers...)
			config, findings := known(t, v1.Config{User: test.user}, layers...)
			if len(findings) != 0 || config.Named == nil {
				t.Fatalf("got %+v, %+v", config.Named, findings)
			}
			if got := *config.Named; got.ID != test.id || got.Unknown != "" || got.Differs != "" || got.Layer != digestOfLayer(t, layers[test.from]) {
				t.Errorf("got %+v, want %d of layer %d", got, test.id, test.from)
			}
		})
	}
}

func TestUser_UnknownWithTheReason(t *testing.T) {
	base := passwd(rootLine + nginxLine)
	for name, test := range map[string]struct {
		user   string
		layers [][]file
		says   string
	}{
		"no layers":                          {"nginx", nil, "/etc/passwd does not exist"},
		"not in passwd":                      {"apache", [][]file{{base}}, `/etc/passwd has no user "apache"`},
		"no passwd":                          {"nginx", [][]file{{{name: "app"}}}, "does not exist"},
		"passwd removed":                     {"nginx", [][]file{{base}, {{name: "etc/.wh.passwd"}}}, "does not exist"},
		"etc removed":                        {"nginx", [][]file{{base}, {{name: ".wh.etc"}}}, "does not exist"},
		"etc opaque":                         {"nginx", [][]file{{base}, {{name: "etc/.wh..wh..opq"}}}, "does not exist"},
		"all opaque":                         {"nginx", [][]file{{base}, {{name: ".wh..wh..opq"}}}, "does not exist"},
		"etc is a file":                      {"nginx", [][]file{{base}, {{name: "etc"}}}, "does not exist"},
		"a folder over the link that led on": {"nginx", [][]file{{symlink("etc", "usr/etc"), {name: "usr/etc/passwd", content: nginxLine}}, {folder("etc")}}, "does not exist"},
		"there and removed in one layer":     {"nginx", [][]file{{base, {name: "etc/.wh.passwd"}}}, "both has /etc/passwd and removes it"},
		"there, and its folder removed":      {"nginx", [][]file{{{name: ".wh.etc"}, base}}, "both has /etc/passwd and removes it"},
		"a folder named passwd":              {"nginx", [][]file{{base}, {folder("etc/passwd")}}, "is a directory"},
		"a hard link":                        {"nginx", [][]file{{{name: "etc/users", content: nginxLine}, {name: "etc/passwd", kind: tar.TypeLink, link: "etc/users"}}}, "is a hard link"},
		"a device":                           {"nginx", [][]file{{{name: "etc/passwd", kind: tar.TypeChar}}}, "is no plain file"},
		"a link to nothing":                  {"nginx", [][]file{{symlink("etc/passwd", "/run/users")}}, "does not exist"},
		"a link to itself":                   {"nginx", [][]file{{symlink("etc/passwd", "passwd")}}, "more than 5 links"},
		"links in a ring":                    {"nginx", [][]file{{symlink("etc/passwd", "a"), symlink("etc/a", "passwd")}}, "more than 5 links"},
		"a link through another place":       {"nginx", [][]file{{symlink("etc/passwd", "../a/../users")}}, "a link through another place"},
		"a number that is none":              {"nginx", [][]file{{passwd("nginx:x:abc:101::/:/\n")}}, "no number"},
		"a number below 0":                   {"nginx", [][]file{{passwd("nginx:x:-5:101::/:/\n")}}, "no number"},
		"a number above 31 bits":             {"nginx", [][]file{{passwd("nginx:x:2147483648:101::/:/\n")}}, "no number"},
		"a line that is cut short":           {"nginx", [][]file{{passwd("nginx\n")}}, "no number"},
		"a line without an end":              {"nginx", [][]file{{passwd(strings.Repeat("x", 70000) + "\n" + nginxLine)}}, "too long"},
		"a group that is not in the image":   {"nginx:www", [][]file{{base, {name: "etc/group", content: "root:x:0:\n"}}}, `/etc/group has no group "www"`},
		"a group, and no file of groups":     {"nginx:www", [][]file{{base}}, "/etc/group does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			config, findings := known(t, v1.Config{User: test.user}, layersOf(t, test.layers...)...)
			if len(findings) != 0 || config.Named == nil {
				t.Fatalf("got %+v, %+v", config.Named, findings)
			}
			if got := *config.Named; !strings.Contains(got.Unknown, test.says) || got.ID != 0 || got.NoAnswer {
				t.Errorf("got %+v, want %q", got, test.says)
			}
		})
	}
}

func TestUser_NumberThatIsNotTheSameAsTheName(t *testing.T) {
	for name, test := range map[string]struct{ user, passwd, says string }{
		"another group by number":     {"nginx:33", nginxLine, `"33"`},
		"another group by name":       {"nginx:www", nginxLine, `"www"`},
		"the number is another's":     {"nginx", "web:x:101:33::/:/\n" + nginxLine, `first of all that of "web"`},
		"a group that is no number":   {"nginx:101", "nginx:x:101:many::/:/\n", `"101"`},
		"neither is a number":         {"nginx:99999999999", "nginx:x:101:many::/:/\n", `"99999999999"`},
		"twin: the same line":         {"nginx", nginxLine + "web:x:101:33::/:/\n", ""},
		"twin: the user's own group":  {"nginx:101", nginxLine, ""},
		"twin: an empty group is the": {"nginx:", nginxLine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := known(t, v1.Config{User: test.user}, layer(t, passwd(test.passwd), file{name: "etc/group", content: "www:x:33:\n"}))
			if got := config.Named; got == nil || got.ID != 101 || got.Unknown != "" || (got.Differs == "") != (test.says == "") || !strings.Contains(got.Differs, test.says) {
				t.Errorf("got %+v, want %q", got, test.says)
			}
		})
	}
}

func TestUser_EveryCompressionIsRead(t *testing.T) {
	plain := archive(t, passwd(nginxLine))
	for name, test := range map[string]struct {
		data      []byte
		mediaType types.MediaType
	}{
		"plain":                        {plain, types.OCIUncompressedLayer},
		"gzip":                         {gzipped(t, plain), types.OCILayer},
		"gzip in two parts":            {append(gzipped(t, plain[:512]), gzipped(t, plain[512:])...), types.OCILayer},
		"zstd":                         {zstandard(t, plain), types.OCILayerZStd},
		"zstd after a skippable frame": {append([]byte{0x51, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'x', 'y'}, zstandard(t, plain)...), types.OCILayerZStd},
		"Docker's":                     {gzipped(t, plain), types.DockerLayer},
		"Docker's, plain":              {plain, types.DockerUncompressedLayer},
		"zstd under the type of gzip":  {zstandard(t, plain), types.OCILayer},
	} {
		t.Run(name, func(t *testing.T) {
			config, findings := known(t, v1.Config{User: "nginx"}, static.NewLayer(test.data, test.mediaType))
			if config.Named == nil || config.Named.ID != 101 {
				t.Errorf("got %+v, %+v", config.Named, findings)
			}
		})
	}
}
