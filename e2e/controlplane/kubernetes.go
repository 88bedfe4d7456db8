package controlplane

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The addresses are fixed, as the network namespace is ours alone.
const (
	etcdURL     = "http://127.0.0.1:2379"
	etcdPeerURL = "http://127.0.0.1:2380"
	// APIServer is where the Kubernetes API server listens.
	APIServer = "https://127.0.0.1:6443"
	apiPort   = "6443"
)

// Cluster is a running API server. Nothing runs pods in it, and nothing makes
// them: what is applied stays as it is.
type Cluster struct {
	*API
	// Dir holds the state of all servers, and their logs in logs/.
	Dir string
	// Kubeconfig is the file of the cluster's administrator.
	Kubeconfig string
	processes  []*Process
	// binaries is the folder of the built servers.
	binaries string
}

// Start starts etcd and the API server, with these flags beside its own, with
// their state below dir, and waits until they answer, no longer than the
// context. Stop the cluster also when there is an error, if there is one. When
// ASSAY_E2E_KUBECONFIG names a kubeconfig, that cluster is used instead, under
// its current context.
func Start(ctx context.Context, dir string, flags ...string) (*Cluster, error) {
	if kubeconfig := os.Getenv(theirs); kubeconfig != "" {
		return join(dir, kubeconfig)
	}
	binaries, err := servers(ctx, "kubernetes")
	if err != nil {
		return nil, err
	}
	token := rand.Text()
	c := &Cluster{Dir: dir, binaries: binaries, Kubeconfig: filepath.Join(dir, "kubeconfig")}
	c.API, err = newAPI(&rest.Config{Host: APIServer, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1})
	if err != nil {
		return nil, err
	}
	if err := c.writeFiles(token); err != nil {
		return nil, fmt.Errorf("writing the API server's files: %w", err)
	}
	if err := c.startEtcd(); err != nil {
		return c, err
	}
	return c, c.startAPI(ctx, flags)
}

// join uses a cluster that somebody else started.
func join(dir, kubeconfig string) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	config.QPS = -1
	c := &Cluster{Dir: dir, Kubeconfig: kubeconfig}
	if c.API, err = newAPI(config); err != nil {
		return nil, err
	}
	return c, os.MkdirAll(c.Logs(), 0o755)
}

// Logs is the folder of the servers' logs.
func (c *Cluster) Logs() string { return filepath.Join(c.Dir, "logs") }

// Stop ends every server, the last one first.
func (c *Cluster) Stop() {
	for len(c.processes) > 0 {
		last := len(c.processes) - 1
		c.processes[last].Kill()
		c.processes = c.processes[:last]
	}
}

// StartTypeChecks starts the controller of kube-controller-manager that writes
// status.typeChecking of ValidatingAdmissionPolicies. Somebody else's cluster has
// it already.
func (c *Cluster) StartTypeChecks() error {
	if c.binaries == "" {
		return nil
	}
	_, err := c.launch(Command{Name: "typecheck", Args: []string{filepath.Join(c.binaries, "typecheck"), c.Kubeconfig}})
	return err
}

// launch starts a server that ends with the cluster.
func (c *Cluster) launch(command Command) (*Process, error) {
	command.Logs = c.Logs()
	p, err := Launch(command)
	if err == nil {
		c.processes = append(c.processes, p)
	}
	return p, err
}

func (c *Cluster) writeFiles(token string) error {
	for _, folder := range []string{"logs", "pki", "etcd"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, folder), 0o755); err != nil {
			return err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, errPrivate := x509.MarshalECPrivateKey(key)
	public, errPublic := x509.MarshalPKIXPublicKey(key.Public())
	return errors.Join(
		errPrivate, errPublic,
		c.write("pki/accounts.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))),
		c.write("pki/accounts.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))),
		c.write("pki/tokens.csv", token+`,admin,1,"system:masters"`+"\n"),
		c.write("kubeconfig", c.kubeconfig("argocd", token)),
	)
}

// kubeconfig is a file for whoever has the token.
func (c *Cluster) kubeconfig(namespace, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: %[1]q, insecure-skip-tls-verify: true}}]
users: [{name: account, user: {token: %[2]q}}]
contexts: [{name: e2e, context: {cluster: e2e, user: account, namespace: %[3]s}}]
current-context: e2e
`, c.Config.Host, token, namespace)
}

// KubeconfigOf writes a kubeconfig of a service account and returns its path.
func (c *Cluster) KubeconfigOf(ctx context.Context, namespace, account string) (string, error) {
	token, err := c.Token(ctx, namespace, account)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("kubeconfig-%s-%s-%s", namespace, account, rand.Text()) // whoever reads one meets nobody who writes it
	return filepath.Join(c.Dir, name), c.write(name, c.kubeconfig(namespace, token))
}

func (c *Cluster) write(path, text string) error {
	return os.WriteFile(filepath.Join(c.Dir, path), []byte(text), 0o600)
}

func (c *Cluster) startEtcd() error {
	_, err := c.launch(Command{Name: "etcd", Args: []string{
		filepath.Join(c.binaries, "etcd"), "--data-dir", filepath.Join(c.Dir, "etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL, "--listen-peer-urls", etcdPeerURL,
		"--initial-advertise-peer-urls", etcdPeerURL, "--initial-cluster", "default=" + etcdPeerURL,
	}})
	return err
}

// startAPI starts the API server with its own certificate. Nobody makes the
// default service accounts that its ServiceAccount plugin insists on, and a
// loopback address cannot be an endpoint of the kubernetes Service.
func (c *Cluster) startAPI(ctx context.Context, flags []string) error {
	pki := func(name string) string { return filepath.Join(c.Dir, "pki", name) }
	p, err := c.launch(Command{Name: "kube-apiserver", Args: append([]string{
		filepath.Join(c.binaries, "kube-apiserver"), "--etcd-servers", etcdURL,
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none",
		"--secure-port", apiPort, "--cert-dir", pki("apiserver"),
		"--token-auth-file", pki("tokens.csv"), "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", pki("accounts.pub"),
		"--service-account-signing-key-file", pki("accounts.key"), "--service-cluster-ip-range", "10.96.0.0/16",
		"--disable-admission-plugins", "ServiceAccount", "--allow-privileged",
	}, flags...)})
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		return err
	}
	return p.Ready(ctx, Answers(client, APIServer+"/readyz"))
}
