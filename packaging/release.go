package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// release is one run.
type release struct {
	root    string // the repository
	out     string
	stage   string // scratch, below out, removed at the end
	lines   string // the program that go build calls in place of the compiler
	version string
	when    time.Time
	targets []target
	npm     bool
}

// run makes everything. Only what belongs to a release is removed from out.
func (r *release) run(ctx context.Context) (err error) {
	if r.when, err = releaseTime(ctx, r.root); err != nil {
		return err
	}
	if err := clear(r.out); err != nil {
		return err
	}
	r.stage = filepath.Join(r.out, "stage")
	defer func() {
		if gone := os.RemoveAll(r.stage); err == nil {
			err = gone
		}
	}()
	if err := r.wrapCompiler(ctx); err != nil {
		return err
	}
	shared, err := r.companions(ctx)
	if err != nil {
		return err
	}
	for _, t := range r.targets {
		if err := r.platform(ctx, t, shared); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	if r.npm {
		if err := r.npmPackages(ctx); err != nil {
			return err
		}
	}
	return sums(r.out)
}

// clear makes an empty folder out of what an earlier release left; anything else is not touched. The file of
// the sums is there from the beginning: it marks the folder.
func clear(out string) error {
	mark := filepath.Join(out, sumsName)
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
		if _, err := os.Stat(mark); err != nil {
			return fmt.Errorf("%s is not empty and no earlier release: choose another folder", out)
		}
		if err := os.RemoveAll(out); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o644)
}

// platform makes what one platform gets.
func (r *release) platform(ctx context.Context, t target, shared []item) error {
	binary, err := r.build(ctx, t)
	if err != nil {
		return err
	}
	parts, err := partsOf(ctx, r.root, t, binary)
	if err != nil {
		return err
	}
	notices, err := parts.notices()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("officer_%s_%s_%s", r.version, t.os, t.arch)
	if err := r.bom(name, t, binary, parts); err != nil {
		return err
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	items := []item{{name: t.binary(), data: program, program: true}, {name: noticesName, data: notices}}
	for _, s := range shared {
		if t.os != "windows" || !s.unix {
			items = append(items, s)
		}
	}
	if err := r.archive(name, t, items); err != nil {
		return err
	}
	if t.os == "linux" {
		return r.linuxPackages(t, items)
	}
	return nil
}

// wrapCompiler builds ./lines for this machine.
func (r *release) wrapCompiler(ctx context.Context) error {
	r.lines = filepath.Join(r.stage, "bin", "lines")
	if runtime.GOOS == "windows" {
		r.lines += ".exe"
	}
	return loudly(filepath.Join(r.root, "packaging"), exec.CommandContext(ctx, "go", "build", "-o", r.lines, "./lines"))
}

// build compiles the program: no cgo, no paths of this machine, nothing that differs from run to run.
func (r *release) build(ctx context.Context, t target) (string, error) {
	out := filepath.Join(r.stage, "bin", t.os+"-"+t.arch, t.binary())
	args := append([]string{"build", "-toolexec='" + r.lines + "'"}, buildFlags()...)
	if t.arch == "amd64" {
		// No gaps between functions: only amd64 runs code from any address. The last -ldflags counts.
		args = append(args, "-ldflags=-s -w -buildid= -funcalign=1")
	}
	c := exec.CommandContext(ctx, "go", append(args, "-o", out, "./cmd/officer")...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
	return out, loudly(r.root, c)
}

// flags is a file of its own, so that .ci/run builds with the same.
//
//go:embed build.flags
var flags string

// buildFlags gives the lines that are no comments.
func buildFlags() (all []string) {
	for line := range strings.Lines(flags) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// item is a file of an archive.
type item struct {
	name    string // in the archive, with slashes
	data    []byte
	program bool
	unix    bool // of no use on Windows
}

// companions are the files that go with every binary: words, man pages, completions, the unit.
func (r *release) companions(ctx context.Context) ([]item, error) {
	var items []item
	add := func(name, from string, unix bool) error {
		data, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(from)))
		items = append(items, item{name: name, data: data, unix: unix})
		return err
	}
	for _, name := range []string{"README.md", "CHANGELOG.md"} {
		if err := add(name, name, false); err != nil {
			return nil, err
		}
	}
	if err := add("systemd/officer@.service", "packaging/officer@.service", true); err != nil {
		return nil, err
	}
	host, err := r.build(ctx, target{runtime.GOOS, runtime.GOARCH})
	if err != nil {
		return nil, err
	}
	pages, err := manPages(ctx, host, filepath.Join(r.stage, "share"))
	if err != nil {
		return nil, err
	}
	items = append(items, pages...)
	for _, s := range []struct{ shell, file string }{
		{"bash", "officer.bash"}, {"zsh", "_officer"}, {"fish", "officer.fish"}, {"powershell", "officer.ps1"},
	} {
		text, err := exec.CommandContext(ctx, host, "completion", s.shell).Output()
		if err != nil {
			return nil, fmt.Errorf("officer completion %s: %w", s.shell, err)
		}
		items = append(items, item{name: "completions/" + s.file, data: text, unix: s.shell != "powershell"})
	}
	return items, nil
}

// manPages lets the program write its own.
func manPages(ctx context.Context, host, dir string) ([]item, error) {
	if err := loudly("", exec.CommandContext(ctx, host, "man", "--dir", dir)); err != nil {
		return nil, err
	}
	pages, err := os.ReadDir(filepath.Join(dir, "man1"))
	if err != nil {
		return nil, err
	}
	var items []item
	for _, p := range pages {
		data, err := os.ReadFile(filepath.Join(dir, "man1", p.Name()))
		if err != nil {
			return nil, err
		}
		items = append(items, item{name: "man/" + p.Name(), data: data, unix: true})
	}
	return items, nil
}

// loudly runs a command in a folder; what it said stands in the error.
func loudly(dir string, c *exec.Cmd) error {
	var said bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, &said, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%v: %w\n%s", c.Args, err, said.Bytes())
	}
	return nil
}
