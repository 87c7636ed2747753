package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// repository gives the tracked files of the repository in a folder of another name, as a
// stranger's clone would have them.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "a clone")
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err != nil || info.IsDir() {
			continue // removed and not committed yet
		}
		if err := copyTree(filepath.Join(root, name), filepath.Join(copied, name)); err != nil {
			t.Fatal(err)
		}
	}
	tools := filepath.Join(root, "npm", "officer", "node_modules")
	if _, err := os.Stat(tools); err == nil {
		if err := os.MkdirAll(filepath.Join(copied, "npm", "officer"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(tools, filepath.Join(copied, "npm", "officer", "node_modules")); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

func version(t *testing.T, root string) string {
	t.Helper()
	_, err := checkedVersion(t.Context(), root, "")
	_, after, ok := strings.Cut(err.Error(), "VERSION=")
	if !ok {
		t.Fatal(err)
	}
	return after
}

// targets are what the tests make: one with packages, one that is crossed over to.
const testTargets = "linux/amd64,windows/arm64"

// makeRelease makes a release and gives the bytes of every file.
func makeRelease(t *testing.T, root, out string) map[string]string {
	t.Helper()
	_, err := exec.LookPath("npm")
	if err != nil {
		t.Log("no npm here: the npm packages are left out")
	}
	args := []string{"-root", root, "-out", out, "-version", version(t, root), "-targets", testTargets, fmt.Sprintf("-npm=%v", err == nil)}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[filepath.ToSlash(strings.TrimPrefix(path, out+string(filepath.Separator)))] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRelease makes one in $RELEASE_DIST, where it stays for other tests, or in a folder of its own.
func TestRelease(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1780000000")
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	out := os.Getenv("RELEASE_DIST")
	if out == "" {
		out = filepath.Join(t.TempDir(), "dist")
	}
	files := makeRelease(t, here, out)
	v := version(t, here)
	t.Run("has everything", func(t *testing.T) {
		for _, want := range []string{
			"officer_" + v + "_linux_amd64.tar.gz", "officer_" + v + "_windows_arm64.zip", "officer_" + v + "-1_amd64.deb",
			"officer-" + v + "-1.x86_64.rpm", "officer_" + v + "-r1_x86_64.apk",
		} {
			if len(files[want]) < 5<<20 {
				t.Errorf("%s has %d bytes", want, len(files[want]))
			}
		}
		for name := range files {
			if name != sumsName && !strings.Contains(files[sumsName], "  "+name+"\n") {
				t.Errorf("%s is not in %s", name, sumsName)
			}
		}
	})
	t.Run("is small", func(t *testing.T) {
		bytes := programBytes(t, files["officer_"+v+"_linux_amd64.tar.gz"])
		t.Logf("the program for linux/amd64 has %d bytes, at most %d", bytes, programBytesMax)
		if bytes > programBytesMax {
			t.Error("too large; go tool nm -size -sort size shows what grew")
		}
	})
	for _, platform := range []string{"linux_amd64", "windows_arm64"} {
		t.Run("the bill of "+platform, func(t *testing.T) { checkBill(t, files["officer_"+v+"_"+platform+".cdx.json"]) })
	}
	t.Run("is the same from another folder", func(t *testing.T) {
		second := makeRelease(t, repository(t), filepath.Join(t.TempDir(), "dist"))
		if len(second) != len(files) {
			t.Errorf("%d files, and %d the second time", len(files), len(second))
		}
		for name, data := range files {
			if second[name] != data {
				t.Errorf("%s: the two differ (%d and %d bytes)", name, len(data), len(second[name]))
			}
		}
	})
}

// programBytesMax is promised: 22 MB, not MiB.
const programBytesMax = 22_000_000

// programBytes finds the program in an archive.
func programBytes(t *testing.T, archive string) int64 {
	t.Helper()
	unpacked, err := gzip.NewReader(strings.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(unpacked); ; {
		h, err := files.Next()
		if err != nil {
			t.Fatalf("no program in the archive: %v", err)
		}
		if path.Base(h.Name) == "officer" {
			return h.Size
		}
	}
}

// checkBill: what is linked is named once, with licence and version, and is reached from Officer.
func checkBill(t *testing.T, text string) {
	t.Helper()
	var b bill
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{b.Metadata.Component.Ref: true}
	sqlite, golang := false, false
	for _, c := range b.Components {
		if refs[c.Ref] {
			t.Errorf("%s stands there twice", c.Ref)
		}
		refs[c.Ref] = true
		if len(c.Licenses) == 0 || c.Version == "" {
			t.Errorf("%s: licences %v, version %q", c.Name, c.Licenses, c.Version)
		}
		if strings.Contains(c.Ref, "rapid") || strings.Contains(c.Ref, "goleak") {
			t.Errorf("%s is a test library", c.Ref)
		}
		sqlite = sqlite || strings.HasPrefix(c.Ref, "pkg:generic/sqlite@3.")
		golang = golang || strings.HasPrefix(c.Ref, "pkg:golang/std@1.")
	}
	if !sqlite || !golang || len(refs) < 20 {
		t.Errorf("SQLite: %v, Go: %v, %d parts in all", sqlite, golang, len(refs))
	}
	reached := map[string]bool{}
	reach(b.Dependencies, b.Metadata.Component.Ref, reached)
	for ref := range refs {
		if !reached[ref] {
			t.Errorf("nothing leads to %s", ref)
		}
	}
}

func reach(all []dependency, from string, reached map[string]bool) {
	if reached[from] {
		return
	}
	reached[from] = true
	for _, d := range all {
		if d.Ref != from {
			continue
		}
		for _, on := range d.On {
			reach(all, on, reached)
		}
	}
}

func TestVersion_standsInOnePlace(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "supervisor"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "supervisor", "config.go"), []byte("package supervisor\n\nconst Version = \"1.2.3\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := checkedVersion(t.Context(), root, "1.2.3"); err != nil || got != "1.2.3" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, wrong := range []string{"", "1.2.4", "v1.2.3"} {
		if _, err := checkedVersion(t.Context(), root, wrong); err == nil {
			t.Errorf("%q was taken for 1.2.3", wrong)
		}
	}
	for _, c := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a"}, {"tag", "v1.2.2"},
	} {
		if out, err := exec.CommandContext(context.Background(), "git", append([]string{"-C", root}, c...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", c, err, out)
		}
	}
	if _, err := checkedVersion(t.Context(), root, "1.2.3"); err == nil {
		t.Error("a commit that is tagged v1.2.2 was taken for 1.2.3")
	}
}

func TestClear_sparesWhatIsNoRelease(t *testing.T) {
	dir := t.TempDir()
	letter := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("dear"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := clear(dir); err == nil {
		t.Error("a folder with a letter was cleared")
	}
	if _, err := os.Stat(letter); err != nil {
		t.Error(err)
	}
}

func TestTargets_refuseWhatIsNoPlatform(t *testing.T) {
	for _, wrong := range []string{"linux", "linux/386", "linux/amd64,", "plan9/amd64"} {
		if got, err := targetsOf(wrong); err == nil {
			t.Errorf("%q: got %v", wrong, got)
		}
	}
	if got, err := targetsOf(""); err != nil || len(got) != 6 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSPDX_knowsTheFamilies(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004":                            "Apache-2.0",
		"Permission is hereby granted, free of charge":                            "MIT",
		"Redistribution and use in source and binary forms … Neither the name of": "BSD-3-Clause",
		"Redistribution and use in source and binary forms":                       "BSD-2-Clause",
		"GNU GENERAL PUBLIC LICENSE":                                              "",
	} {
		if got := spdx(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
