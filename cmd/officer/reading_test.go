package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// traceless N COMMAND … runs a command that must end with that exit code and leave every file
// and folder as it was, down to the time of its last change.
func traceless(ts *testscript.TestScript, _ bool, args []string) {
	before := everything(ts)
	code(ts, false, args)
	after := everything(ts)
	for name, was := range before {
		if after[name] != was {
			ts.Logf("%s was %s and is now %q", name, was, after[name])
		}
	}
	for name, is := range after {
		if _, ok := before[name]; !ok {
			ts.Logf("%s is new: %s", name, is)
		}
		if before[name] != is {
			ts.Fatalf("%s left something behind", strings.Join(args[1:], " "))
		}
	}
	if len(before) != len(after) {
		ts.Fatalf("%s removed something", strings.Join(args[1:], " "))
	}
}

// everything describes what lies in the folder of the script, but for the temporary files.
func everything(ts *testscript.TestScript) map[string]string {
	all := map[string]string{}
	root := ts.MkAbs(".")
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() == ".tmp" || name == root { // the runner's own files lie there
			return err
		}
		info, err := e.Info()
		if err == nil {
			all[name] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	ts.Check(err)
	return all
}

// lockMain takes the right to write from everybody, in a folder with all that lies in it, or
// gives it back: lock DIR, lock -u DIR. It belongs to the one as whom reader runs.
func lockMain() {
	root, folder, file := os.Args[len(os.Args)-1], fs.FileMode(0o500), fs.FileMode(0o400)
	if len(os.Args) > 2 {
		folder, file = 0o700, 0o600
	}
	abs, err := filepath.Abs(root)
	check(err)
	check(os.Chmod(filepath.Dir(filepath.Dir(abs)), 0o711)) // others have to come by
	check(filepath.WalkDir(abs, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := file
		if e.IsDir() {
			mode = folder
		}
		if os.Geteuid() == 0 {
			if err := os.Lchown(name, nobody, nobody); err != nil {
				return err
			}
		}
		return os.Chmod(name, mode)
	}))
}

// nobody is who the root user becomes, to whom no permission is refused.
const nobody = 65534

// readerMain runs officer as somebody who is not root: reader VERB ….
func readerMain() {
	if os.Geteuid() == 0 {
		check(become(nobody))
	}
	main()
}

// writing lists the verbs whose work leaves something behind.
func writing() []string {
	return []string{"run", "backup", "drill", "verify", "vacuum", "analyze", "checkpoint", "repair", "recover", "pin", "unpin",
		"install", "uninstall", "notify", "man"}
}

// TestReading_everyVerbLeavesNothing: the table in testdata/reading.txtar has each verb that
// only reads, or an order of it that does.
func TestReading_everyVerbLeavesNothing(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("testdata", "reading.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cli{out: io.Discard, err: io.Discard}
	for _, verb := range c.command().Commands() {
		tried := strings.Contains(string(script), " officer "+verb.Name())
		if writes := slices.Contains(writing(), verb.Name()); !tried && !writes {
			t.Errorf("officer %s is neither in testdata/reading.txtar nor known to write", verb.Name())
		}
	}
}
