package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// workload writes the applications that are measured. Every application uses
// the same images, by number.
type workload struct {
	dir  string
	host string
	// prefix is the first part of the images' names, and images the number of
	// different ones.
	prefix string
	images int
}

func (w workload) repository(i int) string {
	return fmt.Sprintf("%s/%s/svc-%02d", w.host, w.prefix, i%w.images)
}
func (w workload) tag(i int) string   { return fmt.Sprintf("v1.%d.0", i%w.images) }
func (w workload) image(i int) string { return w.repository(i) + ":" + w.tag(i) }

func (w workload) write(path, text string) error {
	path = filepath.Join(w.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing the workload: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the workload: %w", err)
	}
	return nil
}

func (w workload) writeAll(files map[string]string) error {
	for path, text := range files {
		if err := w.write(path, text); err != nil {
			return err
		}
	}
	return nil
}

// size is how many objects of each kind an application has.
type size struct{ deployments, services, configMaps int }

// kustomization writes a base and an overlay with a namespace, labels, a
// replica count, a JSON 6902 patch and a strategic-merge patch.
func (w workload) kustomization(name string, n size) error {
	files := map[string]string{}
	var resources strings.Builder
	add := func(file, text string) {
		files[name+"/base/"+file] = text
		resources.WriteString("- " + file + "\n")
	}
	for i := range n.deployments {
		app := fmt.Sprintf("svc-%04d", i)
		text := deployment(app, w.image(i))
		if i < n.services {
			text += "---\n" + service(app)
		}
		add(app+".yaml", text)
	}
	for i := range n.configMaps {
		app := fmt.Sprintf("cfg-%04d", i)
		add(app+".yaml", configMap(app, i))
	}
	files[name+"/base/kustomization.yaml"] = kustomizationHeader + "resources:\n" + resources.String()
	files[name+"/overlay/kustomization.yaml"] = kustomizationHeader + `namespace: shop
resources:
- ../base
labels:
- pairs:
    app.kubernetes.io/part-of: shop
    env: prod
replicas:
- name: svc-0000
  count: 3
patches:
- target:
    kind: Deployment
  patch: |-
    - op: add
      path: /spec/revisionHistoryLimit
      value: 3
- path: patch.yaml
`
	files[name+"/overlay/patch.yaml"] = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: svc-0001
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 20
`
	return w.writeAll(files)
}

const kustomizationHeader = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

// chart writes a Helm chart that renders to about the same objects.
func (w workload) chart(name string, n size) error {
	var values strings.Builder
	values.WriteString("replicaCount: 2\nservices:\n")
	for i := range n.deployments {
		fmt.Fprintf(&values, "- name: svc-%04d\n  image: {repository: %s, tag: %s}\n", i, w.repository(i), w.tag(i))
	}
	values.WriteString("configs:\n")
	for i := range n.configMaps {
		fmt.Fprintf(&values, "- name: cfg-%04d\n  data:\n", i)
		for k := range 20 {
			fmt.Fprintf(&values, "    KEY_%d: value-%d-%d\n", k, i, k)
		}
	}
	template := strings.NewReplacer(
		"NAME", "{{ .name }}",
		"IMAGE", `"{{ .image.repository }}:{{ .image.tag }}"`,
		"replicas: 2", "replicas: {{ $.Values.replicaCount }}",
	)
	return w.writeAll(map[string]string{
		name + "/Chart.yaml":                 "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: \"1.0\"\n",
		name + "/values.yaml":                values.String(),
		name + "/templates/deployments.yaml": "{{- range .Values.services }}\n---\n" + template.Replace(deployment("NAME", "IMAGE")) + "{{- end }}\n",
		name + "/templates/services.yaml":    "{{- range .Values.services }}\n---\n" + template.Replace(service("NAME")) + "{{- end }}\n",
		name + "/templates/configmaps.yaml": "{{- range .Values.configs }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .name }}\n" +
			"data:\n  {{- toYaml .data | nindent 2 }}\n{{- end }}\n",
	})
}

// overlays writes many small overlays over few bases.
func (w workload) overlays(name string, overlays, bases int) error {
	files := map[string]string{}
	for b := range bases {
		dir := fmt.Sprintf("%s/bases/base-%02d/", name, b)
		files[dir+"deployment.yaml"] = deployment("web", w.image(b))
		files[dir+"service.yaml"] = service("web")
		files[dir+"configmap.yaml"] = configMap("web", b)
		files[dir+"account.yaml"] = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\nautomountServiceAccountToken: false\n"
		files[dir+"kustomization.yaml"] = kustomizationHeader + "resources:\n- deployment.yaml\n- service.yaml\n- configmap.yaml\n- account.yaml\n"
	}
	for o := range overlays {
		files[fmt.Sprintf("%s/apps/app-%03d/kustomization.yaml", name, o)] = kustomizationHeader + fmt.Sprintf(`namespace: team-%03d
namePrefix: app-%03d-
resources:
- ../../bases/base-%02d
labels:
- pairs:
    team: t%03d
  includeSelectors: true
replicas:
- name: web
  count: %d
`, o, o, o%bases, o, 2+o%3)
	}
	return w.writeAll(files)
}

func deployment(name, image string) string {
	return strings.NewReplacer("@NAME@", name, "@IMAGE@", image).Replace(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: @NAME@
  labels:
    app.kubernetes.io/name: @NAME@
    app.kubernetes.io/component: server
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: @NAME@
  template:
    metadata:
      labels:
        app.kubernetes.io/name: @NAME@
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
    spec:
      serviceAccountName: @NAME@
      automountServiceAccountToken: false
      containers:
      - name: server
        image: @IMAGE@
        args: ["--port=8080", "--metrics=:9090", "--log-format=json"]
        ports:
        - name: http
          containerPort: 8080
        - name: metrics
          containerPort: 9090
        env:
        - name: POD_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: GOMEMLIMIT
          value: 200MiB
        resources:
          requests:
            cpu: 50m
            memory: 64Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /readyz
            port: http
          periodSeconds: 5
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
        volumeMounts:
        - name: tmp
          mountPath: /tmp
      volumes:
      - name: tmp
        emptyDir: {}
`)
}

func service(name string) string {
	return strings.ReplaceAll(`apiVersion: v1
kind: Service
metadata:
  name: @NAME@
  labels:
    app.kubernetes.io/name: @NAME@
spec:
  selector:
    app.kubernetes.io/name: @NAME@
  ports:
  - name: http
    port: 80
    targetPort: http
`, "@NAME@", name)
}

func configMap(name string, seed int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n", name)
	for k := range 8 {
		fmt.Fprintf(&text, "  KEY_%d: value-%d-%d\n", k, seed, k)
	}
	text.WriteString("  app.yaml: |\n")
	for k := range 12 {
		fmt.Fprintf(&text, "    setting%d: {enabled: true, weight: %d}\n", k, k*seed)
	}
	return text.String()
}
