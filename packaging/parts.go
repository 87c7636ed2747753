package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

const noticesName = "THIRD_PARTY_LICENSES.txt"

// part is a module that is linked into a binary.
type part struct {
	path, version string
	sum           string // as go.sum has it
	licenses      []string
	texts         []text
	uses          []string // paths of other parts
}

type text struct {
	file string
	data []byte
}

// parts are all modules of one binary, by path; Go itself and SQLite among them.
type parts struct {
	main  string
	goes  string // version of Go
	lites string // version of SQLite
	all   []part
	uses  []string // what Officer itself requires
}

// partsOf reads what the linker wrote into the binary and completes it from the module cache.
func partsOf(ctx context.Context, root string, t target, binary string) (*parts, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	p := &parts{main: info.Main.Path, goes: strings.TrimPrefix(info.GoVersion, "go")}
	dirs, err := modules(ctx, root)
	if err != nil {
		return nil, err
	}
	edges, err := graph(ctx, root)
	if err != nil {
		return nil, err
	}
	linked := map[string]bool{}
	for _, d := range info.Deps {
		linked[d.Path] = true
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			return nil, fmt.Errorf("%s is replaced: a release is made of published modules", d.Path)
		}
		one := part{path: d.Path, version: d.Version, sum: d.Sum, uses: known(edges[d.Path+"@"+d.Version], linked)}
		if one.texts, one.licenses, err = terms(dirs[d.Path]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.Path, d.Version, err)
		}
		p.all = append(p.all, one)
	}
	slices.SortFunc(p.all, func(a, b part) int { return cmp.Compare(a.path, b.path) })
	p.uses = known(edges[p.main], linked)
	p.lites, err = sqliteVersion(root)
	return p, err
}

func known(paths []string, linked map[string]bool) []string {
	var some []string
	for _, p := range paths {
		if linked[p] && !slices.Contains(some, p) {
			some = append(some, p)
		}
	}
	slices.Sort(some)
	return some
}

// modules gives the folder of each module in the module cache.
func modules(ctx context.Context, root string) (map[string]string, error) {
	c := exec.CommandContext(ctx, "go", "list", "-m", "-json", "all")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m all: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); err != nil {
			return nil, err
		}
		dirs[m.Path] = m.Dir
	}
	return dirs, nil
}

// graph gives which paths each module@version requires.
func graph(ctx context.Context, root string) (map[string][]string, error) {
	c := exec.CommandContext(ctx, "go", "mod", "graph")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod graph: %w", err)
	}
	edges := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		path, _, _ := strings.Cut(to, "@")
		edges[from] = append(edges[from], path)
	}
	return edges, nil
}

func sqliteVersion(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, "supervisor", "engine.go"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^const SQLiteVersion = "([^"]+)"$`).FindSubmatch(source)
	if found == nil {
		return "", fmt.Errorf("supervisor/engine.go has no constant SQLiteVersion")
	}
	return string(found[1]), nil
}

// terms reads the licence files of a module: they have to go with every copy.
func terms(dir string) (texts []text, licenses []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	wanted := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)
	for _, e := range entries {
		if e.IsDir() || !wanted.MatchString(e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, text{e.Name(), data})
		if id := spdx(string(data)); id != "" && !slices.Contains(licenses, id) {
			licenses = append(licenses, id)
		}
	}
	if len(licenses) == 0 {
		return nil, nil, fmt.Errorf("no licence that is known was found in %s: look at it, then teach it to spdx()", dir)
	}
	return texts, licenses, nil
}

// spdx names the licence of a text by https://spdx.org/licenses, "" when it is none of those that
// may be linked.
func spdx(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case strings.Contains(s, "Apache License") && strings.Contains(s, "Version 2.0, January 2004"):
		return "Apache-2.0"
	case strings.Contains(s, "Mozilla Public License") && strings.Contains(s, "2.0"):
		return "MPL-2.0"
	case strings.Contains(s, "Permission is hereby granted, free of charge"):
		return "MIT"
	case strings.Contains(s, "MIT No Attribution"):
		return "MIT-0"
	case strings.Contains(s, "Permission to use, copy, modify, and"):
		return "ISC"
	case strings.Contains(s, "Redistribution and use in source and binary forms"):
		if strings.Contains(s, "Neither the name") || strings.Contains(s, "may not be used to endorse") || strings.Contains(s, "may be used to endorse") {
			return "BSD-3-Clause"
		}
		return "BSD-2-Clause"
	}
	return ""
}

// notices is the file that goes with the binary: the licence of everything that is linked into it.
func (p *parts) notices() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "The program officer contains the software below, each under its own licence.\n"+
		"SQLite %s is in the public domain (https://sqlite.org/copyright.html).\n", p.lites)
	golang, err := os.ReadFile(filepath.Join(goroot(), "LICENSE"))
	if err != nil {
		return nil, err
	}
	chapter(&b, "Go "+p.goes, "BSD-3-Clause", golang)
	for _, one := range p.all {
		for _, t := range one.texts {
			chapter(&b, one.path+" "+one.version, strings.Join(one.licenses, ", ")+", file "+t.file, t.data)
		}
	}
	return b.Bytes(), nil
}

func goroot() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return runtime.GOROOT()
	}
	return strings.TrimSpace(string(out))
}

func chapter(b *bytes.Buffer, name, license string, data []byte) {
	fmt.Fprintf(b, "\n%s\n%s (%s)\n\n", strings.Repeat("-", 78), name, license)
	b.Write(bytes.TrimSpace(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
	b.WriteByte('\n')
}
