package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const diffHead = "| the preview of a pull request | against | wall | CPU | memory, MiB | budget |\n|---|---|---|---|---|---|"

// previewed is a Git repository of many applications, the last commit of which
// changes three of them.
type previewed struct {
	dir          string
	applications int
}

// chartEvery is which of the applications is a chart; the others are overlays.
const chartEvery = 20

// diffTable measures `assay diff` of a change to three applications among many.
func (b *bench) diffTable(ctx context.Context) (string, error) {
	repositories := map[int]previewed{}
	for _, count := range []int{50, 200, 800} {
		made, err := b.repositoryOf(ctx, count)
		if err != nil {
			return "", err
		}
		repositories[count] = made
	}
	lines := []string{diffHead}
	for _, rows := range []func(context.Context, map[int]previewed) ([]string, error){b.affectedRows, b.coldRows, b.memoryRow} {
		made, err := rows(ctx, repositories)
		if err != nil {
			return "", err
		}
		lines = append(lines, made...)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// affectedRows compare what a change costs with judging everything.
func (b *bench) affectedRows(ctx context.Context, repositories map[int]previewed) ([]string, error) {
	p := repositories[200]
	result, err := compare(ctx, b.diff(p, warm), b.diff(p, warm, "--all"), b.runs)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("| 3 of 200 applications are affected, what the others' renderings read is known |  | %.2f s | %.2f s | %.0f | 2 s on two cores |",
			median(result.a, wallOf), median(result.a, cpuOf), median(result.a, memoryOf)),
		fmt.Sprintf("| the same | `assay diff --all` | %.2f | %.2f |  | 0.1 |", result.ratio(wallOf), result.ratio(cpuOf)),
	}, nil
}

// coldRows compare a first run with a process of kustomize, or of Helm, for each
// application on both sides.
func (b *bench) coldRows(ctx context.Context, repositories map[int]previewed) ([]string, error) {
	p := repositories[200]
	peers, name, found := b.buildEach(p)
	if !found {
		return nil, nil
	}
	var lines []string
	for _, each := range []struct {
		what, budget string
		command
	}{
		{"3 of 200 applications are affected, nothing is known", "0.2", b.diff(p, cold)},
		{"all 200 applications are judged on both sides, nothing is known", "0.2", b.diff(p, cold, "--all")},
	} {
		result, err := compare(ctx, each.command, peers, max(1, b.runs/2))
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %.2f | %.2f | %.0f / %.0f | %s |",
			each.what, name, result.ratio(wallOf), result.ratio(cpuOf), median(result.a, memoryOf), median(result.b, memoryOf), each.budget))
	}
	return lines, nil
}

// memoryRow compares peaks of memory. The trees, which may lie in a file system
// of the memory, are not in it.
func (b *bench) memoryRow(ctx context.Context, repositories map[int]previewed) ([]string, error) {
	var few, many []string
	for _, count := range []int{50, 200, 800} {
		one, err := b.diff(repositories[count], cold).run(ctx)
		if err != nil {
			return nil, err
		}
		all, err := b.diff(repositories[count], cold, "--all").run(ctx)
		if err != nil {
			return nil, err
		}
		few, many = append(few, fmt.Sprintf("%.0f", memoryOf(one))), append(many, fmt.Sprintf("%.0f", memoryOf(all)))
	}
	return []string{
		"| 3 of 50, 200 and 800 applications are affected, nothing is known |  |  |  | " + strings.Join(few, ", ") + " | flat |",
		"| all of 50, 200 and 800 applications are judged on both sides |  |  |  | " + strings.Join(many, ", ") + " | flat |",
	}, nil
}

// state is what an earlier run has left behind.
type state string

const (
	warm state = ""
	cold state = `rm -rf "$XDG_CACHE_HOME"; `
)

// diff is one run, with a cache of readings and none of a registry.
func (b *bench) diff(p previewed, left state, more ...string) command {
	script := string(left) + `cd "$REPOSITORY" && exec "$ASSAY" diff "$@"`
	return command{
		name: "assay diff", codes: []int{0},
		argv: append([]string{"bash", "-c", script, "bench", "main...change", "--gate", b.gate, "--output", "json"}, more...),
		env: []string{
			"ASSAY=" + b.assay, "REPOSITORY=" + p.dir, "XDG_CACHE_HOME=" + filepath.Join(b.dir, fmt.Sprintf("cache-%d", p.applications)),
			"ASSAY_CACHE_DIR=", "DOCKER_CONFIG=" + filepath.Join(b.dir, "none"),
		},
	}
}

// buildEach is what people run in the place of a preview: one process for each
// application and side, one after the other.
func (b *bench) buildEach(p previewed) (command, string, bool) {
	kustomize, found := b.peers["kustomize"]
	helm, charts := b.peers["helm"]
	name := "`kustomize build`, or `helm template`, for each on both sides"
	if !charts {
		name = fmt.Sprintf("`kustomize build` for %d of them on both sides", p.applications-p.applications/chartEvery)
	}
	const script = `for side in base head; do
ls -d apps/*/ | xargs -n 1 "$KUSTOMIZE" build >/dev/null || exit 1
[ -z "$HELM" ] || ls -d charts/*/ | xargs -n 1 "$HELM" template shop >/dev/null || exit 1
done`
	return command{
		name: "kustomize build", argv: []string{"bash", "-c", "set -o pipefail; cd \"$REPOSITORY\"; " + script},
		env: []string{"KUSTOMIZE=" + kustomize, "HELM=" + helm, "REPOSITORY=" + p.dir},
	}, name, found
}

// repositoryOf makes a repository of so many Applications of Argo CD.
func (b *bench) repositoryOf(ctx context.Context, count int) (previewed, error) {
	name := fmt.Sprintf("diff-%d", count)
	p := previewed{dir: filepath.Join(b.dir, name), applications: count}
	if err := b.overlays(name, count, 10); err != nil {
		return p, err
	}
	files := map[string]string{}
	for i := range 10 { // 36 objects more in each base: forty are an application
		folder := fmt.Sprintf("%s/bases/base-%02d/", name, i)
		var more []string
		for part := range 6 {
			worker, cron := fmt.Sprintf("worker-%d", part), fmt.Sprintf("cron-%d", part)
			more = append(more, deployment(worker, b.image(i+1)), deployment(cron, b.image(i+2)), service(worker), service(cron), configMap(worker, i), configMap(cron, i))
		}
		files[folder+"more.yaml"] = strings.Join(more, "---\n")
		files[folder+"kustomization.yaml"] = kustomizationHeader + "resources: [deployment.yaml, service.yaml, configmap.yaml, account.yaml, more.yaml]\n"
	}
	for i := range count {
		app, place := fmt.Sprintf("app-%03d", i), fmt.Sprintf("apps/app-%03d", i)
		if i%chartEvery == chartEvery-1 {
			place = "charts/" + app
			if err := os.RemoveAll(filepath.Join(p.dir, "apps", app)); err != nil {
				return p, err
			}
			if err := b.chart(name+"/"+place, size{3, 3, 1}); err != nil {
				return p, err
			}
		}
		files[name+"/argocd/"+app+".yaml"] = strings.NewReplacer("@APP@", app, "@PATH@", place).Replace(application)
	}
	if err := b.writeAll(files); err != nil {
		return p, err
	}
	if err := p.git(ctx, "init -q -b main && git remote add origin https://git.example.com/platform/apps.git && git add -A && git commit -q -m base && git switch -q -c change"); err != nil {
		return p, err
	}
	if err := b.changeThree(name); err != nil {
		return p, err
	}
	return p, p.git(ctx, "commit -q -a -m change")
}

// changeThree changes two overlays and one chart.
func (b *bench) changeThree(name string) error {
	for file, change := range map[string][2]string{
		"/apps/app-001/kustomization.yaml": {"count: ", "count: 1"},
		"/apps/app-040/kustomization.yaml": {"count: ", "count: 1"},
		"/charts/app-019/values.yaml":      {"replicaCount: 2", "replicaCount: 3"},
	} {
		data, err := os.ReadFile(filepath.Join(b.dir, name+file))
		if err != nil {
			return err
		}
		changed := strings.Replace(string(data), change[0], change[1], 1)
		if changed == string(data) {
			return fmt.Errorf("changing %s: it has no %q", file, change[0])
		}
		if err := b.write(name+file, changed); err != nil {
			return err
		}
	}
	return nil
}

func (p previewed) git(ctx context.Context, script string) error {
	_, err := command{
		name: "git", argv: []string{"bash", "-c", `cd "$1" && git ` + script, "bench", p.dir},
		env: []string{
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com",
			"GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com",
		},
	}.run(ctx)
	return err
}

const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: @APP@
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://git.example.com/platform/apps.git
    targetRevision: main
    path: @PATH@
  destination:
    server: https://kubernetes.default.svc
    namespace: @APP@
`
