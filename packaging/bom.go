package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// bom writes {name}.cdx.json, the CycloneDX 1.6 list of what is in a binary
// (https://cyclonedx.org/docs/1.6/json). It is made from the binary itself, so it
// cannot name what is not linked, nor miss what is.
func (r *release) bom(name string, t target, binary string, p *parts) error {
	sum, err := sha256Of(binary)
	if err != nil {
		return err
	}
	root := component{
		Type: "application", Ref: purl(p.main, "v"+r.version), Name: "officer", Version: r.version,
		PURL: purl(p.main, "v"+r.version), Hashes: []hash{{"SHA-256", sum}},
		Properties: []property{{"officer:platform", t.String()}},
	}
	b := bill{
		Format: "CycloneDX", Spec: "1.6", Version: 1, Serial: serial(name + sum),
		Metadata: metadata{Time: r.when.Format(time.RFC3339), Component: root},
	}
	golang := component{
		Type: "library", Ref: purl("std", p.goes), Name: "std", Version: p.goes, PURL: purl("std", p.goes),
		Licenses: ids("BSD-3-Clause"),
	}
	const carrier = "github.com/ncruces/go-sqlite3-wasm/v6"
	sqlite := component{
		Type: "library", Ref: "pkg:generic/sqlite@" + p.lites, Name: "sqlite", Version: p.lites, PURL: "pkg:generic/sqlite@" + p.lites,
		Licenses: ids("blessing"), CPE: "cpe:2.3:a:sqlite:sqlite:" + p.lites + ":*:*:*:*:*:*:*",
	}
	b.Components = []component{golang, sqlite}
	refs := map[string]string{}
	for _, one := range p.all {
		refs[one.path] = purl(one.path, one.version)
	}
	b.Dependencies = append(b.Dependencies, dependency{root.Ref, append(those(p.uses, refs), golang.Ref)})
	carried := false
	for _, one := range p.all {
		b.Components = append(b.Components, component{
			Type: "library", Ref: refs[one.path], Name: one.path, Version: one.version, PURL: refs[one.path],
			Licenses: ids(one.licenses...), Properties: []property{{"go:sum", one.sum}},
		})
		on := those(one.uses, refs)
		if one.path == carrier {
			carried, on = true, append(on, sqlite.Ref)
		}
		b.Dependencies = append(b.Dependencies, dependency{refs[one.path], on})
	}
	if !carried {
		return fmt.Errorf("%s is not linked: where does SQLite come from now?", carrier)
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, name+".cdx.json"), append(text, '\n'), 0o644)
}

func those(paths []string, refs map[string]string) []string {
	on := []string{}
	for _, p := range paths {
		on = append(on, refs[p])
	}
	return on
}

// purl names a Go module (https://github.com/package-url/purl-spec).
func purl(path, version string) string { return "pkg:golang/" + path + "@" + version }

// serial is a UUID that is the same for the same release (RFC 9562, version 8).
func serial(of string) string {
	h := sha256.Sum256([]byte(of))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func ids(names ...string) []licensing {
	var all []licensing
	for _, n := range names {
		all = append(all, licensing{license{n}})
	}
	return all
}

type bill struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Time      string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string      `json:"type"`
	Ref        string      `json:"bom-ref"`
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	Hashes     []hash      `json:"hashes,omitempty"`
	Licenses   []licensing `json:"licenses,omitempty"`
	CPE        string      `json:"cpe,omitempty"`
	PURL       string      `json:"purl"`
	Properties []property  `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licensing struct {
	License license `json:"license"`
}

type license struct {
	ID string `json:"id"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}
