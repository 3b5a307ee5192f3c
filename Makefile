# The index of every command; `make help` prints it by group. A recipe is one line and calls a program under tools/ or
# e2e/, which says what it does in its header. Every target sets up what it needs on a fresh Debian machine (as root).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
NODE := node --disable-warning=ExperimentalWarning
PACKAGES := node_modules/.package-lock.json

$(PACKAGES): package.json package-lock.json
	@tools/bootstrap

##@ Start here
.PHONY: help demo demo-elastic demo-down test
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile
demo: setup ## Cluster up, chart in, 2,000 mails through two pods, a table of what happened, a page to log in to
	@$(NODE) e2e/demo/demo.ts
demo-elastic: setup ## A burst of mail: pods come, work it off, hand over their rest and leave
	@$(NODE) e2e/demo/demo-elastic.ts
demo-down: $(PACKAGES) ## Remove everything that the demo made
	@$(NODE) e2e/demo/demo-down.ts
test: setup check chart-lint ## Everything: house rules, the chart, then the tiers unit, API and e2e
	@$(NODE) tools/test.ts unit api e2e

##@ Prepare
.PHONY: install setup native plugin-sdk native-sanitize
install: $(PACKAGES) ## The pinned Node and all npm packages, nothing else
setup: $(PACKAGES) ## Debian packages and Go programs for the real Kubernetes, kept in a cache
	@$(NODE) tools/setup/main.ts
native: $(PACKAGES) ## Build the native addon and the small plugins of its tests
	@$(MAKE) -C mta-image/native

plugin-sdk: ## Put the header for native plugins at /opt/halon/include (DESTDIR=)
	@$(MAKE) -C mta-image/native install-sdk
native-sanitize: $(PACKAGES) ## The addon's tests under ASan, UBSan and TSan, and some under valgrind
	@$(MAKE) -C mta-image/native sanitize races memory

##@ While writing
.PHONY: check format lint types tidy generate generated chart-lint
check: format lint types generated tidy ## Format, lint, types, generated files, house rules; changes nothing
format: $(PACKAGES) ## Say which files are not formatted or not clean (biome)
	@biome ci --reporter=summary .
lint: $(PACKAGES) ## Lint with types (oxlint)
	@oxlint --type-aware --deny-warnings
types: $(PACKAGES) ## Check types (tsc)
	@tsc --project . && tsc --project mta-image/web/pages
tidy: $(PACKAGES) ## House rules: layers, cycles, sizes, banned calls, links, dead code
	@$(NODE) tools/tidy.ts
generated: $(PACKAGES) ## Say which generated files are not current
	@$(NODE) tools/generate.ts --check
generate: $(PACKAGES) ## Write all generated files anew (CRDs, chart, references)
	@$(NODE) tools/generate.ts
fix: $(PACKAGES) ## Format and fix what can be fixed by itself
	@biome check --write .
chart-lint: setup ## helm lint, kubeconform and the golden renders of the chart
	@$(NODE) tools/chart-lint.ts

##@ Test by tier
.PHONY: test-unit test-api test-e2e
test-unit: $(PACKAGES) ## Pure parts and rooms (files, loopback sockets); no cluster, no root
	@$(NODE) tools/test.ts unit
test-api: setup ## Against a real API server and controller manager
	@$(NODE) tools/test.ts api
test-e2e: setup ## Real node, real pods, Postfix as client and peer
	@$(NODE) tools/test.ts e2e

##@ Run
.PHONY: run-mta cluster-up cluster-down cluster-shell bench bench-operator bench-script bench-plugins bench-spamhaus bench-web fix soak
run-mta: $(PACKAGES) ## One engine from this checkout: make run-mta CONFIG=smtpd.yaml
	@mta-image/bin/smtpd --config $(or $(CONFIG),smtpd.yaml)
cluster-up: setup ## A real one-node Kubernetes in a network namespace of its own
	@$(NODE) e2e/cluster/main.ts up
cluster-down: $(PACKAGES) ## Stop it and remove what it left
	@$(NODE) e2e/cluster/main.ts down
cluster-shell: $(PACKAGES) ## A shell with kubectl and helm that speak to it
	@$(NODE) e2e/cluster/main.ts shell
soak: setup ## Mail for SOAK_MINUTES (30) while everything goes wrong, then the ledger; SOAK_SEED is another course
	@SOAK_MINUTES=$(or $(SOAK_MINUTES),30) SOAK_SEED=$(or $(SOAK_SEED),1) $(NODE) --test --test-reporter=spec e2e/scenarios/survives-faults.test.ts
bench-operator: setup ## Measure the operator with 1,000 MailClusters, and engines that answer behind each pod; then a hand-over and a burst
	@$(NODE) operator/bench/operator.bench.ts && $(NODE) e2e/bench/drain.ts && $(NODE) e2e/demo/demo-elastic.ts
bench: setup native ## Measure; the results go to docs/benchmarks.md
	@$(NODE) e2e/bench/main.ts && $(NODE) mta-image/bench/idle-memory.bench.ts
bench-script: $(PACKAGES) ## Compiled scripts against JavaScript by hand, hook calls, waiting, compiling
	@$(NODE) --expose-gc mta-image/bench/script.bench.ts
bench-plugins: setup ## What plugins cost: calls, threads, deliveries, memory, the whole way
	@$(NODE) --expose-gc mta-image/bench/plugins.bench.ts && $(NODE) mta-image/bench/plugin-delivery.bench.ts
bench-spamhaus: setup ## What Spamhaus costs: accepting with all lists, cold lookups, the cache, reading messages
	@$(NODE) mta-image/bench/spamhaus-accept.bench.ts && $(NODE) --expose-gc mta-image/bench/spamhaus.bench.ts
bench-web: setup ## The pages over a queue of 1,000,000 entries in 20 engines: pages of the list, and the browser's memory
	@$(NODE) mta-image/bench/web-queue.bench.ts

##@ Build
.PHONY: bundle web images signed-images builder-image kubectl-plugin packages olm
bundle: $(PACKAGES) ## One file per program under build/bundle, with the licences of what is inside
	@$(NODE) tools/bundle.ts
kubectl-plugin: $(PACKAGES) ## Install kubectl mailfleet into /usr/local/bin, or into PLUGIN_DIR
	@$(NODE) tools/kubectl-plugin.ts
web: $(PACKAGES) ## The pages of the web administration, under build/web
	@$(NODE) tools/web.ts
images: $(PACKAGES) ## The container images as OCI archives in the cache, without a registry
	@$(NODE) tools/images.ts
signed-images: setup ## The same under build/images, signed for a registry: SIGN_KEY=KEY REPOSITORY=registry.example/mail
	@SIGN_KEY='$(SIGN_KEY)' REPOSITORY='$(REPOSITORY)' $(NODE) tools/image/main.ts
builder-image: setup ## The image in which native plugins are built: gcc, clang, cmake, Go, Rust, the header
	@$(NODE) tools/builder-image.ts
olm: $(PACKAGES) ## The bundle for the Operator Lifecycle Manager, under build/olm; OLM='image.tag=…' sets values of the chart
	@$(NODE) tools/olm/main.ts $(OLM)
packages: setup ## .deb and .rpm packages and the chart, with apt, yum and helm repositories, under build/packages; SIGN_KEY=KEY signs them
	@SIGN_KEY='$(SIGN_KEY)' $(NODE) tools/packages/main.ts
