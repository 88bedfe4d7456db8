package policycontroller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
)

// TestGlobs_CoverTheSameImages compares which images a policy covers: static
// rules need no registry, so the references may name any host.
func TestGlobs_CoverTheSameImages(t *testing.T) {
	globs := []string{
		"**", "*", "*/*", "*/**", "nginx", "nginx*", "nginx**", "library/nginx*", "index.docker.io/library/nginx*", "index.docker.io/**",
		"registry.example.com/*", "registry.example.com/**", "registry.example.com/team/*", "registry.example.com/team/app",
		"registry.example.com/team/app@*", "registry.example.com/team/app:*", "registry.example.com/team/app@sha256:*", "registry.example.com/te*m/a*",
		"registry.example.com/team/app*", "registryxexample.com/**", "*.example.com/**", "**/app@*", "registry.example.com:5000/**", "docker.io/**",
		"registry.example.com/***", "registry.example.com/team/[a]pp", "registry.example.com/team/app?", "", "registry.example.com/team/**/app*",
	}
	digest := "@sha256:" + strings.Repeat("ab", 32)
	references := []string{
		"nginx" + digest, "nginx:1.27" + digest, "library/nginx" + digest, "index.docker.io/library/nginx" + digest, "docker.io/library/nginx" + digest,
		"team/app" + digest, "registry.example.com/app" + digest, "registry.example.com/team/app" + digest, "registry.example.com/team/app:v1" + digest,
		"registry.example.com/team/sub/app" + digest, "registry.example.com:5000/team/app" + digest, "other.example.com/team/app" + digest,
		"registryxexample.com/team/app" + digest, "localhost:5000/app" + digest,
	}
	// policy-controller compares globs with repository@digest, so these never
	// match there; assay refuses them, as their author thought that they do.
	matchNothing := []string{"nginx", "registry.example.com/team/app", "registry.example.com/team/app:*"}
	ctx, compared, covered := context.Background(), 0, 0
	for _, glob := range globs {
		file := write(t, "glob.yaml", fmt.Appendf(nil, "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: glob\n"+
			"spec:\n  images:\n    - glob: %q\n  authorities:\n    - static:\n        action: pass\n", glob))
		theirs, theirErr := Load(ctx, nil, nil, file)
		ours, ourErr := answers.Load("registry.example.com", file)
		compared++
		if matchesNothing := slices.Contains(matchNothing, glob); matchesNothing && theirErr == nil {
			if ourErr == nil {
				t.Errorf("glob %q can never match, and assay takes it", glob)
			}
			for _, reference := range references {
				if their, _ := theirs.Ask(ctx, reference); their != answers.Denied {
					t.Errorf("glob %q is listed as one that matches nothing, and it matches %s", glob, reference)
				}
			}
			continue
		}
		if (theirErr == nil) != (ourErr == nil) {
			t.Errorf("glob %q\n\tpolicy-controller: %v\n\tassay: %v", glob, theirErr, ourErr)
		}
		if theirErr != nil || ourErr != nil {
			continue
		}
		for _, reference := range references {
			their, why := theirs.Ask(ctx, reference)
			our, reason := ours.Ask(ctx, reference)
			if their != our {
				t.Errorf("glob %q, image %s: policy-controller: %s (%s), assay: %s (%s)", glob, reference, their, why, our, reason)
			}
			compared++
			if our == answers.Admitted {
				covered++
			}
		}
	}
	t.Logf("policy-controller: %d globs and %d references: %d answers compared, %d covered", len(globs), len(references), compared, covered)
}
