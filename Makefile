# Perdure's commands. `make check` is the whole truth, `make test` the part of
# it that needs nothing but Go, a Debian-like system and some minutes.

GO         ?= go
P          ?= # packages that are tested at a time; empty = what the scripts think best
FUZZTIME   ?= 30s

.PHONY: help build test check soak bench fuzz generate pictures dependencies
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## build the binary ./perdure
	CGO_ENABLED=0 $(GO) build -trimpath -o perdure ./cmd/perdure

test: ## run all tests; install what they need
	@GO='$(GO)' P='$(P)' .ci/test

check: ## everything that a change must pass
	@GO='$(GO)' P='$(P)' .ci/check

soak: ## run the long suites (hours)
	PERDURE_SOAK=1 $(GO) test -count=1 -p 1 -timeout 6h ./...

bench: build ## measure every workload, one JSON line each
	@for arguments in \
		'sequence --in-flight 128' 'sequence --in-flight 1' 'fanout --count 5' 'event --count 300' 'parked --count 10000' \
		'sequence --steps 2000 --in-flight 1 --count 1' 'sequence --steps 20 --payload 8192 --in-flight 16' 'session --count 1000'; \
	do ./perdure bench $$arguments || exit 1; done

fuzz: ## fuzz every decoder for FUZZTIME
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' .ci/fuzz

generate: ## write the generated files anew
	$(GO) generate ./...

pictures: ## take the pictures of the documentation anew
	PERDURE_PICTURES='$(CURDIR)/docs/pictures' $(GO) test -count=1 -v -run TestDashboard/pictures ./dashboard/browser

dependencies: ## write down which modules are linked
	@GO='$(GO)' .ci/dependencies > .ci/dependencies.golden
