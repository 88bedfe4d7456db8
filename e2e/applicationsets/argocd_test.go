package applicationsets

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/argoproj/argo-cd/v3/applicationset/controllers/template"
	"github.com/argoproj/argo-cd/v3/applicationset/generators"
	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/reposerver/cache"
	"github.com/argoproj/argo-cd/v3/reposerver/metrics"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	cacheutil "github.com/argoproj/argo-cd/v3/util/cache"
	"github.com/argoproj/argo-cd/v3/util/git"
)

// argocd is Argo CD's own code: the generators, the renderer, and the service
// of the repo-server that lists folders and files, over a real Git repository.
type argocd struct {
	service    *repository.Service
	repository string
	clusters   []corev1.Secret
}

// newArgoCD commits a folder to a repository, for the repo-server to clone.
func newArgoCD(t *testing.T, tree string, clusters []corev1.Secret) *argocd {
	t.Helper()
	logrus.SetLevel(logrus.PanicLevel)
	for _, arguments := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A", "-f"},
		{"-c", "user.name=team-a", "-c", "user.email=team-a@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "all of it"},
	} {
		command := exec.CommandContext(t.Context(), "git", arguments...)
		command.Dir = tree
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
	kept := cache.NewCache(cacheutil.NewCache(cacheutil.NewInMemoryCache(time.Hour)), time.Hour, time.Hour, time.Second)
	service := repository.NewService(metrics.NewMetricsServer(), kept, repository.RepoServerInitConstants{ParallelismLimit: 1}, &git.NoopCredsStore{}, t.TempDir())
	if err := service.Init(); err != nil {
		t.Fatal(err)
	}
	return &argocd{service: service, repository: "file://" + filepath.ToSlash(tree), clusters: clusters}
}

// GetFiles asks the repo-server, whatever the repository is called.
func (a *argocd) GetFiles(ctx context.Context, _, _, _, pattern string, noRevisionCache bool, _ *v1alpha1.SourceIntegrity) (map[string][]byte, error) {
	answer, err := a.service.GetGitFiles(ctx, &apiclient.GitFilesRequest{
		Repo: &v1alpha1.Repository{Repo: a.repository}, Revision: "HEAD", Path: pattern, NoRevisionCache: noRevisionCache,
	})
	return answer.GetMap(), err
}

// GetDirectories asks the repo-server.
func (a *argocd) GetDirectories(ctx context.Context, _, _, _ string, noRevisionCache bool, _ *v1alpha1.SourceIntegrity) ([]string, error) {
	answer, err := a.service.GetGitDirectories(ctx, &apiclient.GitDirectoriesRequest{
		Repo: &v1alpha1.Repository{Repo: a.repository}, Revision: "HEAD", NoRevisionCache: noRevisionCache,
	})
	return answer.GetPaths(), err
}

// expand is what the controller makes of an ApplicationSet, before it looks
// whether projects and clusters are there.
func (a *argocd) expand(t *testing.T, text []byte) (applications map[string]any, failed error) {
	t.Helper()
	defer func() {
		if caught := recover(); caught != nil {
			failed = fmt.Errorf("it panics: %v", caught)
		}
	}()
	var set v1alpha1.ApplicationSet
	stored, err := yaml.YAMLToJSON(text) // as the API server has it: true is no text
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(stored, &set); err != nil {
		return nil, err
	}
	objects := a.client(t, set.Spec.Template.Spec.Project)
	all := generators.GetGenerators(t.Context(), objects, nil, "argocd", a, nil, generators.SCMConfig{}, nil)
	made, _, err := template.GenerateApplications(logrus.NewEntry(logrus.StandardLogger()), set, all, &utils.Render{}, objects)
	if err != nil {
		return nil, err
	}
	return plain(t, made), nil
}

func (a *argocd) client(t *testing.T, project string) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	made := fake.NewClientBuilder().WithScheme(scheme)
	for _, secret := range a.clusters {
		made = made.WithObjects(secret.DeepCopy())
	}
	if project != "" {
		made = made.WithObjects(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: project, Namespace: "argocd"}})
	}
	return made.Build()
}

// plain is metadata and spec of each Application by its name. The controller
// creates none of two with one name, and the API server none without a valid one.
func plain(t *testing.T, made []v1alpha1.Application) map[string]any {
	t.Helper()
	count := map[string]int{}
	for _, one := range made {
		count[one.Name]++
	}
	applications := map[string]any{}
	for _, one := range made {
		if count[one.Name] > 1 || len(validation.IsDNS1123Subdomain(one.Name)) > 0 {
			continue
		}
		text, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		applications[one.Name] = comparable(t, text)
	}
	return applications
}

// comparable is what of an Application is compared.
func comparable(t *testing.T, text []byte) any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	metadata, _ := fields["metadata"].(map[string]any)
	delete(metadata, "creationTimestamp")
	return map[string]any{"metadata": metadata, "spec": fields["spec"]}
}

func readSecrets(t *testing.T, path string) []corev1.Secret {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var secrets []corev1.Secret
	for _, document := range documents(text) {
		var secret corev1.Secret
		if err := yaml.Unmarshal(document, &secret); err != nil {
			t.Fatal(err)
		}
		for name, value := range secret.StringData { // as the API server stores it
			if secret.Data == nil {
				secret.Data = map[string][]byte{}
			}
			secret.Data[name] = []byte(value)
		}
		secrets = append(secrets, secret)
	}
	return secrets
}
