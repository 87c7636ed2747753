# Targets only call go; .ci/run puts them together as a clean machine needs them.
LINT := go tool -modfile=tools/go.mod golangci-lint

.PHONY: build test race lint generate promise laws fuzz-short cross bench e2e ci

build: ; go build ./cmd/officer

test: ; go test ./...

race: ; go test -race ./...

laws: ; go test -count=1 ./internal/laws

lint: ; $(LINT) run ./...

generate: ; go generate ./messages

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

bench: ; go test -run '^$$' -bench . -benchmem ./...

e2e: ; go test -tags e2e -count=1 -v ./test/e2e/...

ci: ; .ci/run
