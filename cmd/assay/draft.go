package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// allowDays is how long the proposal allows an image that nobody vouches for.
const allowDays = 30

// draft is a proposal on its way to a file.
type draft struct {
	setup.Proposal

	Owner string
	now   time.Time
	// dir is the folder that the file comes to lie in; empty is the working
	// directory.
	dir string
	// config are the gates that were given.
	config *gate.Config
}

// rootFile is a trust root that the proposal names, and the file that holds it.
type rootFile struct{ Root, File string }

// text is the proposal as a file's text. Images without a digest cannot be
// allowed; they are left out with a remark.
func (d draft) text() (string, error) {
	registries, err := d.registries()
	if err != nil {
		return "", &exit{code: exitUndetermined, err: errors.Join(errors.New("writing the proposal"), err)}
	}
	var waived, unseen []setup.Allowance
	for _, each := range d.Allow {
		if each.Image.Digest == "" {
			unseen = append(unseen, each)
		} else {
			waived = append(waived, each)
		}
	}
	var text strings.Builder
	err = proposalTemplate.Execute(&text, map[string]any{
		"Policies": d.Policies, "Waived": waived, "Unseen": unseen, "Owner": d.Owner, "Registries": registries, "Beside": d.beside(),
		"Until": d.now.AddDate(0, 0, allowDays).Format(time.DateOnly), "PublicGood": gate.PublicGood,
	})
	if err != nil {
		return "", &exit{code: exitUndetermined, err: errors.Join(errors.New("writing the proposal"), err)}
	}
	return text.String(), nil
}

// beside are the trust roots that the proposal names and does not hold.
func (d draft) beside() []rootFile {
	var found []rootFile
	for _, root := range d.config.TrustRoots {
		named := slices.ContainsFunc(d.Policies, func(p setup.ProposedPolicy) bool {
			return slices.ContainsFunc(p.Authorities, func(a setup.ProposedAuthority) bool { return a.TrustRoot == root.Metadata.Name })
		})
		if named {
			found = append(found, rootFile{root.Metadata.Name, report.Neutral(root.At.File)})
		}
	}
	return found
}

// rootFiles are the files to load beside the proposal, each once.
func (d draft) rootFiles() []string {
	var files []string
	for _, each := range d.beside() {
		if !slices.Contains(files, each.File) {
			files = append(files, each.File)
		}
	}
	return files
}

// registries are those of the given gates, as YAML below spec; the files that
// they name are named from where the proposal lies.
func (d draft) registries() (string, error) {
	var kept []gate.Registry
	for _, each := range d.config.Gates {
		for _, entry := range each.Spec.Registries {
			same := func(other gate.Registry) bool { return other.Host == entry.Host && other.Prefix == entry.Prefix }
			if slices.ContainsFunc(kept, same) {
				continue
			}
			moved, err := d.moved(entry)
			if err != nil {
				return "", err
			}
			kept = append(kept, moved)
		}
	}
	if len(kept) == 0 {
		return "", nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(map[string]any{"registries": kept}), encoder.Close()); err != nil {
		return "", err
	}
	return "  " + strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "\n  "), nil
}

// moved is an entry whose files are relative to the proposal's folder.
func (d draft) moved(entry gate.Registry) (gate.Registry, error) {
	files := []*string{&entry.CA}
	if entry.Credentials != nil {
		credentials := *entry.Credentials
		files = append(files, &credentials.DockerConfig, &credentials.UsernameFile, &credentials.PasswordFile)
		entry.Credentials = &credentials
	}
	for _, file := range files {
		located := entry.Locate(*file)
		if located == "" || filepath.IsAbs(located) {
			*file = located
			continue
		}
		from, err := filepath.Abs(d.dir)
		if err != nil {
			return entry, err
		}
		to, err := filepath.Abs(filepath.FromSlash(located))
		if err != nil {
			return entry, err
		}
		relative, err := filepath.Rel(from, to)
		if err != nil {
			return entry, err
		}
		*file = filepath.ToSlash(relative)
	}
	return entry, nil
}

var proposalTemplate = template.Must(template.New("proposal").Funcs(template.FuncMap{
	"keyed": func(s setup.Allowance) bool {
		for _, signer := range s.Signers {
			if signer.Key {
				return true
			}
		}
		return false
	},
}).Parse(`# A proposal, to be reviewed line by line: who may vouch for which image.
{{- range .Beside }}
# Load it beside {{ .File }}, which holds the TrustRoot {{ .Root }}.
{{- end }}
apiVersion: assay.dev/v1alpha1
kind: Gate
metadata:
  name: proposal
spec:
  base: true
  profile: profile/restricted@1
  judge:
    podSecurity: {level: restricted, version: latest}
    packs: ["pack/supply-chain@1", "pack/workload@1"]
{{- if .Registries }}
  # As the given gates reach them.
{{ .Registries }}
{{- end }}
{{- range .Unseen }}
  # {{ printf "%q" .Image.Written }} could not be looked at: {{ printf "%q" .Problem }}
{{- end }}
{{- if .Waived }}
  # Nobody is known to vouch for these: single digests, until a day. Fill in who
  # answers and who approved; the gate does not load before.
  waivers:
{{- range .Waived }}
  {{- if keyed . }}
  # It is signed by a key: better put the public key into a ClusterImagePolicy.
  {{- end }}
  - rule: {{ .Rule }}
    image: {{ .Image.Reference.Repository }}
    content: {{ .Image.Digest }} # {{ .Image.Reference.Tag }}
    owner: {{ printf "%q" $.Owner }}
    reason: no signature that a known trust root verifies was found
    reference: ""
    approver: ""
    until: {{ $.Until }}
{{- end }}
{{- end }}
{{- range .Policies }}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: {{ .Name }}
spec:
  images:
{{- range .Repositories }}
  - glob: "{{ . }}@*"
{{- end }}
  authorities:
{{- range $number, $_ := .Authorities }}
  - name: keyless-{{ $number }}
    keyless:
{{- if ne .TrustRoot $.PublicGood }}
      trustRootRef: {{ .TrustRoot }}
{{- else }}
      url: https://fulcio.sigstore.dev
{{- end }}
      identities:
      - issuer: {{ printf "%q" .Identity.Issuer }}
{{- if .Identity.SubjectRegExp }}
        subjectRegExp: {{ printf "%q" .Identity.SubjectRegExp }}
{{- else }}
        subject: {{ printf "%q" .Identity.Subject }}
{{- end }}
{{- if ne .TrustRoot $.PublicGood }}
    ctlog:
      trustRootRef: {{ .TrustRoot }}
{{- else }}
    ctlog:
      url: https://rekor.sigstore.dev
{{- end }}
{{- end }}
{{- end }}
`))
