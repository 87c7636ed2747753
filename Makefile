# Targets only call go; .ci/run puts them together as a clean machine needs them.
LINT := go tool -modfile=tools/go.mod golangci-lint

.PHONY: build test race lint generate promise laws fuzz-short cross bench bench-parts e2e campaign years soak mutants salvage ci release

build: ; go build ./cmd/officer

test: ; go test ./...

race: ; go test -race ./...

laws: ; go test -count=1 ./internal/laws

lint: ; $(LINT) run ./...

generate: ; go generate ./messages ./internal/dashboard

# At a release: from now on what proto/ holds is promised.
promise: ; go tool -modfile=tools/go.mod buf build --exclude-source-info -o proto/officer.binpb

# FUZZ=FuzzParse PACKAGE=./internal/manifest
PACKAGE ?= ./internal/manifest
FUZZ ?= Fuzz
fuzz-short: ; go test -run '^$$' -fuzz '$(FUZZ)' -fuzztime 10s $(PACKAGE)

cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build ./...
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=amd64 go build ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build ./...
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go build ./...
	CGO_ENABLED=0 GOOS=windows GOARCH=arm64 go build ./...

# Officer beside its peers, as tables for docs/benchmarks.md: SIZES=100MB,1GB ROUNDS=5
SIZES ?= 100MB
ROUNDS ?= 5
bench: ; go run ./bench -sizes '$(SIZES)' -rounds '$(ROUNDS)'

bench-parts: ; go test -run '^$$' -bench . -benchmem ./...

e2e: ; go test -tags e2e -count=1 -v ./test/e2e/...

# The fault campaign: BUDGET points, of which SEED decides all that is left to chance.
BUDGET ?= 20000
SEED ?= 1
campaign:
	OFFICER_SIM_POINTS=$$(( $(BUDGET) / 100 )) go test -count=1 -v -run TestDisk_bites ./testkit/simfs
	OFFICER_POINTS=$(BUDGET) OFFICER_SEED=$(SEED) go test -count=1 -v -timeout 0 -run TestCampaign ./test/campaign

# What recover brings back of damaged databases, beside .recover of the sqlite3 shell PEER: SEEDS files of each kind of
# damage and of database; prints the table of docs/recovery.md.
SEEDS ?= 3
PEER ?= sqlite3
salvage: ; OFFICER_SALVAGE=$(SEEDS) OFFICER_SALVAGE_PEER=$(PEER) OFFICER_SEED=$(SEED) go test -count=1 -v -timeout 0 -run TestSalvage ./test/salvage

# YEARS of the whole Officer on disks that fail at seeded times, then are well; and DAYS with the default settings,
# ten with each seed, of which every second is looked at.
YEARS ?= 80
DAYS ?= 120
years:
	OFFICER_FAULTY_YEARS=$(YEARS) OFFICER_FAULTY_DAYS=365 OFFICER_SEED=$(SEED) go test -count=1 -v -timeout 0 -run TestYears ./test/campaign
	OFFICER_FAULTY_DEFAULTS=$$(( ($(DAYS) + 9) / 10 )) OFFICER_FAULTY_DEFAULT_DAYS=10 OFFICER_SEED=$(SEED) \
		go test -count=1 -v -timeout 0 -run TestDays ./test/campaign

# One Officer that is asked all the time beside an app that writes all the time: nothing may grow.
SECONDS ?= 300
soak: ; OFFICER_SOAK_SECONDS=$(SECONDS) go test -tags e2e -count=1 -v -timeout 0 -run TestSoak ./test/e2e

# Officer broken on purpose, one defect at a time: each must make a test fail.
mutants: ; OFFICER_MUTANTS=all go test -count=1 -v -timeout 0 -run TestMutants_areKilled ./test/mutants

ci: ; .ci/run

# make release VERSION=0.1.0 → dist/; TARGETS=linux/amd64 for less. Wants node for the npm packages.
release: ; go run -C packaging . -version '$(VERSION)' -targets '$(TARGETS)'
