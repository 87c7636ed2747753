//go:build e2e

// Package e2e runs the officer binary as a user would: on real files, with foreign
// processes (Python's and the C command line's SQLite) writing meanwhile, and with
// kill -9. Run it with: go test -tags e2e ./test/e2e/...
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// officerBinary is built once for the whole run.
var officerBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "officer-e2e-")
	if err != nil {
		panic(err)
	}
	officerBinary = filepath.Join(dir, "officer")
	build := exec.Command("go", "build", "-o", officerBinary, "../../cmd/officer")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build officer:", err)
		os.Exit(1)
	}
	go heart.run(dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// outcome of one verb.
type outcome struct {
	code           int
	stdout, stderr string
}

// officer runs one verb to its end.
func officer(t *testing.T, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(officerBinary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("officer %v: %v", args, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a verb that has to exit with 0.
func must(t *testing.T, args ...string) outcome {
	t.Helper()
	o := officer(t, args...)
	if o.code != 0 {
		t.Fatalf("officer %v: exit %d\n%s%s", args, o.code, o.stdout, o.stderr)
	}
	return o
}

// last decodes the last line of NDJSON (or the only object) on stdout.
func (o outcome) last(t *testing.T, into any) {
	t.Helper()
	s := strings.TrimSpace(o.stdout)
	if err := json.Unmarshal([]byte(s), into); err == nil {
		return
	}
	lines := strings.Split(s, "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), into); err != nil {
		t.Fatalf("not JSON: %v\n%s\nstderr: %s", err, o.stdout, o.stderr)
	}
}

// need skips (never in CI) when a foreign program is missing.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing in CI", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}
