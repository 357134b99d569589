# make demo   runs the system to a page that fills; make test runs every tier of tests. `make help` lists the rest.

.DEFAULT_GOAL := help
TIERS := services browser e2e
comma := ,
empty :=
space := $(empty) $(empty)
TAGS := -tags $(subst $(space),$(comma),$(TIERS))

# Packages whose tests want both cores to themselves.
HEAVY := ./(e2e|sparkjob|internal/scenario)

.PHONY: help demo test test-fast check check-lint check-tests compose-test attack chaos fresh mutants mutants-services fuzz format lint generate sbom build clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

DEMO := --voters 300000 --speed 4m

demo: build ## a country of 300,000 voters votes in four minutes, live, at http://127.0.0.1:8080 (Ctrl-C ends it, again continues)
	@scripts/prerequisites.sh run
	bin/election up $(DEMO)

test: ## every tier: pure, fakes, real services, browser, the whole program; some 25 minutes
	@scripts/prerequisites.sh test
	JAVA25_HOME=$$(scripts/prerequisites.sh java25) && export JAVA25_HOME && \
	pure=$$(go run ./scripts/tagged -no $(TIERS)) && packages=$$(go run ./scripts/tagged $(TIERS)) && \
	go test -race -shuffle=on $$pure && \
	go test -race $(TAGS) -shuffle=on -p 2 -timeout 20m $$(echo "$$packages" | grep -vxE '$(HEAVY)') && \
	go test -race $(TAGS) -shuffle=on -p 1 -timeout 30m $$(echo "$$packages" | grep -xE '$(HEAVY)')

compose-test: ## docker compose as it ships, on Linux, as root; a Docker engine, Compose and base images are made where they are missing; some 8 minutes
	@scripts/prerequisites.sh test
	@scripts/standins.sh go test -tags compose -v -count=1 -timeout 40m ./docker

attack: ## what another user of the machine tries against an election that is counted; on Linux, as root; some 4 minutes
	@scripts/prerequisites.sh test
	go test -tags e2e,attack -run Attack -v -count=1 -p 1 ./internal/peer ./e2e

chaos: ## what dies dies again and again while votes come in, some 20 minutes; CHAOS="-seed 7 -kills 2 -frozen 20s" changes it
	@scripts/prerequisites.sh test
	go test -tags services,chaos -run Chaos -v -count=1 ./sparkjob
	go test -tags e2e,chaos -run Chaos -v -count=1 -timeout 1h ./e2e $(CHAOS)

fresh: ## the two commands of README in a Debian just made, with Go, make and git alone, some 40 minutes; on Debian, as root
	scripts/fresh.sh whole

mutants: ## breaks the program on purpose and prints what no test notices, 20 minutes or more; MUTANTS="-seed 7 -drawn 100" changes it
	go run ./scripts/mutants $(or $(MUTANTS),-seed 1 -drawn 30)

mutants-services: ## the same where only a test with real servers can notice
	@scripts/prerequisites.sh test
	go run ./scripts/mutants -services -workers 1 -timeout 5m $(MUTANTS)

FUZZTIME := 10s

fuzz: ## every fuzz target for FUZZTIME=10s; what it finds stays in testdata/fuzz
	scripts/fuzz.sh $(FUZZTIME)

test-fast: ## pure tests and fakes only, with the race detector; some 3 minutes
	go test -race -shuffle=on ./...

check: ## for after each change: formatting, vet, staticcheck and the fast tests; about a minute once all is compiled
	@$(MAKE) --no-print-directory -j2 check-lint check-tests

check-lint: format # without the tags, staticcheck would find unused what only they use
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck $(TAGS),compose,chaos,attack ./...

check-tests: # most of them wait more than they compute; compiling and linking is quicker without debugging symbols and with rare garbage collections
	GOGC=400 go test -count=1 -vet=off -ldflags=-w -p 4 -parallel 8 ./...

format:
	@test -z "$$(go tool -modfile=tools/go.mod gofumpt -l . | tee /dev/stderr)"

lint: format ## formatting, vet and staticcheck of the tests of every tier, by pinned tools; a minute or two
	go vet $(TAGS),chaos,attack ./...
	go vet -tags bench ./sparkjob
	go vet -tags compose ./docker
	go tool -modfile=tools/go.mod staticcheck $(TAGS),compose,chaos,attack ./...

generate: ## make generated files again
	go generate ./...

sbom: ## licences, notices and lists of all that ships, in internal/shipped; after a change of go.mod or of servers/; some 5 minutes
	go generate ./internal/shipped

build: ## bin/election
	go build -o bin/election ./cmd/election

clean: ## what was built; the data folder stays
	rm -rf bin
