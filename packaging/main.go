// Command packaging makes a release: for each platform the stripped binary, an archive, a list of what is
// in it (CycloneDX), deb, rpm and apk for Linux, the npm packages, and SHA256SUMS. The same sources give the
// same bytes, on any machine and in any folder. "make release VERSION=0.1.0" calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("packaging", flag.ContinueOnError)
	root := flags.String("root", "..", "the repository")
	out := flags.String("out", "../dist", "where the files go; what lies there from an earlier release is removed")
	version := flags.String("version", "", "must be the one in supervisor/config.go, and that of the tag if there is one")
	only := flags.String("targets", "", "os/arch,os/arch (default: all)")
	npm := flags.Bool("npm", true, "also the npm packages; wants node")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := targetsOf(*only)
	if err != nil {
		return err
	}
	r := &release{targets: targets, npm: *npm}
	if r.root, err = filepath.Abs(*root); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(*out); err != nil {
		return err
	}
	if r.version, err = checkedVersion(ctx, r.root, *version); err != nil {
		return err
	}
	return r.run(ctx)
}

// target is one platform.
type target struct{ os, arch string }

func allTargets() []target {
	return []target{
		{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
	}
}

func targetsOf(list string) ([]target, error) {
	if list == "" {
		return allTargets(), nil
	}
	var some []target
	for name := range strings.SplitSeq(list, ",") {
		os, arch, _ := strings.Cut(name, "/")
		some = append(some, target{os, arch})
		if !contains(allTargets(), target{os, arch}) {
			return nil, fmt.Errorf("%s is no platform of Officer's", name)
		}
	}
	return some, nil
}

func contains(all []target, t target) bool {
	for _, a := range all {
		if a == t {
			return true
		}
	}
	return false
}

// binary is the name of the program there.
func (t target) binary() string {
	if t.os == "windows" {
		return "officer.exe"
	}
	return "officer"
}

// node names the platform as process.platform and process.arch do.
func (t target) node() (platform, arch string) {
	platform, arch = t.os, t.arch
	if platform == "windows" {
		platform = "win32"
	}
	if arch == "amd64" {
		arch = "x64"
	}
	return platform, arch
}

func (t target) String() string { return t.os + "/" + t.arch }
