package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/attest"
	"github.com/assay-gitops/assay/plugin/report"
)

// attestFlags say where the attestation of a verdict goes, and who signs it.
type attestFlags struct {
	file, key, resource, services string
	signer                        attest.Signer
}

func (f *attestFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "attest", "", "write the verdict as a signed attestation (SLSA VSA in a sigstore bundle) to a `file`")
	flags.StringVar(&f.key, "attest-key", "", "with --attest: `key` that signs, a PEM file (password in COSIGN_PASSWORD) or the URI of a key service; default: keyless, by SIGSTORE_ID_TOKEN or the workflow's identity")
	flags.StringVar(&f.resource, "attest-resource", "", "with --attest: `URI` of what was judged; default: PATH")
	flags.StringVar(&f.services, "attest-services", "", "with --attest: sigstore signing config `file` (signing_config.json); default: sigstore's public-good instance, and none for a key")
	offer(cmd, "attest-resource")
}

// prepare refuses, before anything is judged, what could not be attested.
func (f *attestFlags) prepare(ctx context.Context, cmd *cobra.Command) error {
	if f.file == "" {
		for _, flag := range []string{"attest-key", "attest-resource", "attest-services"} {
			if cmd.Flags().Changed(flag) {
				return &exit{code: exitUsage, err: fmt.Errorf("reading --%s: it goes with --attest FILE, and does nothing without", flag)}
			}
		}
		return nil
	}
	// A verifier reads the gate's digest and "PASSED": it must be the gate's verdict.
	if lenient, err := cmd.Flags().GetBool("lenient"); err == nil && lenient {
		return &exit{code: exitUsage, err: errors.New("reading --attest: --lenient lets pass what the gate denies, so the verdict is not the gate's; leave one of them out")}
	}
	if _, err := url.Parse(f.resource); err != nil {
		return &exit{code: exitUsage, err: fmt.Errorf("reading --attest-resource: %w", err)}
	}
	timeout := plugin.DefaultLimits().RequestTimeout()
	f.signer = attest.Signer{
		Key: f.key, Password: []byte(os.Getenv("COSIGN_PASSWORD")), Timeout: timeout, Token: attest.Ambient(os.Getenv, timeout),
	}
	if f.services != "" {
		text, err := os.ReadFile(f.services)
		if err != nil {
			return &exit{code: exitUsage, err: fmt.Errorf("reading --attest-services: %w", err)}
		}
		f.signer.Services = text
	}
	err := f.signer.Check(ctx)
	var key *attest.KeyError
	if errors.As(err, &key) {
		err = fmt.Errorf("reading --attest-key: %w", err)
	}
	var silent *plugin.StageError
	switch {
	case errors.As(err, &silent):
		return &exit{code: exitUndetermined, err: err}
	case err != nil:
		return &exit{code: exitUsage, err: err}
	}
	return nil
}

// write attests a verdict, whether it passed or failed. About one without an
// answer there is nothing to attest.
func (f *attestFlags) write(ctx context.Context, j job, v *plugin.Verdict) error {
	switch {
	case f.file == "":
		return nil
	case v.Outcome() == plugin.Unanswered, v.SealDigest() == "":
		tell(j.err, "no attestation was written to %s: there is no answer to attest\n", f.file)
		return nil
	}
	config, err := j.gates.load()
	if err != nil {
		return err
	}
	digest, err := config.Digest()
	if err != nil {
		return err
	}
	statement, err := attest.Summary{
		Verdict: v, Name: "manifests." + nameOf(j.encoding), Resource: f.resourceOf(j), PolicyURI: f.policy(j), PolicyDigest: digest, Version: report.Version(version),
	}.Statement()
	if err != nil {
		return err
	}
	signed, err := f.signer.Sign(ctx, statement)
	if err != nil {
		return err
	}
	if err := writeAtomically(f.file, signed); err != nil {
		return err
	}
	tell(j.err, "wrote %s: the verdict, attested\n", f.file)
	return nil
}

func (f *attestFlags) resourceOf(j job) string {
	switch {
	case f.resource != "":
		return f.resource
	case j.path == "-":
		return "stdin:"
	}
	return (&url.URL{Path: filepath.ToSlash(filepath.Clean(j.path))}).String()
}

// policy is where the gate's configuration is, as the caller named it.
func (f *attestFlags) policy(j job) string {
	if len(j.gates.gates) == 0 {
		return "assay:default"
	}
	return (&url.URL{Path: filepath.ToSlash(filepath.Clean(j.gates.gates[0]))}).String()
}
