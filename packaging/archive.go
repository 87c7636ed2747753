package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const sumsName = "SHA256SUMS"

// archive writes the items into a folder of the archive's name: zip for Windows, else tar.gz.
func (r *release) archive(name string, t target, items []item) (err error) {
	suffix, write := ".tar.gz", r.tarball
	if t.os == "windows" {
		suffix, write = ".zip", r.zip
	}
	f, err := os.Create(filepath.Join(r.out, name+suffix))
	if err != nil {
		return err
	}
	if err := write(f, name, items); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (i item) mode() fs.FileMode {
	if i.program {
		return 0o755
	}
	return 0o644
}

func (r *release) tarball(w io.Writer, folder string, items []item) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, i := range items {
		h := &tar.Header{Name: folder + "/" + i.name, Mode: int64(i.mode()), Size: int64(len(i.data)), ModTime: r.when, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(i.data); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func (r *release) zip(w io.Writer, folder string, items []item) error {
	z := zip.NewWriter(w)
	for _, i := range items {
		h := &zip.FileHeader{Name: folder + "/" + i.name, Method: zip.Deflate, Modified: r.when}
		h.SetMode(i.mode())
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(i.data); err != nil {
			return err
		}
	}
	return z.Close()
}

// sums writes SHA256SUMS over every file of the release, for "sha256sum --check".
func sums(out string) error {
	var lines strings.Builder
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "stage" {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(out, path)
		if err != nil || name == sumsName {
			return err
		}
		sum, err := sha256Of(path)
		fmt.Fprintf(&lines, "%s  %s\n", sum, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, sumsName), []byte(lines.String()), 0o644)
}

func sha256Of(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
