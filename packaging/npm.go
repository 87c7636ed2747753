package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// manifest is what package.json of a published package holds; npm/officer/package.json is the source of
// the main one, without versions and without the platform packages: these come from here.
type manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Description  string            `json:"description"`
	Keywords     []string          `json:"keywords,omitempty"`
	License      string            `json:"license"`
	Repository   json.RawMessage   `json:"repository,omitempty"`
	Engines      json.RawMessage   `json:"engines,omitempty"`
	OS           []string          `json:"os,omitempty"`
	CPU          []string          `json:"cpu,omitempty"`
	Type         string            `json:"type,omitempty"`
	Main         string            `json:"main,omitempty"`
	Types        string            `json:"types,omitempty"`
	Bin          json.RawMessage   `json:"bin,omitempty"`
	Exports      json.RawMessage   `json:"exports,omitempty"`
	Files        []string          `json:"files,omitempty"`
	SideEffects  *bool             `json:"sideEffects,omitempty"`
	PreferUnzip  bool              `json:"preferUnplugged,omitempty"`
	Dependencies map[string]string `json:"dependencies,omitempty"`
	Optional     map[string]string `json:"optionalDependencies,omitempty"`
}

// npmPackages makes the package with the client and one for each binary. Only the manager of the app
// decides which binary it downloads: no script runs at installation.
func (r *release) npmPackages(ctx context.Context) error {
	source := filepath.Join(r.root, "npm", "officer")
	if _, err := os.Stat(filepath.Join(source, "node_modules", "typescript")); err != nil {
		if err := loudly(source, exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts")); err != nil {
			return err
		}
	}
	if err := loudly(source, exec.CommandContext(ctx, "npm", "run", "build")); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(source, "package.json"))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	m.Version, m.Optional = r.version, map[string]string{}
	// Every platform is named, also when only some are built: one lock file is right on all.
	for _, t := range allTargets() {
		platform, arch := t.node()
		m.Optional[fmt.Sprintf("%s-%s-%s", m.Name, platform, arch)] = r.version
	}
	if err := os.MkdirAll(filepath.Join(r.out, "npm"), 0o755); err != nil {
		return err
	}
	main := filepath.Join(r.stage, "npm", "officer")
	for _, part := range m.Files {
		if err := copyTree(filepath.Join(source, part), filepath.Join(main, part)); err != nil {
			return err
		}
	}
	if err := r.pack(ctx, main, m); err != nil {
		return err
	}
	for _, t := range r.targets {
		if err := r.platformPackage(ctx, m, t); err != nil {
			return err
		}
	}
	return nil
}

// platformPackage carries one binary.
func (r *release) platformPackage(ctx context.Context, main manifest, t target) error {
	platform, arch := t.node()
	dir := filepath.Join(r.stage, "npm", platform+"-"+arch)
	if err := copyTree(filepath.Join(r.stage, "bin", t.os+"-"+t.arch, t.binary()), filepath.Join(dir, "bin", t.binary())); err != nil {
		return err
	}
	p, err := partsOf(ctx, r.root, t, filepath.Join(dir, "bin", t.binary()))
	if err != nil {
		return err
	}
	notices, err := p.notices()
	if err != nil {
		return err
	}
	words := fmt.Sprintf("# %s-%s-%s\n\nThe program `officer` for %s on %s. Install `%s`; it chooses this package where it fits.\n",
		main.Name, platform, arch, platform, arch, main.Name)
	for name, data := range map[string][]byte{"README.md": []byte(words), noticesName: notices} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return r.pack(ctx, dir, manifest{
		Name: fmt.Sprintf("%s-%s-%s", main.Name, platform, arch), Version: r.version,
		Description: fmt.Sprintf("The program of %s for %s on %s", main.Name, platform, arch),
		License:     main.License, Repository: main.Repository, OS: []string{platform}, CPU: []string{arch},
		Files: []string{"bin", noticesName}, PreferUnzip: true,
	})
}

// pack lets npm write the archive: it leaves out times and owners, so the same files give the same bytes.
func (r *release) pack(ctx context.Context, dir string, m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return loudly(dir, exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--pack-destination", filepath.Join(r.out, "npm")))
}

// copyTree copies a file or a folder with its modes.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return os.WriteFile(target, data, mode)
	})
}
