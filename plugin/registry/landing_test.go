package registry_test

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func hardLink(name, target string) file { return file{name: name, link: target, kind: tar.TypeLink} }

// TestUser_NumberIsThatOfTheFileThatTheContainerSees: each lower layer has
// another number, which the layer above hides behind a link.
func TestUser_NumberIsThatOfTheFileThatTheContainerSees(t *testing.T) {
	users := func(number int) string { return fmt.Sprintf("app:x:%d:%d::/:/\n", number, number) }
	at := func(name string, number int) file { return file{name: name, content: users(number)} }
	below := []file{at("usr/etc/passwd", 1000), at("etc/group", 0)}
	plain := []file{at("etc/passwd", 1000)}
	for name, test := range map[string]struct {
		layers [][]file
		id     int64
		says   string // why it is unknown
	}{
		"behind the layer's own link":           {[][]file{below, {symlink("etc", "usr/etc"), at("etc/passwd", 7)}}, 7, ""},
		"behind one from the root":              {[][]file{below, {symlink("etc", "/usr/etc"), at("etc/passwd", 7)}}, 7, ""},
		"behind two":                            {[][]file{below, {symlink("etc", "run"), symlink("run", "usr/etc"), at("etc/passwd", 7)}}, 7, ""},
		"behind one and up again":               {[][]file{below, {symlink("a/b", "../usr/lib"), symlink("etc", "a/b/../etc"), at("etc/passwd", 7)}}, 0, "through another place"},
		"behind another name of the folder":     {[][]file{plain, {symlink("srv", "etc"), at("srv/passwd", 7)}}, 7, ""},
		"behind another name, up and down":      {[][]file{plain, {symlink("srv/x", "/../srv/../etc"), at("srv/x/passwd", 7)}}, 7, ""},
		"a link behind a link":                  {[][]file{plain, {symlink("srv", "etc"), symlink("srv/passwd", "users"), at("srv/users", 7)}}, 7, ""},
		"removed behind a link":                 {[][]file{plain, {symlink("srv", "etc"), {name: "srv/.wh.passwd"}}}, 0, "does not exist"},
		"opaque behind a link":                  {[][]file{plain, {symlink("srv", "etc"), {name: "srv/.wh..wh..opq"}}}, 0, "does not exist"},
		"behind a hard link":                    {[][]file{plain, {symlink("run", "etc"), hardLink("srv", "run"), at("srv/passwd", 7)}}, 0, "behind a hard link"},
		"the folder is a hard link":             {[][]file{below, {symlink("run", "usr/etc"), hardLink("etc", "run")}}, 0, "does not exist"},
		"behind a ring":                         {[][]file{plain, {symlink("a", "b"), symlink("b", "a"), at("a/passwd", 7)}}, 0, "more than 5 links"},
		"a link over what stood below":          {[][]file{below, {at("etc/passwd", 7), symlink("etc", "usr/etc")}}, 1000, ""},
		"a folder over what stood below":        {[][]file{plain, {at("etc/passwd", 7), symlink("etc", "usr/etc"), folder("etc")}}, 1000, ""},
		"a file over what stood below":          {[][]file{plain, {at("etc/passwd", 7), {name: "etc"}, folder("etc"), {name: "etc/hosts"}}}, 1000, ""},
		"a folder over the link, then a file":   {[][]file{below, {symlink("etc", "usr/etc"), folder("etc"), at("etc/passwd", 7)}}, 7, ""},
		"a file over the other name":            {[][]file{plain, {symlink("srv", "etc"), {name: "srv"}, folder("srv"), at("srv/passwd", 7)}}, 1000, ""},
		"a folder that is not named hides":      {[][]file{below, {symlink("etc", "usr/etc")}, {{name: "etc/hosts"}}}, 0, "does not exist"},
		"a whiteout's folder hides":             {[][]file{below, {symlink("etc", "usr/etc")}, {{name: "etc/.wh.hosts"}}}, 0, "does not exist"},
		"something below passwd":                {[][]file{plain, {{name: "etc/passwd/x"}}}, 0, "is a directory"},
		"a link that the layer removes":         {[][]file{below, {symlink("etc", "usr/etc"), {name: ".wh.etc"}}}, 0, "both has /etc and removes it"},
		"redirected by an attribute":            {[][]file{plain, {{name: "etc/", kind: tar.TypeDir, records: map[string]string{"SCHILY.xattr.trusted.overlay.redirect": "/srv"}}}}, 0, "attributes"},
		"a path that cannot be unpacked":        {[][]file{plain, {{name: strings.Repeat("a/", 3000) + "x"}}}, 0, "more than 4096 bytes"},
		"a link to too long a path":             {[][]file{plain, {symlink("etc/passwd", strings.Repeat("a/", 3000)+"x")}}, 0, "more than 4096 bytes"},
		"twin: the link alone":                  {[][]file{below, {symlink("etc", "usr/etc")}}, 1000, ""},
		"twin: another folder's link":           {[][]file{plain, {symlink("srv", "opt"), at("srv/passwd", 7)}}, 1000, ""},
		"twin: removed behind another link":     {[][]file{plain, {symlink("srv", "opt"), {name: "srv/.wh.passwd"}}}, 1000, ""},
		"twin: another attribute":               {[][]file{plain, {{name: "etc/", kind: tar.TypeDir, records: map[string]string{"SCHILY.xattr.user.mime": "x"}}}}, 1000, ""},
		"twin: a long path that can":            {[][]file{plain, {{name: strings.Repeat("a/", 2000) + "x"}}}, 1000, ""},
		"twin: an overlay's attribute far away": {[][]file{plain, {{name: "var/", kind: tar.TypeDir, records: map[string]string{"SCHILY.xattr.trusted.overlay.opaque": "y"}}}}, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, findings := known(t, v1.Config{User: "app"}, layersOf(t, test.layers...)...)
			if len(findings) != 0 || config.Named == nil {
				t.Fatalf("got %+v, %+v", config.Named, findings)
			}
			got := *config.Named
			if got.ID != test.id || (got.Unknown == "") != (test.says == "") || !strings.Contains(got.Unknown, test.says) || got.NoAnswer {
				t.Errorf("got %+v, want %d %q", got, test.id, test.says)
			}
		})
	}
}

// TestUser_LinksOfALayerAreBounded: they are kept while it is read.
func TestUser_LinksOfALayerAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		links   int
		unknown bool
	}{
		"too many":   {6000, true},
		"twin: many": {2000, false},
	} {
		t.Run(name, func(t *testing.T) {
			files := []file{passwd(nginxLine)}
			for i := range test.links {
				files = append(files, symlink(fmt.Sprint("lib/", i), strings.Repeat("x", 4000)))
			}
			config, _ := known(t, v1.Config{User: "nginx"}, layer(t, files...))
			if config.Named == nil || (config.Named.Unknown != "") != test.unknown || test.unknown && !strings.Contains(config.Named.Unknown, "links of more than") {
				t.Errorf("got %+v", config.Named)
			}
		})
	}
}
