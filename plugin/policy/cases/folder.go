package cases

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// The folders of cases, beside a policy.
const (
	passFolder = "pass"
	failFolder = "fail"
)

// gateFile is, beside a shipped rule, the gate by which its cases are judged.
const gateFile = "gate.yaml"

// folderLayout is a folder with policies in *.yaml and their cases in pass/
// and fail/: every file of pass/ is objects that the policies accept, every
// file of fail/ objects of which one is refused. A Gate among the files says
// what the policies take from their gate. A folder of a rule that is code, in
// this repository, has no policy file.
func folderLayout() layout {
	return layout{
		name: "folder",
		claims: func(path string, entry fs.DirEntry) bool {
			return entry.IsDir() && (isFolder(filepath.Join(path, passFolder)) || isFolder(filepath.Join(path, failFolder)))
		},
		run: runFolder,
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func runFolder(ctx context.Context, path string, options Options) []Case {
	judged, asked, err := folderGround(path)
	if err != nil {
		return broken(path, err)
	}
	var cases []Case
	for _, want := range []string{passFolder, failFolder} {
		files, err := yamlFiles(filepath.Join(path, want))
		if err != nil {
			return append(cases, broken(path, err)...)
		}
		for _, file := range files {
			cases = append(cases, runFile(ctx, folderCase{ground: judged, asked: asked, folder: path, want: want, file: file}, options))
		}
	}
	if len(cases) == 0 {
		return broken(path, fmt.Errorf("reading the cases of %s: pass and fail are empty", path))
	}
	return cases
}

// folderGround compiles the folder's policies, or finds the shipped rule that
// the folder is named for. The second result tells their findings from others.
func folderGround(path string) (*ground, func(plugin.Finding) bool, error) {
	files, err := yamlFiles(path)
	if err != nil {
		return nil, nil, err
	}
	if only := filepath.Join(path, gateFile); len(files) == 0 || len(files) == 1 && files[0] == only {
		return shippedGround(path, files)
	}
	made, err := newGround(nil, files...)
	if err != nil {
		return nil, nil, err
	}
	if len(made.own) == 0 {
		return nil, nil, fmt.Errorf("no policy in %s is in force: %s", path, strings.Join(append(made.idle, "there is none"), "; "))
	}
	return made, func(finding plugin.Finding) bool { _, own := made.own[finding.Rule]; return own }, nil
}

// shippedGround judges by the rule whose id ends the folder's path, under the
// gate of the files.
func shippedGround(path string, files []string) (*ground, func(plugin.Finding) bool, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the rule of %s: %w", path, err)
	}
	id := filepath.Base(filepath.Dir(absolute)) + "/" + filepath.Base(absolute)
	rule, known := policy.Explain(id)
	if !known || rule.ID != id || rule.Pack == "" {
		return nil, nil, fmt.Errorf("%s holds no policy (*.yaml), and no shipped rule is called %s", path, id)
	}
	asked := func(finding plugin.Finding) bool { return finding.Rule == id && finding.Level != plugin.Info }
	if rule.Pack == policy.SelfPack {
		strictest := &gate.PodSecurity{Level: "restricted"}
		self := policy.NewSelf(policy.SelfConfig{PodSecurity: strictest})
		return &ground{judges: []plugin.Judge{self}, lists: true}, asked, nil
	}
	spec := gate.Spec{}
	if len(files) > 0 {
		config, err := gate.Load(files...)
		if err != nil {
			return nil, nil, err
		}
		if spec, err = specOf(config); err != nil {
			return nil, nil, err
		}
	}
	packs := strings.Split(rule.Pack, ", ")
	spec.Judge.Packs = packs[len(packs)-1:]
	made, err := compile(spec, nil)
	if err != nil {
		return nil, nil, err
	}
	made.openDenies = true
	return made, asked, nil
}

// yamlFiles are the files of a folder that may hold objects, sorted; none when
// there is no folder.
func yamlFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder %s: %w", folder, err)
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && isYAML(entry.Name()) {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	slices.Sort(files)
	return files, nil
}

// folderCase is one file of pass/ or fail/.
type folderCase struct {
	ground             *ground
	asked              func(plugin.Finding) bool
	folder, want, file string
}

func runFile(ctx context.Context, of folderCase, options Options) Case {
	done := Case{Suite: of.folder, Name: of.want + "/" + filepath.Base(of.file), Want: "to " + of.want}
	read := readObjects
	if of.ground.lists {
		read = readWritten
	}
	objects, err := read(of.file)
	if err != nil {
		done.Got = oneLine(err.Error())
		return done
	}
	said := answerOf(of.ground.judge(ctx, objects, options.At), of.asked)
	if of.ground.openDenies {
		said.violations, said.open = append(said.violations, said.open...), nil
	}
	switch {
	case ctx.Err() != nil:
		done.Got = oneLine(context.Cause(ctx).Error())
	case said.wrong != "":
		done.Got = "an object that cannot be read: " + said.wrong
	case len(said.open) > 0 && len(said.violations) == 0:
		done.Got = "an answer that cannot be decided offline: " + words(said.open)
	case (len(said.violations) > 0) == (of.want == failFolder):
		done.Outcome = Passed
	case of.want == failFolder:
		done.Got = "no violation"
	default:
		done.Got = words(said.violations)
	}
	return done
}
