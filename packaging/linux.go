package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk" // each registers its format
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// linuxPackages makes deb, rpm and apk after nfpm.yaml from the files of the archive.
func (r *release) linuxPackages(t target, items []item) error {
	stage := filepath.Join(r.stage, "linux-"+t.arch)
	license, terms, err := r.license()
	if err != nil {
		return err
	}
	if err := r.lay(stage, items, license, terms); err != nil {
		return err
	}
	values := map[string]string{
		"ARCH": t.arch, "VERSION": r.version, "STAGE": stage, "LICENSE": license,
	}
	here := filepath.Join(r.root, "packaging")
	for _, format := range []string{"deb", "rpm", "apk"} {
		if err := r.linuxPackage(format, here, values); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

func (r *release) linuxPackage(format, here string, values map[string]string) error {
	// nfpm takes the scripts from the folder that it runs in.
	text, err := os.ReadFile(filepath.Join(here, "nfpm.yaml"))
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte(": scripts/"), []byte(": "+filepath.ToSlash(here)+"/scripts/"))
	config, err := nfpm.ParseWithEnvMapping(bytes.NewReader(text), func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	info.MTime, info.License = r.when, values["LICENSE"]
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(r.out, packager.ConventionalFileName(info)))
	if err != nil {
		return err
	}
	if err := packager.Package(info, f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// lay puts the files where nfpm.yaml expects them, compressed where a distribution wants that.
func (r *release) lay(stage string, items []item, license, terms string) error {
	form, err := os.ReadFile(filepath.Join(r.root, "packaging", "copyright"))
	if err != nil {
		return err
	}
	copyright := strings.NewReplacer("${LICENSE}", license, "${TERMS}", terms).Replace(string(form))
	items = append([]item{{name: "doc/copyright", data: []byte(copyright)}}, items...)
	for _, i := range items {
		name, squeeze := i.name, false
		switch {
		case strings.HasPrefix(name, "man/"):
			name, squeeze = name+".gz", true
		case name == noticesName:
			name, squeeze = "doc/"+name+".gz", true
		case name == "CHANGELOG.md":
			name, squeeze = "doc/changelog.gz", true
		case name == "README.md":
			name = "doc/" + name
		}
		data := i.data
		if squeeze {
			var b bytes.Buffer
			z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				return err
			}
			if _, err := z.Write(data); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
			data = b.Bytes()
		}
		path := filepath.Join(stage, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, i.mode()); err != nil {
			return err
		}
		if err := os.Chtimes(path, r.when, r.when); err != nil {
			return err
		}
	}
	return nil
}

// license gives the licence of Officer itself and its text, for the package's own file.
func (r *release) license() (id, terms string, err error) {
	text, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if os.IsNotExist(err) {
		return "none-stated", "The repository states no licence yet.", nil
	}
	if err != nil {
		return "", "", err
	}
	if id = spdx(string(text)); id == "" {
		return "", "", fmt.Errorf("LICENSE is none that spdx() knows")
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, " \r"); l == "" {
			l = "."
		}
		lines[i] = l
	}
	return id, strings.Join(lines, "\n "), nil
}
