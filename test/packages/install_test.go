//go:build packages

package packages

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dist is the release that .ci/run made.
func dist(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "dist", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Fatalf("dist/%s: %q; first: make release VERSION=…", pattern, found)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstall_byGoFromACleanClone: go install needs nothing but the repository.
func TestInstall_byGoFromACleanClone(t *testing.T) {
	clone, bin := filepath.Join(t.TempDir(), "clone"), t.TempDir()
	output(t, exec.Command("git", "clone", "--quiet", "--no-hardlinks", root, clone))
	c := exec.Command("go", "install", "./cmd/officer")
	c.Dir, c.Env = clone, append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	output(t, c)
	works(t, filepath.Join(bin, "officer"))
}

// works backs a database up and lists it.
func works(t *testing.T, command ...string) {
	t.Helper()
	try := func(args ...string) string {
		t.Helper()
		return output(t, exec.Command(command[0], append(slices.Clone(command[1:]), args...)...))
	}
	if got := try("version"); !strings.HasPrefix(got, "officer ") {
		t.Errorf("version says %q", got)
	}
	db := filepath.Join(t.TempDir(), "app.db")
	output(t, exec.Command(need(t, "sqlite3"), db, "CREATE TABLE t(a); INSERT INTO t VALUES (1)"))
	if got := try("backup", db, "--json"); !strings.Contains(got, `"verified":true`) {
		t.Errorf("backup says %q", got)
	}
	if got := try("list", db, "--json"); !strings.Contains(got, `"sha256"`) {
		t.Errorf("list says %q", got)
	}
}

// TestInstall_byNpmInAnEmptyFolder: the archives alone, with no script run and no registry asked, give npx officer,
// require and import.
func TestInstall_byNpmInAnEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	npm := func(args ...string) string {
		t.Helper()
		c := exec.Command(need(t, "npm"), args...)
		c.Dir = dir
		return output(t, c)
	}
	main := dist(t, "npm/officer-doofy-officer-[0-9]*.tgz")
	npm("install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", main, dist(t, "npm/officer-doofy-officer-linux-x64-*.tgz"))
	c := exec.Command(filepath.Join(dir, "node_modules", ".bin", "officer"), "version")
	if got := output(t, c); !strings.HasPrefix(got, "officer ") {
		t.Errorf("the program says %q", got)
	}
	works(t, filepath.Join(dir, "node_modules", ".bin", "officer"))
	for _, script := range [][]string{
		{"-e", `const { startOfficer, findBinary } = require("@officer-doofy/officer"); console.log(typeof startOfficer, findBinary())`},
		{"--input-type=module", "-e", `import { startOfficer, findBinary } from "@officer-doofy/officer"; console.log(typeof startOfficer, findBinary())`},
	} {
		c := exec.Command(need(t, "node"), script...)
		c.Dir, c.Env = dir, without(os.Environ(), "OFFICER_BINARY")
		if got := output(t, c); !strings.HasPrefix(got, "function "+filepath.Join(dir, "node_modules")) {
			t.Errorf("%q says %q", script, got)
		}
	}
	types(t, dir)
}

// types compiles a program against the installed declarations, as ES module and as CommonJS.
func types(t *testing.T, dir string) {
	t.Helper()
	program := `
import { startOfficer, officerMiddleware, onThisMachine, OfficerError, type EventOf } from "@officer-doofy/officer";
import { Severity, type Status } from "@officer-doofy/officer/proto";

export async function main(): Promise<bigint> {
  const officer = await startOfficer({ db: "app.db" });
  officer.on("backup.verified", (e: EventOf<"backup.verified">) => e.body.value.backup?.sizeBytes);
  officer.on("health", (h) => h.health === Severity.RED);
  const status: Status = await officer.client.getStatus();
  const report = await officer.work.backUp({ reason: "types" }, { onProgress: (p) => p.done });
  officerMiddleware(officer, { authorize: onThisMachine, readOnly: true });
  // @ts-expect-error: who may has no default
  officerMiddleware(officer, {});
  try {
    await officer.work.restore({ dryRun: true });
  } catch (e) {
    if (e instanceof OfficerError) console.log(e.hints.join());
  }
  // @ts-expect-error: there is no such method
  void officer.client.call;
  // @ts-expect-error: a misspelt field
  void officer.client.getStatus({ databse: "a" });
  await officer.stop();
  return (report.backup?.sizeBytes ?? 0n) + BigInt(status.backups);
}
`
	for _, name := range []string{"program.mts", "program.cts"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := filepath.Abs(root + "/npm/officer/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(need(t, "node"), tools+"/typescript/bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022",
		"--lib", "es2022,esnext.disposable", "--typeRoots", tools+"/@types", "--types", "node", "program.mts", "program.cts")
	c.Dir = dir
	output(t, c)
}

func without(env []string, name string) []string {
	return slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
}

// TestInstall_byDpkgAndGoneWithoutATrace installs the deb on this system. It does so only where that was
// asked for: .ci/run does.
func TestInstall_byDpkgAndGoneWithoutATrace(t *testing.T) {
	if os.Getenv("PACKAGES_INSTALL") == "" {
		t.Skip("PACKAGES_INSTALL is not set: it would install a package on this system")
	}
	if _, err := exec.LookPath("officer"); err == nil {
		t.Fatal("an officer is installed here already")
	}
	deb := dist(t, "officer_*_amd64.deb")
	before := system(t)
	output(t, exec.Command(need(t, "dpkg"), "--install", deb))
	t.Cleanup(func() { _ = exec.Command("dpkg", "--purge", "officer").Run() })
	added := difference(system(t), before)
	works(t, "officer")
	for _, want := range []string{
		"/usr/bin/officer", "/usr/share/man/man1/officer.1.gz", "/usr/share/bash-completion/completions/officer",
		"/usr/share/zsh/vendor-completions/_officer", "/usr/share/fish/vendor_completions.d/officer.fish",
		"/usr/lib/systemd/system/officer@.service", "/usr/share/doc/officer/copyright", "/usr/share/doc/officer/changelog.gz",
		"/usr/share/doc/officer/THIRD_PARTY_LICENSES.txt.gz",
	} {
		if info, err := os.Stat(want); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", want, err)
		}
	}
	if page := output(t, exec.Command("sh", "-c", "zcat /usr/share/man/man1/officer.1.gz")); !strings.Contains(page, ".SH NAME") {
		t.Errorf("the man page is none: %.200s", page)
	}
	completed := output(t, exec.Command("bash", "-c", `officer __complete bac 2>/dev/null; bash -n /usr/share/bash-completion/completions/officer`))
	if !strings.Contains(completed, "backup") {
		t.Errorf("bac completes to %q", completed)
	}
	if path, err := exec.LookPath("systemd-analyze"); err == nil {
		out, err := exec.Command(path, "verify", "/usr/lib/systemd/system/officer@.service").CombinedOutput()
		if err != nil || strings.Contains(string(out), "officer@.service:") {
			t.Errorf("the unit: %v\n%s", err, tail(string(out)))
		}
	}
	output(t, exec.Command("dpkg", "--purge", "officer"))
	if left := difference(system(t), before); len(left) > 0 {
		t.Errorf("purging left %q", left)
	}
	t.Logf("%d files and folders came and went", len(added))
}

// system lists what packages write to, by name.
func system(t *testing.T) (names []string) {
	t.Helper()
	for _, top := range []string{"/usr/bin", "/usr/lib/systemd", "/usr/share/man/man1", "/usr/share/doc", "/usr/share/bash-completion",
		"/usr/share/zsh", "/usr/share/fish", "/etc/systemd", "/etc/init.d", "/etc/default", "/var/lib/systemd"} {
		err := filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				names = append(names, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func difference(after, before []string) (added []string) {
	known := map[string]bool{}
	for _, b := range before {
		known[b] = true
	}
	for _, a := range after {
		if !known[a] {
			added = append(added, a)
		}
	}
	return added
}
