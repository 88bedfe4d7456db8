package gate

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"

	"github.com/assay-gitops/assay/plugin"
)

// Load reads the gate's configuration from files and folders. In a folder it
// takes *.yaml, *.yml and *.json of it and of the folders below, sorted; a
// ConfigMap mounted as a folder works, a symlink out of the folder does not.
//
// Nothing is guessed: a field, a kind or a value that is not known, an empty
// file and a folder without files are errors. The error joins all problems,
// each as "file:line: what; what to do", and each unwraps to a
// *plugin.Refusal. Loading looks at no clock and no network.
func Load(paths ...string) (*Config, error) {
	found := problems{}
	collect := collector{limits: plugin.DefaultLimits(), problems: &found}
	for _, name := range paths {
		collect.onDisk(name)
	}
	return load(collect.sources, &found)
}

// LoadFS is [Load] for a file system such as an embedded one.
func LoadFS(fsys fs.FS, paths ...string) (*Config, error) {
	found := problems{}
	collect := collector{limits: plugin.DefaultLimits(), problems: &found}
	for _, name := range paths {
		collect.inFS(fsys, name)
	}
	return load(collect.sources, &found)
}

// Parse is [Load] for one file in memory; name stands in messages.
func Parse(name string, data []byte) (*Config, error) {
	return load([]source{{name: name, below: path.Base(name), data: data}}, &problems{})
}

// loading is one configuration while it is read.
type loading struct {
	config   *Config
	problems *problems
	budget   *budget
	// gates, policies and roots are the documents of the config's slices, at the
	// same index; they know the line of every field.
	gates, policies, roots []*document
	// others are documents of no kind that a gate reads by itself.
	others []*document
	// waivers are the documents of kind Waivers, which become their gates' own.
	waivers []waiverFile
	// strays are complaints about files that no kind explains; a file that a
	// gate names (a trusted root, a docker config) is none.
	strays map[string]*problems
	// named are the files that the configuration names, cleaned.
	named map[string]bool
}

func load(sources []source, found *problems) (*Config, error) {
	if len(sources) == 0 && len(found.list) == 0 {
		return nil, errors.New("loading the gate's configuration: no file was given; name a file or a folder")
	}
	limits := plugin.DefaultLimits()
	l := &loading{
		config: &Config{}, problems: found, strays: map[string]*problems{}, named: map[string]bool{},
		budget: &budget{nodes: limits.YAMLNodes, depth: limits.YAMLDepth},
	}
	for _, file := range sources {
		l.file(file)
	}
	l.params()
	l.checkStrays()
	l.checkNames()
	l.checkAll()
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	l.warnAll()
	l.sumParts()
	for _, file := range sources {
		if !l.isNamed(path.Clean(file.name)) {
			l.config.contents = append(l.config.contents, content{file.below, sha256.Sum256(file.data)})
		}
	}
	return l.config, nil
}

// checkStrays reports files that hold no known kind and that nothing names.
func (l *loading) checkStrays() {
	for file, list := range l.strays {
		if !l.isNamed(file) {
			l.problems.list = append(l.problems.list, list.list...)
		}
	}
}

// isNamed reports whether the configuration names the file, or a folder that it
// lies in.
func (l *loading) isNamed(file string) bool {
	for ; ; file = path.Dir(file) {
		if l.named[file] {
			return true
		}
		if file == "." || file == "/" {
			return false
		}
	}
}
