package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// accounts asks for a password: each opens the repositories below one prefix.
func accounts(prefixes map[string]string) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		_, password, given := r.BasicAuth()
		prefix, known := prefixes[password]
		switch {
		case !given || !known:
			return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="registry"`}}}
		case !strings.HasPrefix(r.URL.Path, "/v2/"+prefix) && r.URL.Path != "/v2/":
			return &ociserver.Fault{Status: 403}
		}
		return nil
	}
}

func tenantAt(host, name, password string) registry.Tenant {
	return registry.Tenant{Name: name, Credentials: []registry.TenantCredential{
		{Repositories: registry.Repositories{Host: host}, Credential: registry.Credential{Username: "puller", Password: password}},
	}}
}

// lists is a gate that lists a prefix of the server for tenants.
func lists(server *ociserver.Server, prefix string) func(*registry.Options) {
	return func(o *registry.Options) {
		o.Tenants = []registry.Repositories{{Host: server.Host(), Prefix: prefix}}
	}
}

func visiting(t *testing.T, tenant registry.Tenant) context.Context {
	t.Helper()
	ctx, _ := tenant.Visit(t.Context())
	return ctx
}

func TestTenant_CredentialIsUsedWhereTheGateListsItAndNowhereElse(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	for _, repository := range []string{"team-a/app:v1", "team-a/deep/app:v1", "team-ab/app:v1", "app:v1"} {
		pushImage(t, server, repository)
	}
	server.SetFault(accounts(map[string]string{secret: ""})) // it could read all
	for prefix, readable := range map[string][]string{
		"team-a/":     {"team-a/app", "team-a/deep/app"},
		"team-a/app/": {"team-a/app"},
		"":            {"team-a/app", "team-a/deep/app", "team-ab/app", "app"},
		"team-b/":     nil,
	} {
		client, _ := newClient(t, server, lists(server, prefix))
		ctx, visit := tenantAt(server.Host(), "team-a/pull", secret).Visit(t.Context())
		server.ResetRequests()
		may := map[string]bool{}
		for _, path := range readable {
			may[path] = true
		}
		var unlisted []string
		for _, path := range []string{"app", "team-a/app", "team-a/deep/app", "team-ab/app"} {
			err := client.Resolve(ctx, []plugin.Reference{reference(t, server.Host()+"/"+path+":v1")})[0].Err
			if may[path] != (err == nil) {
				t.Errorf("prefix %q: %s: %v", prefix, path, err)
			}
			if !may[path] {
				unanswered(t, err, "not allowed with this credential")
				unlisted = append(unlisted, server.Host()+"/"+path)
			}
		}
		for _, request := range server.Requests() {
			if request.Authorized && request.Class != ociserver.ClassPing && !may[request.Repository] {
				t.Errorf("prefix %q: the credential was shown for %s", prefix, request.Repository)
			}
		}
		if got := visit.Unlisted(); fmt.Sprint(got) != fmt.Sprint(unlisted) {
			t.Errorf("prefix %q: unlisted are %v, want %v", prefix, got, unlisted)
		}
	}
}

// TestTenant_ItsCredentialStandsInThePlaceOfTheGates: what the tenant may not
// read is not read for it with the platform's credential.
func TestTenant_ItsCredentialStandsInThePlaceOfTheGates(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "team-a/app:v1")
	pushImage(t, server, "team-a/secret/app:v1")
	server.SetFault(accounts(map[string]string{"gates": "", "tenants": "team-a/app"}))
	client, _ := newClient(t, server, func(o *registry.Options) {
		lists(server, "team-a/")(o)
		o.Hosts[0].Credential = registry.Credential{Username: "platform", Password: "gates"}
	})
	hidden := []plugin.Reference{reference(t, server.Host()+"/team-a/secret/app:v1")}
	if got := client.Resolve(t.Context(), hidden)[0]; got.Err != nil {
		t.Fatalf("twin without a tenant: %v", got.Err)
	}
	ctx := visiting(t, tenantAt(server.Host(), "team-a/pull", "tenants"))
	if got := client.Resolve(ctx, []plugin.Reference{reference(t, server.Host()+"/team-a/app:v1")})[0]; got.Err != nil {
		t.Errorf("twin that it may read: %v", got.Err)
	}
	err := client.Resolve(ctx, hidden)[0].Err
	unanswered(t, err, "not allowed with this credential")
	if findings := plugin.FindingsFromError("resolve", err); !strings.Contains(findings[0].Hint, "pull secret team-a/pull") || !findings[0].Lasting {
		t.Errorf("%+v", findings)
	}
}

func TestTenant_FactsAreSharedWithNobody(t *testing.T) {
	k := newKept(t)
	k.server.SetFault(accounts(map[string]string{secret: ""}))
	gate := lists(k.server, "team-a/")
	repository := k.server.Host() + "/team-a/app"
	read := func(ctx context.Context, client *registry.Client) (int, error) {
		k.server.ResetRequests()
		_, err := client.Manifest(ctx, repository, "v1")
		if err == nil {
			_, err = client.Referrers(ctx, repository, k.digest)
		}
		return k.server.Count(), err
	}
	client := k.process(gate)
	mine := visiting(t, tenantAt(k.server.Host(), "team-a/pull", secret))
	if asked, err := read(mine, client); err != nil || asked == 0 {
		t.Fatalf("%d requests, %v", asked, err)
	}
	for name, process := range map[string]*registry.Client{"this process": client, "the next process": k.process(gate)} {
		if asked, err := read(visiting(t, tenantAt(k.server.Host(), "team-a/pull", secret)), process); err != nil || asked != 0 {
			t.Errorf("%s: the same tenant needs %d requests, %v", name, asked, err)
		}
		if asked, err := read(visiting(t, tenantAt(k.server.Host(), "team-b/"+name, secret)), process); err != nil || asked == 0 {
			t.Errorf("%s: another tenant with the same password needs %d requests, %v", name, asked, err)
		}
		if _, err := read(visiting(t, tenantAt(k.server.Host(), "team-a/pull", "another")), process); err == nil {
			t.Errorf("%s: another password reads what the right one read", name)
		}
		if _, err := read(t.Context(), process); err == nil {
			t.Errorf("%s: nobody reads what the tenant read", name)
		}
		if _, _, found := process.StaleReferrers(t.Context(), repository, k.digest); found {
			t.Errorf("%s: nobody knows what the tenant's referrers were", name)
		}
		if _, _, found := process.StaleReferrers(mine, repository, k.digest); !found {
			t.Errorf("%s: the tenant does not know its own", name)
		}
	}
	unlisted := k.process(nil)
	if _, err := read(mine, unlisted); err == nil {
		t.Error("where the gate no longer lists it, the tenant reads what was kept")
	}
	// A platform that has the same password does not know what the tenant's read.
	same := k.process(func(o *registry.Options) {
		gate(o)
		o.Hosts[0].Credential = registry.Credential{Username: "puller", Password: secret}
	})
	if asked, err := read(t.Context(), same); err != nil || asked == 0 {
		t.Errorf("the platform's own credential needs %d requests, %v", asked, err)
	}
}

func TestTenant_CredentialDoesNotGoToAnotherHost(t *testing.T) {
	other, origin := startServer(t, ociserver.Options{}), startServer(t, ociserver.Options{})
	blob := pushBlob(t, other, "team-a/app", []byte("evidence"))
	pushBlob(t, other, "cache/team-a/app", []byte("evidence"))
	ask := accounts(map[string]string{secret: ""})
	origin.SetFault(func(r *http.Request) *ociserver.Fault {
		if fault := ask(r); fault != nil || !strings.Contains(r.URL.Path, "/blobs/") {
			return fault
		}
		return &ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://" + other.Host() + r.URL.Path}}}
	})
	tenant := tenantAt(origin.Host(), "team-a/pull", secret)
	tenant.Credentials = append(tenant.Credentials, tenantAt(other.Host(), "", secret).Credentials...)
	for name, change := range map[string]func(*registry.Options){
		"redirect": func(*registry.Options) {},
		"mirror": func(o *registry.Options) {
			o.Hosts[0].Mirrors = []string{other.Host() + "/cache"}
		},
	} {
		client, _ := newClient(t, origin, func(o *registry.Options) {
			o.Tenants = []registry.Repositories{{Host: origin.Host()}, {Host: other.Host()}}
			o.Hosts = append(o.Hosts, registry.Host{Host: other.Host(), Private: true, PlainHTTP: true})
			change(o)
		})
		other.ResetRequests()
		data, err := client.Blob(visiting(t, tenant), origin.Host()+"/team-a/app", blob, 100)
		if err != nil || string(data) != "evidence" || other.Count() == 0 {
			t.Errorf("%s: %q, %v, after %d requests to the other host", name, data, err, other.Count())
		}
		for _, request := range other.Requests() {
			if request.Authorized {
				t.Errorf("%s: the other host saw a credential: %+v", name, request)
			}
		}
	}
}

func TestTenant_TokenServiceOfAnotherSiteDoesNotSeeTheCredential(t *testing.T) {
	thief := startServer(t, ociserver.Options{})
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "puller", Password: secret, Realm: "http://localhost:" + strings.Split(thief.Host(), ":")[1] + "/token"}})
	client, _ := newClient(t, server, func(o *registry.Options) {
		lists(server, "")(o)
		o.AllowLoopback = true
	})
	refused(t, client.Resolve(visiting(t, tenantAt(server.Host(), "team-a/pull", secret)), []plugin.Reference{reference(t, server.Host()+"/app:v1")})[0].Err, "registry/token-realm")
	if thief.Count() != 0 {
		t.Errorf("the thief heard: %+v", thief.Requests())
	}
}

func TestTenant_ChartsOfARegistryAreReadAndThoseOfAChartRepositoryAreNot(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushChart(t, server, "team-a/charts/app:0.1.0", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	server.SetFault(accounts(map[string]string{secret: ""}))
	client, _ := newClient(t, server, lists(server, "team-a/"))
	chart := registry.Chart{Repository: "oci://" + server.Host() + "/team-a/charts", Name: "app", Version: "0.1.0"}
	if _, err := client.Chart(visiting(t, tenantAt(server.Host(), "team-a/pull", secret)), chart); err != nil {
		t.Error(err)
	}
	if _, err := client.Chart(t.Context(), chart); err == nil {
		t.Error("a chart that the tenant read is there for everybody")
	}
	charts := startCharts(t)
	plain, err := registry.New(registry.Options{Hosts: []registry.Host{charts.entry()}, Tenants: []registry.Repositories{{Host: charts.host()}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	ctx := visiting(t, tenantAt(charts.host(), "team-a/pull", secret))
	if _, err := plain.Chart(ctx, charts.chart()); err != nil {
		t.Error(err)
	}
	if _, err := plain.File(ctx, charts.URL+"/charts/index.yaml", 1<<20); err != nil {
		t.Error(err)
	}
	if charts.authorized() {
		t.Error("a chart repository saw the pull secret")
	}
}

func TestTenant_LongestPrefixOfTheSecretDecides(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "team-a/app:v1")
	pushImage(t, server, "team-a/tools/app:v1")
	server.SetFault(accounts(map[string]string{"wide": "team-a/app", "narrow": "team-a/tools/"}))
	tenant := tenantAt(server.Host(), "team-a/pull", "wide")
	narrow := tenantAt(server.Host(), "", "narrow").Credentials[0]
	narrow.Prefix = "team-a/tools"
	tenant.Credentials = append(tenant.Credentials, narrow)
	client, _ := newClient(t, server, lists(server, "team-a/"))
	for _, path := range []string{"team-a/app", "team-a/tools/app"} {
		if got := client.Resolve(visiting(t, tenant), []plugin.Reference{reference(t, server.Host()+"/"+path+":v1")})[0]; got.Err != nil {
			t.Errorf("%s: %v", path, got.Err)
		}
	}
}

func TestTenant_NoTextShowsTheCredential(t *testing.T) {
	tenant := tenantAt("registry.example.com", "team-a/pull", secret)
	tenant.Credentials[0].Credential.IdentityToken, tenant.Credentials[0].Credential.RegistryToken = secret+"i", secret+"r"
	ctx, visit := tenant.Visit(t.Context())
	document, err := json.Marshal([]any{tenant, &tenant, visit})
	if err != nil {
		t.Fatal(err)
	}
	all := string(document) + fmt.Sprintf("%v %+v %#v %s %v %+v %#v %v %+v %v", tenant, tenant, tenant, tenant, &tenant, &tenant, tenant.Credentials, ctx, visit, visit)
	if strings.Contains(all, secret) || strings.Contains(all, "puller") {
		t.Error(all)
	}
	if tenant.Partition() == tenantAt("registry.example.com", "team-a/pull", "another").Partition() {
		t.Error("two passwords, one partition")
	}
}
