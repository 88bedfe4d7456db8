package page_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

func judged() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC) }

// somePages is a catalogue of two rules.
func somePages(id string) (report.Rule, bool) {
	page, known := map[string]report.Rule{
		"image/not-signed": {Title: "Somebody vouches for the image", Severity: "critical", Why: "anybody could have built it", Fix: "sign it", Page: "https://docs.example.com/image-not-signed.md"},
		"pss/restricted":   {Title: "Pods are restricted", Severity: "high", Pack: "pack/workload@1", Why: "a pod is not root", Fix: "set the fields", Page: "https://docs.example.com/pss-restricted.md"},
	}[id]
	return page, known
}

func digestOf(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func deploymentID(namespace, name string) plugin.ObjectID {
	return plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name}
}

// empty is a change that affects nothing.
func empty() change.Report {
	return change.Report{
		Schema: change.Schema, Base: change.Side{Name: "main"}, Head: change.Side{Name: "feature"}, At: judged(), Gates: []string{"platform"},
		Summary: change.Summary{Unaffected: 12},
	}
}

// rich is a change of several applications, in which everything occurs once.
func rich() change.Report {
	r := change.Report{
		Schema: change.Schema, At: judged(), Gates: []string{"payments", "platform"},
		Base: change.Side{Name: "main", Commit: "1f0c2b7a9d5e4f6a8b7c6d5e4f3a2b1c0d9e8f7a"},
		Head: change.Side{Name: "feature/checkout-2", Commit: "9b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b"},
		Summary: change.Summary{
			Added: 1, Changed: 2, Removed: 1, Unaffected: 196, Denied: 1, Undetermined: 1, NewDenials: 2, NewUndetermined: 1, Fixed: 1, Still: 2,
			Objects: change.Counts{Added: 2, Changed: 4, Removed: 1}, Images: change.Counts{Added: 1, Changed: 2, Removed: 1}, Rollouts: 2,
		},
		Applications: []change.Application{checkout(), search(), newApplication(), removedApplication()},
		Unseen: []change.Unseen{
			{Application: "Application argocd/billing", Origin: plugin.Origin{File: "apps/billing.yaml", Line: 9}, What: "https://charts.example.com/billing 1.4.0", Reason: "the chart is neither vendored nor in the cache", Hint: "run assay vendor apps/billing, or allow the host under registries", Base: true, Head: true},
			{Origin: plugin.Origin{File: "appsets/previews.yaml", Line: 4}, What: "ApplicationSet argocd/previews: generator pullRequest", Reason: "the generator asks a service", Hint: "write those to preview as a list generator", Head: true},
		},
	}
	return r
}

func checkout() change.Application {
	web, worker := deploymentID("shop", "web"), deploymentID("shop", "worker")
	return change.Application{
		Kind: "Application", Namespace: "argocd", Name: "checkout", Origin: plugin.Origin{File: "apps/checkout.yaml", Line: 1}, Path: "checkout/overlays/prod",
		Parents: []string{"ApplicationSet argocd/shop"}, Status: change.Changed,
		Before: &change.Answer{Outcome: plugin.Allowed, Objects: 41, Images: 3, Warnings: 3, Seal: digestOf("a")},
		After:  &change.Answer{Outcome: plugin.Denied, Objects: 42, Images: 3, Denials: 2, Warnings: 3, Seal: digestOf("b")},
		Objects: []change.Object{
			{
				ID: web, Origin: plugin.Origin{File: "checkout/base/web.yaml", Line: 1}, Status: change.Changed, Rolls: true, Effect: report.Rolls, Folded: 2,
				Fields: []change.Field{
					{Path: "metadata.annotations.checksum/config", Status: change.Changed, Was: `"9f86d081"`, Now: `"60303ae2"`, Noise: "checksum"},
					{Path: "metadata.labels.helm.sh/chart", Status: change.Changed, Was: `"web-1.2.0"`, Now: `"web-1.3.0"`, Noise: "generated label"},
					{Path: "spec.replicas", Status: change.Changed, Was: "2", Now: "3"},
					{Path: "spec.template.spec.containers[name=web].image", Status: change.Changed, Was: `"registry.example.com/shop/web:1.2.0@` + digestOf("1") + `"`, Now: `"registry.example.com/shop/web:1.3.0@` + digestOf("2") + `"`},
					{Path: "spec.template.spec.containers[name=web].securityContext.privileged", Status: change.Added, Now: "true"},
					{Path: "spec.template.spec.containers[name=web].securityContext.runAsNonRoot", Status: change.Added, Now: "true", Injected: true},
					{Path: "spec.template.spec.priorityClassName", Status: change.Removed, Was: `"low"`},
				},
			},
			{
				ID: plugin.ObjectID{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "web-config-2bm8k4g5hf"}, Status: change.Changed, Origin: plugin.Origin{File: "checkout/base/kustomization.yaml", Line: 12},
				WasID: &plugin.ObjectID{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "web-config-7tbf9d6m2k"},
				Fields: []change.Field{{Path: "data.nginx.conf", Status: change.Changed, Lines: []string{
					"@@ -1,5 +1,6 @@", " server {", "-  listen 8080;", "+  listen 8443 ssl;", "+  ssl_certificate /tls/tls.crt;", "   location / {", "     root /srv;",
				}}},
			},
			{
				ID: plugin.ObjectID{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "stripe"}, Status: change.Changed, Origin: plugin.Origin{File: "checkout/base/secret.yaml", Line: 1},
				Fields: []change.Field{{Path: "data.key", Status: change.Changed, Was: plugin.Masked, Now: plugin.Masked}},
			},
			{ID: worker, Status: change.Added, Rolls: false, Origin: plugin.Origin{File: "checkout/base/worker.yaml", Line: 1}, Fields: []change.Field{
				{Path: "spec.replicas", Status: change.Added, Now: "1"},
				{Path: "spec.template.spec.containers[name=worker].image", Status: change.Added, Now: `"registry.example.com/shop/worker:0.1.0"`},
			}},
		},
		Images: richImages(web, worker),
		Findings: []change.Finding{
			{State: change.New, Finding: plugin.Finding{
				Rule: "pss/restricted", Level: plugin.Deny, Gate: "platform", Object: web, Field: "spec.template.spec.containers[0].securityContext.privileged",
				Origin: plugin.Origin{File: "checkout/base/web.yaml", Line: 31}, Message: "the container web is privileged", Why: "a privileged container owns its node", Hint: "remove privileged: true",
			}},
			{State: change.New, Finding: plugin.Finding{
				Rule: "image/not-signed", Level: plugin.Deny, Gate: "payments", Image: "registry.example.com/shop/worker:0.1.0", Digest: digestOf("5"),
				Message: "nobody that the rule release trusts signed it", Why: "anybody could have built it", Hint: "sign it in the workflow that builds it",
				Details: []string{"signature by https://github.com/someone/fork/.github/workflows/build.yaml@refs/heads/main: the subject is not the one that is trusted"},
			}},
			{State: change.New, Finding: plugin.Finding{Rule: "workload/no-probe", Level: plugin.Warn, Gate: "platform", Object: worker, Message: "the container worker has no readiness probe", Hint: "add one"}},
			{State: change.Still, Finding: plugin.Finding{Rule: "workload/no-limits", Level: plugin.Warn, Gate: "platform", Object: web, Message: "the container web has no memory limit", Hint: "set one"}},
			{State: change.Fixed, Finding: plugin.Finding{Rule: "workload/latest-tag", Level: plugin.Warn, Gate: "platform", Object: web, Message: "the tag latest is used", Hint: "name a version"}},
		},
		Waivers: []change.Waiver{
			{State: change.Still, Use: "used", Rule: "workload/no-limits", Gate: "platform", Object: web, Waived: plugin.Waived{Kind: "waiver", Owner: "team-a", Approver: "platform@example.com", Reason: "sized in Q2, see OPS-12", Until: time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)}},
			{State: change.New, Use: "requested", Rule: "pss/restricted", Gate: "platform", Object: web, Waived: plugin.Waived{Kind: "waiver", Reason: "a waiver of pss/restricted is requested: the driver needs it"}},
		},
		Rollouts: []plugin.ObjectID{web},
	}
}

func richImages(web, worker plugin.ObjectID) []change.Image {
	workflow := func(version string) plugin.Claims {
		return plugin.Claims{
			Kind: plugin.EvidenceAttestation, Digest: digestOf("2"), Format: "bundle", Signer: "https://github.com/example/shop/.github/workflows/release.yaml@refs/tags/" + version,
			Issuer: "https://token.actions.githubusercontent.com", TrustRoot: "public-good", PredicateType: "https://slsa.dev/provenance/v1",
			SourceRepository: "https://github.com/example/shop", SourceRevision: strings.Repeat(version[len(version)-1:], 40), SourceRef: "refs/tags/" + version,
			BuildLevel: 3, Builder: "https://github.com/actions/runner/github-hosted", RunURI: "https://github.com/example/shop/actions/runs/4711/attempts/1",
			Signed: time.Date(2026, 3, 12, 8, 30, 0, 0, time.UTC),
		}
	}
	key := plugin.Claims{Kind: plugin.EvidenceSignature, Digest: digestOf("3"), Format: "cosign-tag", Signer: digestOf("9")}
	return []change.Image{
		{
			Repository: "registry.example.com/shop/sidecar", Status: change.Changed, Moved: true, Weaker: true, Uses: []plugin.ObjectID{web},
			Was:   &change.ImageSide{Written: "registry.example.com/shop/sidecar:stable", Tag: "stable", Digest: digestOf("3"), From: plugin.DigestResolved, Platforms: []string{"linux/amd64", "linux/arm64"}, Size: 18_400_000, Verified: "verified", Vouchers: []plugin.Claims{key}},
			Now:   &change.ImageSide{Written: "registry.example.com/shop/sidecar:stable", Tag: "stable", Digest: digestOf("4"), From: plugin.DigestResolved, Platforms: []string{"linux/amd64"}, Size: 21_900_000, Verified: "not verified"},
			Trust: []string{"nobody vouches for it any more; before it was vouched for by the key sha256:999999999999", "the tag stable was moved to another image: was sha256:333333333333, now sha256:444444444444"},
		},
		{
			Repository: "registry.example.com/shop/web", Status: change.Changed, Uses: []plugin.ObjectID{web},
			Was:   &change.ImageSide{Written: "registry.example.com/shop/web:1.2.0", Tag: "1.2.0", Digest: digestOf("1"), From: plugin.DigestLocked, Platforms: []string{"linux/amd64", "linux/arm64"}, Size: 61_200_000, Verified: "verified", Vouchers: []plugin.Claims{workflow("v1.2.0")}},
			Now:   &change.ImageSide{Written: "registry.example.com/shop/web:1.3.0", Tag: "1.3.0", Digest: digestOf("2"), From: plugin.DigestLocked, Platforms: []string{"linux/amd64", "linux/arm64"}, Size: 58_700_000, Verified: "verified", Vouchers: []plugin.Claims{workflow("v1.3.1")}},
			Trust: []string{"built from 000000000000..111111111111 of https://github.com/example/shop"},
			Vulnerabilities: &change.Vulnerabilities{
				Added:   []change.Vulnerability{{ID: "CVE-2026-1234", Severity: "high", Package: "openssl 3.0.11", Fixed: "3.0.12"}},
				Removed: []change.Vulnerability{{ID: "CVE-2025-0001", Severity: "critical", Package: "zlib 1.2.11", Fixed: "1.2.13"}, {ID: "CVE-2025-0002", Severity: "low", Package: "curl 8.1"}}, Same: 4,
			},
		},
		{
			Repository: "registry.example.com/shop/worker", Status: change.Added, Uses: []plugin.ObjectID{worker},
			Now: &change.ImageSide{Written: "registry.example.com/shop/worker:0.1.0", Tag: "0.1.0", Digest: digestOf("5"), From: plugin.DigestResolved, Platforms: []string{"linux/amd64"}, Size: 9_100_000, Verified: "not verified"},
		},
		{
			Repository: "registry.example.com/base/proxy", Status: change.Same, Uses: []plugin.ObjectID{web},
			Was: &change.ImageSide{Written: "registry.example.com/base/proxy:2.8", Tag: "2.8", Digest: digestOf("6"), From: plugin.DigestWritten, Verified: "verified", Vouchers: []plugin.Claims{key}},
			Now: &change.ImageSide{Written: "registry.example.com/base/proxy:2.8", Tag: "2.8", Digest: digestOf("6"), From: plugin.DigestWritten, Verified: "verified", Vouchers: []plugin.Claims{key}},
		},
	}
}

func search() change.Application {
	id := plugin.ObjectID{APIVersion: "batch/v1", Kind: "CronJob", Namespace: "search", Name: "reindex"}
	return change.Application{
		Kind: "Kustomization", Namespace: "flux-system", Name: "search", Origin: plugin.Origin{File: "clusters/prod/search.yaml", Line: 1}, Path: "search/prod", Status: change.Changed,
		Before: &change.Answer{Outcome: plugin.Allowed, Objects: 12, Images: 2}, After: &change.Answer{Outcome: plugin.Unanswered, Objects: 12, Images: 2, Unanswered: 1},
		Objects: []change.Object{{ID: id, Status: change.Changed, Effect: report.NextRun, Origin: plugin.Origin{File: "search/base/reindex.yaml", Line: 1}, Fields: []change.Field{
			{Path: "spec.schedule", Status: change.Changed, Was: `"0 3 * * *"`, Now: `"0 * * * *"`},
		}}},
		Images: []change.Image{{
			Repository: "registry.example.com/search/indexer", Status: change.Changed, Uses: []plugin.ObjectID{id},
			Was:   &change.ImageSide{Written: "registry.example.com/search/indexer:7", Tag: "7", Digest: digestOf("7"), Verified: "verified"},
			Now:   &change.ImageSide{Written: "registry.example.com/search/indexer:8", Tag: "8", Digest: digestOf("8"), Verified: "undetermined"},
			Trust: []string{"who vouches for it could not be looked at; on the base somebody was asked: verified"},
		}},
		Findings: []change.Finding{
			{State: change.New, Finding: plugin.Finding{Rule: "image/undetermined", Level: plugin.Undetermined, Gate: "platform", Image: "registry.example.com/search/indexer:8", Message: "the registry answered 429 five times", Hint: "run it again later"}},
			{State: change.Still, Finding: plugin.Finding{Rule: "workload/no-limits", Level: plugin.Warn, Gate: "platform", Object: id, Message: "the container indexer has no memory limit"}},
		},
	}
}

func newApplication() change.Application {
	id := plugin.ObjectID{APIVersion: "v1", Kind: "Namespace", Name: "metrics"}
	return change.Application{
		Kind: "kustomize", Name: "metrics/prod", Origin: plugin.Origin{File: "metrics/prod/kustomization.yaml"}, Path: "metrics/prod", Status: change.Added,
		After:   &change.Answer{Outcome: plugin.Allowed, Objects: 1},
		Objects: []change.Object{{ID: id, Status: change.Added, Fields: []change.Field{{Path: "metadata.labels.team", Status: change.Added, Now: `"team-a"`}}}},
	}
}

func removedApplication() change.Application {
	return change.Application{
		Kind: "HelmRelease", Namespace: "legacy", Name: "cache", Origin: plugin.Origin{File: "clusters/prod/cache.yaml", Line: 3}, Status: change.Removed,
		Before: &change.Answer{Outcome: plugin.Denied, Objects: 3, Images: 1, Denials: 1},
		Objects: []change.Object{{
			ID: plugin.ObjectID{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: "legacy", Name: "redis"}, Status: change.Removed, Fields: []change.Field{{Path: "spec.replicas", Status: change.Removed, Was: "1"}},
		}},
		Images:   []change.Image{{Repository: "docker.io/library/redis", Status: change.Removed, Was: &change.ImageSide{Written: "redis:5", Tag: "5", Digest: digestOf("c"), Verified: "not verified"}}},
		Findings: []change.Finding{{State: change.Fixed, Finding: plugin.Finding{Rule: "image/not-signed", Level: plugin.Deny, Image: "redis:5", Message: "nobody signed it"}}},
	}
}

// tricky is a text that tries to be more than a text, in every format.
const tricky = "a|b `c` ```\n</details></script><script>window.pwned=1</script><img src=x onerror=window.pwned=2> @team-a #1 GH-2 [x](https://evil.example.com/a) ![y](http://evil.example.com/y.png) www.evil.example.com --> \" onmouseover=alert(1) ' {{.}} \x1b[31mred\n# head ]]> & \u202e javascript:alert(1) !3 ~bug %4 $5 &6\n/approve"

// hostile has tricky in every text that another may have written.
func hostile() change.Report {
	id := plugin.ObjectID{APIVersion: "v1", Kind: tricky, Namespace: tricky, Name: tricky}
	at := plugin.Origin{File: "a b/" + tricky, Line: 3}
	finding := plugin.Finding{
		Rule: "pss/restricted", Level: plugin.Deny, Gate: "platform", Object: id, Field: tricky, Origin: at, Message: tricky, Why: tricky, Hint: tricky, Details: []string{tricky}, Image: tricky,
		Waiver: nil,
	}
	waived := finding
	waived.Level, waived.Waiver, waived.Rule = plugin.Warn, &plugin.Waived{Kind: "waiver", Owner: tricky, Reason: tricky, Until: judged()}, tricky
	question := finding
	question.Level, question.Object = plugin.Undetermined, plugin.ObjectID{}
	claims := plugin.Claims{
		Kind: plugin.EvidenceSignature, Digest: tricky, Signer: tricky, Issuer: "javascript:alert(1)" + tricky, Builder: tricky, SourceRepository: "javascript:alert(1)", SourceRevision: tricky, SourceRef: tricky, RunURI: "javascript:alert(2)",
	}
	side := &change.ImageSide{Written: tricky, Tag: tricky, Digest: tricky, Platforms: []string{tricky}, Verified: "verified", Vouchers: []plugin.Claims{claims}}
	application := change.Application{
		Kind: "Application", Namespace: tricky, Name: tricky, WasName: "/approve", Origin: at, Parents: []string{tricky}, Path: tricky, Status: change.Changed, Note: tricky,
		Before: &change.Answer{Outcome: plugin.Allowed}, After: &change.Answer{Outcome: plugin.Denied, Denials: 1, Banner: tricky},
		Objects: []change.Object{{ID: id, WasID: &id, Origin: at, Status: change.Changed, Folded: 1, Fields: []change.Field{
			{Path: tricky, Status: change.Changed, Was: tricky, Now: tricky}, {Path: tricky, Status: change.Changed, Lines: []string{"@@ -1 +1 @@", "-" + tricky, "+" + tricky, " ```", "</textarea></style></script>", "/approve", ""}},
			{Path: tricky, Status: change.Changed, Was: tricky, Now: tricky, Noise: tricky},
		}}},
		Images: []change.Image{{
			Repository: tricky, Status: change.Changed, Weaker: true, Was: side, Now: side, Uses: []plugin.ObjectID{id}, Trust: []string{tricky},
			Vulnerabilities: &change.Vulnerabilities{Added: []change.Vulnerability{{ID: tricky, Severity: tricky, Package: tricky, Fixed: tricky}}},
		}},
		Findings: []change.Finding{{State: change.New, Finding: finding}, {State: change.New, Finding: question}, {State: change.New, Finding: waived}, {State: change.Fixed, Finding: waived}},
		Waivers:  []change.Waiver{{State: change.New, Use: "used", Rule: tricky, Gate: tricky, Object: id, Image: tricky, Waived: *waived.Waiver}},
		Rollouts: []plugin.ObjectID{id},
	}
	return change.Report{
		Schema: change.Schema, Base: change.Side{Name: tricky}, Head: change.Side{Name: tricky, Commit: "9b8a7c6d5e4f"}, At: judged(), Gates: []string{tricky},
		Summary:      change.Summary{Changed: 1, Denied: 1, NewDenials: 1, NewUndetermined: 1, Fixed: 1, Objects: change.Counts{Changed: 1}, Images: change.Counts{Changed: 1}, Rollouts: 1},
		Applications: []change.Application{application},
		Unseen:       []change.Unseen{{Application: tricky, Origin: at, What: tricky, Reason: tricky, Hint: tricky, Head: true}},
	}
}

// many is a change with so many applications, objects in each, fields in each
// object and new denials in each application.
func many(applications, objects, fields, denials int) change.Report {
	r := rich()
	r.Applications, r.Unseen = nil, nil
	r.Summary = change.Summary{Changed: applications, Denied: applications, NewDenials: applications * denials, Objects: change.Counts{Changed: applications * objects}}
	for i := range applications {
		a := change.Application{
			Kind: "Application", Namespace: "argocd", Name: fmt.Sprintf("app-%d", i), Status: change.Changed, Origin: plugin.Origin{File: fmt.Sprintf("apps/%d.yaml", i), Line: 1},
			Before: &change.Answer{Outcome: plugin.Allowed, Objects: objects}, After: &change.Answer{Outcome: plugin.Denied, Objects: objects, Denials: denials},
		}
		for j := range objects {
			object := change.Object{ID: deploymentID("shop", fmt.Sprintf("web-%d", j)), Status: change.Changed, Rolls: j%2 == 0}
			for k := range fields {
				object.Fields = append(object.Fields, change.Field{Path: fmt.Sprintf("spec.template.spec.containers[name=web].env[name=VALUE_%d].value", k), Status: change.Changed, Was: `"before"`, Now: `"after"`})
			}
			a.Objects = append(a.Objects, object)
		}
		for j := range denials {
			a.Findings = append(a.Findings, change.Finding{State: change.New, Finding: plugin.Finding{
				Rule: "pss/restricted", Level: plugin.Deny, Object: deploymentID("shop", fmt.Sprintf("web-%d", j)), Message: "the container web is privileged", Hint: "remove it",
			}})
		}
		r.Applications = append(r.Applications, a)
	}
	return r
}

// huge is a change of 10,000 objects and 50 MB of differences.
func huge() change.Report {
	r := many(10, 1000, 5, 1)
	lines := make([]string, 100)
	for i := range lines {
		lines[i] = "+" + strings.Repeat("x", 45)
	}
	for i := range r.Applications {
		for j := range r.Applications[i].Objects {
			object := &r.Applications[i].Objects[j]
			object.ID.Kind = []string{"Deployment", "ConfigMap", "Service"}[j%3]
			object.Fields = append(object.Fields, change.Field{Path: "data.text", Status: change.Added, Lines: lines})
		}
	}
	return r
}
