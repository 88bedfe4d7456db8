package policy

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const gated = "{repoURL: 'https://git.example.com/shop', path: deploy, plugin: {name: assay}}"

// app is an Application with these fields, each "name: {...}".
func app(fields ...string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: team-a}, " + strings.Join(fields, ", ") + "}"
}

func specOf(fields string) string { return "spec: {project: team-a, " + fields + "}" }

func plain(source string) string { return strings.ReplaceAll(source, ", plugin: {name: assay}", "") }

func TestArgoAdmission_EverySourceOfAnApplicationNamesThePlugin(t *testing.T) {
	created := func(fields string) write { return write{object: app(specOf(fields))} }
	other := strings.ReplaceAll(gated, "assay", "helmfile")
	ref := "{repoURL: 'https://git.example.com/values', ref: values}"
	checkBypasses(t, "argocd", map[string]bypass{
		"no plugin":           {created("source: " + plain(gated)), created("source: " + gated), "spec.source (path deploy) names no plugin"},
		"another plugin":      {created("source: " + other), created("source: " + gated), `spec.source (path deploy) names the plugin "helmfile"`},
		"an unnamed plugin":   {created("source: " + strings.ReplaceAll(gated, "name: assay", "")), created("source: " + gated), "names no plugin"},
		"a version of it":     {created("source: " + strings.ReplaceAll(gated, "assay", "assay-v2")), created("source: " + gated), `"assay-v2"`},
		"a chart":             {created("source: {repoURL: 'https://charts.example.com', chart: web}"), created("source: {repoURL: 'https://charts.example.com', chart: web, plugin: {name: assay}}"), "(chart web)"},
		"kustomize":           {created("source: {repoURL: x, path: deploy, kustomize: {images: [a=b]}}"), created("source: {repoURL: x, path: deploy, plugin: {name: assay, parameters: [{name: kustomize-images, array: [a=b]}]}}"), "plugin.parameters"},
		"the second source":   {created("sources: [" + gated + ", " + plain(gated) + "]"), created("sources: [" + gated + ", " + gated + "]"), "spec.sources (path deploy)"},
		"beside sources":      {created("source: " + plain(gated) + ", sources: [" + gated + "]"), created("source: " + gated + ", sources: [" + gated + "]"), "spec.source (path deploy)"},
		"a ref with a path":   {created("sources: [" + gated + ", " + strings.ReplaceAll(ref, "ref", "path: deploy, ref") + "]"), created("sources: [" + gated + ", " + ref + "]"), "spec.sources (path deploy)"},
		"a ref with a chart":  {created("sources: [" + gated + ", " + strings.ReplaceAll(ref, "ref", "chart: web, ref") + "]"), created("sources: [" + gated + ", " + strings.ReplaceAll(ref, "ref", "path: '', ref") + "]"), "spec.sources (chart web)"},
		"a ref alone":         {created("source: " + ref), created("sources: [" + ref + "]"), "spec.source names no plugin"},
		"no source":           {created("destination: {namespace: shop}"), created("source: " + gated), "names no source"},
		"hydrator and a ref":  {write{object: app(specOf("sources: [" + gated + ", " + ref + "], " + hydrator)), projects: listed}, write{object: app(specOf("sources: [" + gated + ", " + ref + "]"))}, "spec.sources names no plugin"},
		"an update":           {write{object: app(specOf("source: " + plain(gated))), old: app(specOf("source: " + gated))}, write{object: app(specOf("source: " + gated)), old: app(specOf("source: " + plain(gated)))}, "spec.source"},
		"an old one, changed": {write{object: app(specOf("source: " + plain(gated) + ", syncPolicy: {automated: {}}")), old: app(specOf("source: " + plain(gated)))}, write{object: app(specOf("source: " + plain(gated))), old: app(specOf("source: " + plain(gated)))}, "spec.source"},
	})
}

func TestArgoAdmission_AnOperationSyncsGatedSourcesAlone(t *testing.T) {
	before := app(specOf("source: " + gated))
	ref := "{repoURL: 'https://git.example.com/values', ref: values}"
	sync := func(fields string) write {
		return write{object: app(specOf("source: "+gated), "operation: {sync: {"+fields+"}}"), old: before}
	}
	checkBypasses(t, "argocd", map[string]bypass{
		"a source of its own": {sync("source: " + plain(gated)), sync("source: " + gated), "operation.sync.source would sync"},
		"sources of its own":  {sync("sources: [" + gated + ", " + plain(gated) + "]"), sync("sources: [" + gated + "]"), "operation.sync.sources would sync"},
		"a ref, where the Application has one source": {sync("sources: [" + gated + ", " + ref + "]"), write{
			object: app(specOf("sources: ["+gated+", "+ref+"]"), "operation: {sync: {sources: ["+gated+", "+ref+"]}}"), old: before}, "operation.sync.sources"},
		"rollback":         {sync("revision: abc, prune: true, source: {repoURL: x, path: old, kustomize: {}}"), sync("revision: abc, prune: true"), "rollback to a time before the gate"},
		"local manifests":  {sync("manifests: ['{}']"), sync("manifests: []"), "argocd app sync --local"},
		"at the creation":  {write{object: app(specOf("source: "+gated), "operation: {sync: {manifests: ['{}']}}")}, write{object: app(specOf("source: "+gated), "operation: {sync: {}}")}, "operation.sync.manifests"},
		"of an old object": {write{object: app(specOf("source: "+plain(gated)), "operation: {sync: {}}"), old: app(specOf("source: " + plain(gated)))}, write{object: app(specOf("source: " + plain(gated))), old: app(specOf("source: "+plain(gated)), "operation: {sync: {}}")}, "spec.source"},
		"another one": {write{object: app(specOf("source: "+gated), "operation: {sync: {source: "+plain(gated)+"}}"), old: app(specOf("source: "+gated), "operation: {sync: {}}")},
			write{object: app(specOf("source: "+gated), "operation: {sync: {prune: true}}"), old: app(specOf("source: "+gated), "operation: {sync: {}}")}, "operation.sync.source"},
	})
}

// Argo CD's Application has no status subresource, and the controller goes on
// with the operation that the status describes.
func TestArgoAdmission_AForgedStatusResumesNothing(t *testing.T) {
	before := app(specOf("source: "+gated), "operation: {sync: {}}")
	forged := func(state string) write {
		return write{object: app(specOf("source: "+gated), "operation: {sync: {}}", "status: {operationState: {"+state+"}}"), old: before}
	}
	bad := "phase: Running, operation: {sync: {}}, syncResult: {revision: abc, source: " + plain(gated) + "}"
	good := "phase: Running, operation: {sync: {}}, syncResult: {revision: abc, source: " + gated + "}"
	ref := "{repoURL: 'https://git.example.com/values', ref: values}"
	running := func(spec string) string {
		return app(specOf(spec), "operation: {sync: {}}", "status: {operationState: {phase: Running, operation: {sync: {}}, syncResult: {source: "+gated+", sources: ["+gated+", "+ref+"]}}}")
	}
	several := "sources: [" + gated + ", " + ref + "]"
	checkBypasses(t, "argocd", map[string]bypass{
		"the result's source":  {forged(bad), forged(good), "status.operationState would resume"},
		"the result's sources": {forged("phase: Running, operation: {sync: {}}, syncResult: {source: " + gated + ", sources: [" + plain(gated) + "]}"), forged(good), "status.operationState would resume"},
		"no phase":             {forged(strings.ReplaceAll(bad, "phase: Running, ", "")), forged(good), "status.operationState"},
		"an ended operation":   {forged(bad), forged(strings.ReplaceAll(bad, "Running", "Failed")), "status.operationState"},
		"the operation's source": {forged("phase: Running, operation: {sync: {source: " + plain(gated) + "}}"), forged("phase: Running, operation: {sync: {source: " + gated + "}}"),
			"status.operationState would resume"},
		"the operation's sources": {forged("phase: Running, operation: {sync: {sources: [" + plain(gated) + "]}}"), forged("phase: Running, operation: {sync: {sources: [" + gated + "]}}"),
			"status.operationState would resume"},
		"the operation's manifests": {forged("phase: Running, operation: {sync: {manifests: ['{}']}}"), forged("phase: Running, operation: {sync: {}}"), "manifests that never passed"},
		"before the operation": {
			write{object: app(specOf("source: "+gated), "operation: {}", "status: {operationState: {"+bad+"}}"), old: app(specOf("source: "+gated), "status: {operationState: {"+bad+"}}")},
			write{object: app(specOf("source: "+gated), "status: {operationState: {"+bad+"}}"), old: app(specOf("source: " + gated))}, "status.operationState"},
		"a ref that becomes a source": {write{object: running("source: " + gated), old: running(several)}, write{object: running(several), old: running("source: " + gated)}, "status.operationState"},
	})
}

func TestArgoAdmission_TheControllersWritesPassForObjectsFromBefore(t *testing.T) {
	policies, old := install(t, "argocd"), specOf("source: "+plain(gated))
	for name, asked := range map[string]write{
		"status":               {object: app(old, "status: {sync: {status: Synced}}"), old: app(old, "status: {sync: {status: Unknown}}")},
		"labels":               {object: strings.Replace(app(old), "name: shop", "name: shop, labels: {team: a}", 1), old: app(old)},
		"a finalizer":          {object: app(old), old: strings.Replace(app(old), "name: shop", "name: shop, finalizers: [resources-finalizer.argocd.argoproj.io]", 1)},
		"an operation begun":   {object: app(old, "operation: {sync: {}}", "status: {operationState: {phase: Running, operation: {sync: {}}}}"), old: app(old, "operation: {sync: {}}")},
		"its result":           {object: app(old, "operation: {sync: {}}", "status: {operationState: {phase: Running, operation: {sync: {}}, syncResult: {source: "+plain(gated)+"}}}"), old: app(old, "operation: {sync: {}}", "status: {operationState: {phase: Running, operation: {sync: {}}}}")},
		"an operation ended":   {object: app(old, "operation: null", "status: {operationState: {phase: Succeeded, operation: {sync: {}}}}"), old: app(old, "operation: {sync: {}}", "status: {operationState: {phase: Running, operation: {sync: {}}}}")},
		"an operation removed": {object: app(old), old: app(old, "operation: {sync: {source: "+plain(gated)+"}}")},
		"history":              {object: app(old, "status: {history: [{id: 1, source: "+plain(gated)+"}]}"), old: app(old)},
	} {
		if said := policies.refusals(t, asked); len(said) != 0 {
			t.Errorf("%s: %q", name, said)
		}
	}
}

const (
	drySource = "drySource: {repoURL: 'https://git.example.com/shop', path: deploy, targetRevision: main, plugin: {name: assay}}"
	hydrator  = "sourceHydrator: {" + drySource + ", syncSource: {targetBranch: live, path: deploy}}"
	live      = "{repoURL: 'https://git.example.com/shop', path: deploy, targetRevision: live}"
)

// listed is the platform's line about team-a.
const listed = "team-a https://git.example.com/shop live"

func TestArgoAdmission_TheSourceHydratorIsForListedProjects(t *testing.T) {
	of := func(projects, spec string, more ...string) write {
		return write{object: app(append([]string{specOf(spec)}, more...)...), projects: projects}
	}
	syncing := func(source string) write {
		asked := of(listed, hydrator, "operation: {sync: {source: "+source+"}}")
		asked.old = app(specOf(hydrator))
		return asked
	}
	result := func(source string) write {
		const operation = "operation: {sync: {}}"
		return write{
			object: app(specOf(hydrator), operation, "status: {operationState: {phase: Running, "+operation+", syncResult: {source: "+source+"}}}"),
			old:    app(specOf(hydrator), operation), projects: listed,
		}
	}
	good := of(listed, hydrator)
	checkBypasses(t, "argocd", map[string]bypass{
		"no project is listed":      {of("", hydrator), good, `AppProject "team-a"`},
		"another project is listed": {of("platform * *\nteam-b * *\n", hydrator), of("platform https://git.example.com/platform *\n "+listed+" \n", hydrator), `AppProject "team-a"`},
		"part of a name":            {of("team-a-live * live", hydrator), of(listed+"\nteam-a-live * staging", hydrator), `AppProject "team-a"`},
		"the name alone":            {of("team-a", hydrator), good, "has to name the repository and the branch as well"},
		"a comment":                 {of("# "+listed, hydrator), of("# of team-a:\n"+strings.ReplaceAll(listed, " ", "\t")+"\r\n", hydrator), `AppProject "team-a"`},
		"the dry source":            {of(listed, plain(hydrator)), good, "drySource does not name the plugin"},
		"another plugin":            {of(listed, strings.ReplaceAll(hydrator, "assay", "helmfile")), good, "drySource does not name the plugin"},
		"no longer listed, synced": {write{object: app(specOf(hydrator), "operation: {sync: {}}"), old: app(specOf(hydrator))},
			write{object: app(specOf(hydrator), "status: {sync: {status: Synced}}"), old: app(specOf(hydrator))}, `AppProject "team-a"`},
		"the live branch as a source":  {of(listed, hydrator+", source: "+live), of(listed, hydrator+", source: "+gated), "spec.source (path deploy)"},
		"a rollback to another branch": {syncing(strings.ReplaceAll(live, "live", "mine")), syncing(live), "operation.sync.source"},
		"a rollback with changes":      {syncing(strings.ReplaceAll(live, "path", "kustomize: {images: [a=b]}, path")), syncing(live), "operation.sync.source"},
		"a result from elsewhere":      {result(strings.ReplaceAll(live, "shop", "mine")), result(live), "status.operationState"},
	})
}

// Whoever else may write the branch that is synced goes past the gate, and
// Argo CD's own right to write branches is not lent to authors.
func TestArgoAdmission_TheSourceHydratorWritesListedBranchesAlone(t *testing.T) {
	of := func(projects, syncSource, more string) write {
		return write{object: app(specOf("sourceHydrator: {" + drySource + ", syncSource: {" + syncSource + "}" + more + "}")), projects: projects}
	}
	const plainly = "targetBranch: live, path: deploy"
	good := of(listed, plainly, "")
	many := "team-a https://git.example.com/shop environments/*"
	checkBypasses(t, "argocd", map[string]bypass{
		"another branch":            {of(listed, "targetBranch: mine, path: deploy", ""), good, `the branch "mine" of a repository with which the platform does not list it`},
		"no branch":                 {of(listed, "path: deploy", ""), good, `the branch ""`},
		"a longer name":             {of(listed, "targetBranch: live-2, path: deploy", ""), of(listed+"*", "targetBranch: live-2, path: deploy", ""), `the branch "live-2"`},
		"outside of the beginning":  {of(many, "targetBranch: env/prod, path: deploy", ""), of(many, "targetBranch: environments/prod, path: deploy", ""), `the branch "env/prod"`},
		"another repository":        {of(listed, plainly+", repoURL: 'https://git.example.com/platform'", ""), of("team-a https://git.example.com/platform live", plainly+", repoURL: 'https://git.example.com/platform'", ""), `the branch "live" of a repository`},
		"the repository of a line":  {of("team-a https://git.example.com/platform live", plainly, ""), of("team-a * live", plainly, ""), `the branch "live" of a repository`},
		"a staging branch":          {of(listed, plainly, ", hydrateTo: {targetBranch: next}"), of(listed+"\nteam-a https://git.example.com/shop next", plainly, ", hydrateTo: {targetBranch: next}"), `the branch "next"`},
		"a staging branch unnamed":  {of(listed, plainly, ", hydrateTo: {}"), good, `the branch ""`},
		"a branch of two projects":  {of(listed+"\nteam-b https://git.example.com/shop l*", plainly, ""), of(listed+"\nteam-b https://git.example.com/shop m*", plainly, ""), "lists for another AppProject, too"},
		"all branches of another":   {of("team-a * *\nteam-b * *", plainly, ""), of("team-a * *", plainly, ""), "lists for another AppProject, too"},
		"the branch that it reads":  {of("team-a * *", "targetBranch: main, path: deploy", ""), of("team-a * *", "targetBranch: main, path: deploy, repoURL: 'https://git.example.com/live'", ""), "hydrates the branch that it reads"},
		"a staging branch it reads": {of("team-a * *", plainly, ", hydrateTo: {targetBranch: main}"), of("team-a * *", plainly, ", hydrateTo: {targetBranch: next}"), "hydrates the branch that it reads"},
		"a path with a way up":      {of(listed, "targetBranch: live, path: a/../deploy", ""), of(listed, "targetBranch: live, path: a/deploy", ""), "syncSource.path"},
		"a path with a dot":         {of(listed, "targetBranch: live, path: ./deploy", ""), of(listed, "targetBranch: live, path: .deploy", ""), "syncSource.path"},
		"a path from the root":      {of(listed, "targetBranch: live, path: /deploy", ""), good, "syncSource.path"},
		"a path with an empty part": {of(listed, "targetBranch: live, path: deploy/", ""), good, "syncSource.path"},
		"Git's own folder":          {of(listed, "targetBranch: live, path: .GIT/deploy", ""), good, "syncSource.path"},
		"no path":                   {of(listed, "targetBranch: live", ""), good, "syncSource.path"},
	})
}

// The Application of docs/source-hydrator.md is admitted by the list that stands
// there, and not without it.
func TestArgoAdmission_ThePageOnTheHydratorIsAdmitted(t *testing.T) {
	page, err := os.ReadFile("../../docs/source-hydrator.md")
	if err != nil {
		t.Fatal(err)
	}
	var list, application string
	parts := strings.Split(string(page), "```yaml\n")
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "```")
		if strings.Contains(block, "kind: ConfigMap") {
			list = block
		} else {
			application = block
		}
	}
	if len(parts) != 3 || list == "" || application == "" {
		t.Fatalf("%d blocks", len(parts)-1)
	}
	projects, _, _ := unstructured.NestedString(decoded(t, list).Object, "data", "projects")
	policies := install(t, "argocd")
	if said := policies.refusals(t, write{object: application, projects: projects}); len(said) != 0 {
		t.Errorf("%q", said)
	}
	if said := policies.refusals(t, write{object: application}); len(said) != 1 {
		t.Errorf("without the list: %q", said)
	}
}

// A hydrated branch has commits of the past, and the repository other people's.
func TestArgoAdmission_APersonSyncsWhatArgoCDComparedLast(t *testing.T) {
	const compared = "status: {sync: {revision: c0ffee}, sourceHydrator: {lastSuccessfulOperation: {hydratedSHA: decade}}}"
	sync := func(operation string) write {
		return write{object: app(specOf(hydrator), "operation: {"+operation+"}", compared), old: app(specOf(hydrator), compared), projects: listed}
	}
	forged := strings.ReplaceAll(compared, "c0ffee", "facade")
	checkBypasses(t, "argocd", map[string]bypass{
		"another commit":         {sync("sync: {revision: facade}"), sync("sync: {revision: c0ffee}"), "operation.sync.revision is not what Argo CD compared last"},
		"another branch":         {sync("sync: {revision: mine}"), sync("sync: {revision: live}"), "operation.sync.revision"},
		"a person who is not it": {sync("sync: {revision: facade}, initiatedBy: {username: admin}"), sync("sync: {revision: facade}, initiatedBy: {automated: true}"), "operation.sync.revision"},
		"an older one":           {sync("sync: {revision: abcdef}"), sync("sync: {revision: decade}"), "operation.sync.revision"},
		"with the status":        {write{object: app(specOf(hydrator), "operation: {sync: {revision: facade}}", forged), old: app(specOf(hydrator), compared), projects: listed}, sync("sync: {}"), "operation.sync.revision"},
		"at the creation":        {write{object: app(specOf(hydrator), "operation: {sync: {revision: facade}}"), projects: listed}, write{object: app(specOf(hydrator), "operation: {sync: {}}"), projects: listed}, "operation.sync.revision"},
		"without a hydrator":     {sync("sync: {revision: facade}"), write{object: app(specOf("source: "+gated), "operation: {sync: {revision: facade}}", compared), old: app(specOf("source: "+gated), compared), projects: listed}, "operation.sync.revision"},
	})
}

func TestArgoAdmission_ApplicationSetsLearnItEarly(t *testing.T) {
	set := func(spec string) write {
		return write{object: "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: shop, namespace: team-a}, spec: {" + spec + "}}"}
	}
	template := func(fields string) string { return "template: {metadata: {name: '{{.name}}'}, " + specOf(fields) + "}" }
	list := "generators: [{list: {elements: [{name: a}]}}], "
	good := set(list + template("source: "+gated))
	before := func(change string) write {
		old := list + template("source: "+plain(gated))
		return write{object: set(change + old).object, old: set(old).object}
	}
	hydrating := func(projects string) write {
		asked := set(list + template(hydrator))
		asked.projects = projects
		return asked
	}
	checkBypasses(t, "argocd", map[string]bypass{
		"no plugin":          {set(list + template("source: "+plain(gated))), good, "the source with path deploy does not name the plugin"},
		"a template in it":   {set(list + template("source: "+strings.ReplaceAll(gated, "assay", "'{{.plugin}}'"))), good, "without a template expression"},
		"the second":         {set(list + template("sources: ["+gated+", "+plain(gated)+"]")), set(list + template("sources: ["+gated+", {repoURL: x, ref: values}]")), "does not name the plugin"},
		"a ref alone":        {set(list + template("source: {repoURL: x, ref: values}")), set(list + template("sources: [{repoURL: x, ref: values}]")), "does not name the plugin"},
		"a ref with a path":  {set(list + template("sources: ["+gated+", {repoURL: x, ref: values, path: deploy}]")), set(list + template("sources: ["+gated+", {repoURL: x, ref: values}]")), "does not name the plugin"},
		"a ref with a chart": {set(list + template("sources: ["+gated+", {repoURL: x, ref: values, chart: web}]")), set(list + template("sources: ["+gated+", {repoURL: x, ref: values}]")), "of chart web"},
		"no source":          {set(list + template("destination: {namespace: shop}")), good, "names no source"},
		"a patch":            {set(list + template("source: "+gated) + ", templatePatch: 'spec: {}'"), set(list + template("source: "+gated) + ", templatePatch: ''"), "spec.templatePatch"},
		"a generator's template": {set("generators: [{selector: {}, list: {elements: [], template: {metadata: {}, spec: {source: " + gated + "}}}}], " + template("source: "+gated)),
			set("generators: [{selector: {}, list: {elements: [], template: {metadata: {}, spec: {destination: {}, project: ''}}}}], " + template("source: "+gated)), "generator's own template"},
		"the hydrator": {hydrating("platform * *"), hydrating(listed), `AppProject "team-a"`},
		"from before":  {before("goTemplate: true, "), before(""), "does not name the plugin"},
	})
}

func TestArgoAdmission_ManySourcesStayWithinTheApiServersBudget(t *testing.T) {
	policies := install(t, "argocd")
	many := strings.TrimSuffix(strings.Repeat(gated+", ", 300), ", ")
	object := app(specOf("sources: ["+many+"]"), "operation: {sync: {sources: ["+many+"]}}", "status: {operationState: {phase: Running, operation: {sync: {}}, syncResult: {sources: ["+many+", "+gated+"]}}}")
	if said := policies.refusals(t, write{object: object, old: app(specOf("source: "+gated), "operation: {sync: {}}")}); len(said) != 0 {
		t.Errorf("%q", said)
	}
}
