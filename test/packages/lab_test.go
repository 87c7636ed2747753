//go:build packages

// Package packages tries what a stranger installs: the program through each of its doors, the reference's examples,
// and the archives of a release. .ci/run packages runs it; it wants node, python3, curl, sqlite3, dpkg and root.
package packages

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

// root is the repository.
const root = "../.."

// need gives the path of a program; without it nothing here can be tried.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; .ci/run packages installs it", name)
	}
	return path
}

// binary builds the program.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "officer")
	output(t, exec.Command("go", "build", "-C", root, "-o", path, "./cmd/officer"))
	return path
}

// output runs a command to its end and gives its stdout.
func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", c.Args, err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

// sidecar is a running program.
type sidecar struct {
	db, socket string
	stdin      io.Closer
	command    *exec.Cmd
}

// start runs the program as an app does, on a database with some content.
func start(t *testing.T, program string) *sidecar {
	t.Helper()
	dir, err := os.MkdirTemp("", "of") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &sidecar{db: filepath.Join(dir, "app.db")}
	testkit.BuildArchive(t, s.db, 500)
	s.command = exec.CommandContext(t.Context(), program, "run", "--sidecar", s.db)
	s.command.Dir = dir
	s.command.Stderr = os.Stderr
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.stdin.Close()
		_ = s.command.Wait()
	})
	lines := bufio.NewReader(said)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatalf("no line came: %v", err)
	}
	var ready struct{ Type, Socket string }
	if err := json.Unmarshal(line, &ready); err != nil || ready.Type != "ready" {
		t.Fatalf("the first line is %q: %v", line, err)
	}
	s.socket = ready.Socket
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return s
}

// tail shortens what a failing program said.
func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
