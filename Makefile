# assay: the gate between Git and the cluster. `make` prints the targets.

GO        ?= go
CACHE     := .cache
BIN       := $(CACHE)/bin
LINT_VER  := $(shell awk '$$1=="github.com/golangci/golangci-lint/v2"{print $$2}' tools/go.mod)
VULN_VER  := $(shell awk '$$1=="golang.org/x/vuln"{print $$2}' tools/go.mod)
LINT      := $(BIN)/golangci-lint-$(LINT_VER)
VULN      := $(BIN)/govulncheck-$(VULN_VER)
FUZZTIME  ?= 60s
TAGS      ?=
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Without cgo the binary is static, a fifth smaller, and cannot load Go plugins
# (docs/adr/0009-static-binary.md); the race detector needs cgo.
export CGO_ENABLED := 0
race: export CGO_ENABLED := 1

.DEFAULT_GOAL := help
.PHONY: help build build-source demo test ui test-tags race lint deps fuzz mutate bench bench-flux oracles e2e-argocd e2e-refresh e2e-sources e2e-flux e2e-parity e2e-gatekeeper e2e-kyverno e2e-inplace e2e-monitoring e2e-preview e2e-ui e2e-all e2e-kind generate clean

help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/assay; TAGS=kms,cloud adds key services and the clouds' registry tokens
	@mkdir -p bin
	$(GO) build -tags "$(TAGS)" -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/assay ./cmd/assay

build-source: ## build bin/assay-source, the controller for Flux
	@mkdir -p bin
	$(GO) build -tags "$(TAGS)" -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/assay-source ./cmd/assay-source

demo: build ## build assay and walk through an application that passes and one that is denied
	@./bin/assay demo

test: ## run the tests
	$(GO) test ./...

test-tags: ## run the tests of the opt-in builds
	$(GO) vet -tags kms,cloud ./plugin/attest ./plugin/verify ./plugin/registry ./cmd/assay
	$(GO) test -tags kms,cloud ./plugin/attest ./plugin/verify ./plugin/registry

race: ## run the tests under the race detector
	$(GO) test -race ./...

deps: ## install the Debian packages that the targets need
	@./.ci/deps

# A tool that is built already hides a go.sum that cannot build it anew, and the
# modules of the end-to-end tests have to follow the main one.
lint: $(LINT) $(VULN) ## run the linters, and govulncheck where its database answers
	cd tools && $(GO) list -mod=readonly -deps tool >/dev/null
	@for module in oracles applicationsets browser; do (cd e2e/$$module && $(GO) list -mod=readonly -deps -test ./... >/dev/null) || exit 1; done
	$(LINT) run ./...
	@./.ci/vulncheck $(VULN)

$(LINT): tools/go.mod
	@mkdir -p $(BIN)
	cd tools && $(GO) build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(VULN): tools/go.mod
	@mkdir -p $(BIN)
	cd tools && $(GO) build -o ../$@ golang.org/x/vuln/cmd/govulncheck

fuzz: ## run every fuzz target for FUZZTIME (60s)
	@./.ci/fuzz $(FUZZTIME)

mutate: ## remove each check of plugin/verify in turn; a test must turn red
	nice -n 10 $(GO) test -tags mutate -count=1 -v -run TestMutate -timeout 30m ./plugin/verify/mutate

bench: ## run the benchmarks (docs/benchmarks.md has the results)
	./e2e/bench/run

bench-flux: ## measure the controller for Flux beside a real API server, which is built once
	@$(MAKE) --no-print-directory -C e2e servers-flux
	$(GO) run ./e2e/bench -only flux

# The oracles' modules are linted here and not by make lint: their packages, which
# take minutes to compile, have been compiled by then.
oracles: $(LINT) ## compare our verdicts and renderings with those of the tools that we follow
	@$(MAKE) --no-print-directory -C e2e oracles
	cd e2e/oracles && ../../$(LINT) run --config ../../.golangci.yml ./...
	cd e2e/applicationsets && ../../$(LINT) run --config ../../.golangci.yml ./...

e2e-gatekeeper: ## compare our answers to Gatekeeper's templates and constraints with those of gator
	@$(MAKE) --no-print-directory -C e2e gatekeeper

e2e-kyverno: ## compare our answers to Kyverno's ValidatingPolicies with those of its own tests
	@$(MAKE) --no-print-directory -C e2e kyverno

e2e-inplace: ## harden the sources of Argo CD, Gatekeeper and Kyverno in place; not part of .ci/run
	@$(MAKE) --no-print-directory -C e2e inplace

e2e-monitoring: ## have Prometheus's own checker read the alert rules and the dashboard, and fire each alert
	$(GO) test -tags e2e -count=1 ./e2e/monitoring

e2e-preview: $(LINT) ## open the pages of previews in a headless Chromium
	@$(MAKE) --no-print-directory -C e2e preview
	cd e2e/browser && ../../$(LINT) run --config ../../.golangci.yml ./...

e2e-ui: ## test the extension of the Argo CD UI, also in a headless Chromium
	@$(MAKE) --no-print-directory -C ui test page
	@$(MAKE) --no-print-directory -C e2e ui

e2e-argocd: ## run the plugin under a real Argo CD and a real API server, which are built once
	@$(MAKE) --no-print-directory -C e2e argocd

e2e-refresh: ## have assay refresh ask 1,000 Applications on a real API server, under its admission policy
	@$(MAKE) --no-print-directory -C e2e refresh

e2e-sources: ## compare what sources of Applications render to with Argo CD's repo-server, field by field
	@$(MAKE) --no-print-directory -C e2e sources

e2e-flux: ## run the controller beside a real Flux and a real API server, which are built once
	@$(MAKE) --no-print-directory -C e2e flux

e2e-parity: ## compare the judge with a real API server: every policy's verdict and message on every case
	@$(MAKE) --no-print-directory -C e2e parity

e2e-all: ## e2e-argocd, and then the same under Argo CD 2.14, which is built once too
	@$(MAKE) --no-print-directory -C e2e all

e2e-kind: ## e2e-argocd on a kind cluster, after an installation in it; needs Docker, kind, ko and kubectl
	@$(MAKE) --no-print-directory -C e2e kind

ui: ## build the extension of the Argo CD UI into manifests/argocd/extension; needs node
	@$(MAKE) --no-print-directory -C ui build

generate: ## write the generated files (schemas, references) anew
	$(GO) test ./plugin/gate ./plugin/policy ./plugin/report ./docs ./cmd/assay -update
	cd tools && $(GO) build -o ../$(BIN)/controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen
	$(BIN)/controller-gen object paths=./plugin/flux/v1alpha1
	$(BIN)/controller-gen crd paths=./plugin/flux/v1alpha1 output:crd:dir=manifests/flux/crd
	cd tools && $(GO) run ./protogen ../plugin/argocd/protocol/plugin.proto
	cd tools && $(GO) run ./schemagen "$$(cd .. && $(GO) list -m -f '{{.Dir}}' k8s.io/kubernetes)/api/openapi-spec/v3" \
	  "$$(cd .. && $(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)" ../plugin/apiserver/schemas.deflate

clean: ## remove what was built
	rm -rf bin $(CACHE)
