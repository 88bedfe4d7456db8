package corpus

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// Application is what one chart, one kustomization or one file of manifests
// holds, rendered.
type Application struct {
	// Name is "set:folder" or "set:file".
	Name    string
	Objects []plugin.Object
}

// Required is the folder of a module that this one requires, at the version
// that it requires.
func Required(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:gosec // a constant of the caller's
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return "", fmt.Errorf("looking for the files of %s: %q, %w", module, dir, err)
	}
	return dir, nil
}

// Applications renders every chart and every kustomization below a folder, and
// reads the other files of manifests there. Test data is there to be refused, too:
// what does not render is left out.
func Applications(ctx context.Context, set, dir string) ([]Application, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for applications in %s: %w", set, err)
	}
	defer func() { _ = root.Close() }()
	folders, files, err := find(root.FS())
	if err != nil {
		return nil, fmt.Errorf("looking for applications in %s: %w", set, err)
	}
	renderer := render.New(render.Options{Limits: plugin.DefaultLimits()})
	var all []Application
	add := func(name string, objects []plugin.Object) {
		if len(objects) > 0 {
			all = append(all, Application{Name: set + ":" + name, Objects: hooked(objects)})
		}
	}
	for _, folder := range folders {
		rendering, err := renderer.Render(ctx, plugin.Source{Root: root, Path: folder, Application: plugin.Application{Name: "app", Namespace: "team-a"}})
		if err == nil {
			add(folder, rendering.Objects)
		}
	}
	for _, file := range files {
		text, err := root.ReadFile(filepath.FromSlash(file))
		if err != nil {
			return nil, fmt.Errorf("looking for applications in %s: %w", set, err)
		}
		add(file, documents(text))
	}
	return all, context.Cause(ctx)
}

// find are the folders that render, and the YAML and JSON files outside of them.
func find(tree fs.FS) (folders, files []string, err error) {
	err = fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch path.Base(file) {
		case "Chart.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization":
			folders = append(folders, path.Dir(file))
		default:
			if slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(file)) && entry.Type().IsRegular() {
				files = append(files, file)
			}
		}
		return nil
	})
	files = slices.DeleteFunc(files, func(file string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool {
			return strings.HasPrefix(file, folder+"/") && strings.Contains(file, "/templates/")
		})
	})
	return folders, files, err
}

// documents are the objects of a file that holds nothing else; those of a List
// count by themselves.
func documents(text []byte) []plugin.Object {
	var objects []plugin.Object
	reader := kyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		encoded, errYAML := yaml.YAMLToJSON(document)
		var fields map[string]any
		if err != nil || errYAML != nil || kjson.Unmarshal(encoded, &fields) != nil {
			return nil
		}
		items, isList := fields["items"].([]any)
		if !isList {
			items = []any{fields}
		}
		for _, item := range items {
			member, _ := item.(map[string]any)
			if object := (plugin.Object{Fields: member}); object.ID().Kind != "" && object.ID().APIVersion != "" {
				objects = append(objects, object)
			}
		}
	}
}

//go:embed testdata/pods.yaml
var pods []byte

// Traps is an application of Pods on which a careless default breaks.
func Traps() Application { return Application{Name: "traps", Objects: hooked(documents(pods))} }

// hooked makes hooks of the Pods among objects: a Pod that stays is left alone,
// as it cannot be changed once it exists, and would try nothing.
func hooked(objects []plugin.Object) []plugin.Object {
	for _, object := range objects {
		metadata, readable := object.Fields["metadata"].(map[string]any)
		if id := object.ID(); id.Kind != "Pod" || id.Group() != "" || !readable {
			continue
		}
		annotations, _ := metadata["annotations"].(map[string]any)
		annotations = maps.Clone(annotations)
		if annotations == nil {
			annotations = map[string]any{}
		}
		annotations["argocd.argoproj.io/hook"] = "Sync"
		metadata["annotations"] = annotations
	}
	return objects
}

// Images are what an image can be, as far as its configuration says: the first
// fits every setting, in each other one something stands in the way of one. Nil
// is an image whose configuration could not be read.
func Images() []*plugin.ImageConfig {
	well := plugin.ImageConfig{User: "65532:65532", OS: "linux", ExposedPorts: []string{"8080/tcp"}, Entrypoint: []string{"/web"}, Volumes: []string{"/data", "/var/cache"}}
	all := []*plugin.ImageConfig{&well, nil}
	for _, change := range []func(*plugin.ImageConfig){
		func(c *plugin.ImageConfig) { c.User = "" },
		func(c *plugin.ImageConfig) { c.User = "nginx" },
		func(c *plugin.ImageConfig) { c.User, c.Named = "nginx", &plugin.NamedUser{ID: 101} },
		func(c *plugin.ImageConfig) {
			c.User, c.Named = "nginx:www", &plugin.NamedUser{ID: 101, Differs: "the group is another"}
		},
		func(c *plugin.ImageConfig) { c.User, c.Named = "toor", &plugin.NamedUser{} },
		func(c *plugin.ImageConfig) {
			c.Elevated = []plugin.Elevated{{Word: "/web", Path: "/web", How: "is setuid"}}
		},
		func(c *plugin.ImageConfig) { c.User = "99999999999999999999" },
		func(c *plugin.ImageConfig) { c.OS = "windows" },
		func(c *plugin.ImageConfig) { c.ExposedPorts = []string{"80/tcp"} },
		func(c *plugin.ImageConfig) { c.User, c.Entrypoint = "0", []string{"gosu", "app"} },
		func(c *plugin.ImageConfig) {
			c.Volumes = []string{"/", "relative", "/tmp/x", "/a,b", "/a:b", "/data/../etc"}
		},
		func(c *plugin.ImageConfig) { *c = plugin.ImageConfig{} },
	} {
		config := well
		change(&config)
		all = append(all, &config)
	}
	return all
}

// ImageOf is always the same one of the images for a reference.
func ImageOf(written string) *plugin.ImageConfig {
	all, sum := Images(), fnv.New32a()
	_, _ = sum.Write([]byte(written)) // never fails (hash.Hash)
	return all[int(sum.Sum32())%len(all)]
}

// Clone is a deep copy of objects, their maps filled in another order.
func Clone(objects []plugin.Object) ([]plugin.Object, error) {
	out := make([]plugin.Object, len(objects))
	for i, object := range objects {
		encoded, err := json.Marshal(object.Fields)
		if err != nil {
			return nil, fmt.Errorf("copying %s: %w", object.ID(), err)
		}
		out[i].Origin = object.Origin
		if err := kjson.Unmarshal(encoded, &out[i].Fields); err != nil {
			return nil, fmt.Errorf("copying %s: %w", object.ID(), err)
		}
	}
	return out, nil
}
