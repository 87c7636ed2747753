package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/unit"
	"github.com/officer-doofy/officer/messages"
)

// manager is the service manager of a system: systemd, launchd or that of Windows.
type manager struct {
	system  string // "linux", "darwin", "windows"
	machine bool   // the manager of the machine, not of one user
	root    string // files go below it and nobody is told: for packages and tests
	foreign bool   // another system's: only shown
}

func (m manager) name() string {
	return map[string]string{"linux": "systemd", "darwin": "launchd", "windows": "windows"}[m.system]
}

// usable says why nothing can be installed here.
func (m manager) usable(dry bool) error {
	refuse := func(text string, hints ...string) error {
		return messages.NewFailure("unsupported", "install", "%s", text).WithDid("Nothing was changed.").WithHints(hints...)
	}
	switch {
	case m.name() == "":
		return refuse("Officer knows no service manager of this system")
	case m.foreign && !dry && m.root == "":
		return refuse("what another system would get is only shown", "the same with --dry-run")
	case m.system == "windows" && !m.machine:
		return refuse("Windows has no services of one user", "officer install --system DB   as administrator")
	case m.foreign || m.root != "" || dry:
		return nil
	}
	tool := map[string]string{"linux": "systemctl", "darwin": "launchctl"}[m.system]
	if _, err := exec.LookPath(tool); tool != "" && err != nil {
		return refuse("there is no "+tool+" here: "+m.name()+" does not run this system", "officer install --dry-run DB")
	}
	if m.machine && m.system != "windows" && os.Geteuid() != 0 {
		return messages.NewFailure("permission", "install", "only root may install for the machine").
			WithDid("Nothing was changed.").WithHints("the same with sudo", "the same with --user")
	}
	return nil
}

// program is this executable, unless it is gone after the next restart.
func (m manager) program() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", messages.NewFailure("invalid", "install", "this program has no path").WithDid("Nothing was changed.")
	}
	if m.root != "" || m.foreign {
		return path, nil
	}
	if tmp, err := filepath.EvalSymlinks(os.TempDir()); err == nil && strings.HasPrefix(path, tmp+string(filepath.Separator)) {
		return "", messages.NewFailure("refused", "install", "%s is in the temporary folder: it would be gone some day", path).
			WithDid("Nothing was changed.").WithHints("install " + shell.Word(path) + " /usr/local/bin/officer")
	}
	return path, nil
}

// file is where a unit lies; "" on Windows, where the registry holds it.
func (m manager) file(name string) string {
	home, _ := os.UserHomeDir()
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		config = filepath.Join(home, ".config")
	}
	switch {
	case m.system == "linux" && m.machine:
		return filepath.Join(m.root, "/etc/systemd/system", name+".service")
	case m.system == "linux":
		return filepath.Join(m.root, config, "systemd/user", name+".service")
	case m.system == "darwin" && m.machine:
		return filepath.Join(m.root, "/Library/LaunchDaemons", name+".plist")
	case m.system == "darwin":
		return filepath.Join(m.root, home, "Library/LaunchAgents", name+".plist")
	}
	return ""
}

// plan is what an installation would do.
func (m manager) plan(u unit.Unit) *installResult {
	r := &installResult{Name: u.Name, Manager: m.name(), File: given(m.file(u.Name)), Commands: []step{}}
	switch m.system {
	case "linux":
		r.Text = unit.Systemd(u)
		r.Commands = []step{m.systemctl("daemon-reload"), m.systemctl("enable", u.Name+".service"), m.systemctl("restart", u.Name+".service")}
	case "darwin":
		r.Text = unit.Launchd(u)
		r.Commands = []step{{"launchctl", "bootstrap", m.domain(), m.file(u.Name)}}
	case "windows":
		r.Text = fmt.Sprintf("runs        %s\nstarts      automatically, after the others\nas          LocalSystem\nwhen it fails  again after 2 s\nsays        %s\n",
			unit.CommandLine(u), unit.WindowsDescription(u))
	}
	if m.root != "" {
		r.Commands = []step{}
	}
	return r
}

// farewell is what a removal would do.
func (m manager) farewell(name string, had existing) *installResult {
	r := &installResult{Name: name, Manager: m.name(), File: given(m.file(name)), Text: had.text, Commands: []step{}}
	if m.root != "" {
		return r
	}
	switch m.system {
	case "linux":
		r.Commands = []step{m.systemctl("disable", "--now", name+".service"), m.systemctl("daemon-reload")}
	case "darwin":
		r.Commands = []step{{"launchctl", "bootout", m.domain() + "/" + name}}
	}
	return r
}

func (m manager) systemctl(words ...string) step {
	if m.machine {
		return append(step{"systemctl"}, words...)
	}
	return append(step{"systemctl", "--user"}, words...)
}

func (m manager) domain() string {
	if m.machine {
		return "system"
	}
	return "gui/" + strconv.Itoa(os.Getuid())
}

// look finds out what is there under a name.
func (m manager) look(name string) (existing, error) {
	if file := m.file(name); file != "" {
		return lookAt(file)
	}
	if m.foreign || m.root != "" {
		return existing{name: name}, nil
	}
	return lookAtService(name)
}

// install writes what was planned and tells the manager.
func (m manager) install(ctx context.Context, u unit.Unit, r *installResult) error {
	if r.File == nil {
		return createService(u)
	}
	if err := writeUnit(*r.File, r.Text); err != nil {
		return messages.NewFailure("permission", "install", "%s cannot be written: %s", *r.File, sentenceOf(err)).WithDid("Nothing was changed.")
	}
	if m.system == "darwin" && m.root == "" { // one that runs keeps its old settings otherwise
		_ = step{"launchctl", "bootout", m.domain() + "/" + u.Name}.run(ctx)
	}
	return runAll(ctx, r.Commands, "It was written and stays: "+*r.File+".")
}

// uninstall undoes what install did: it is stopped first.
func (m manager) uninstall(ctx context.Context, name string, r *installResult) error {
	if r.File == nil {
		return deleteService(name)
	}
	for i, command := range r.Commands {
		if i == 1 { // what follows wants the file to be gone
			break
		}
		if err := command.run(ctx); err != nil && m.system == "linux" {
			return failedCommand(command, err, "The file is still there.")
		}
	}
	if err := os.Remove(*r.File); err != nil {
		return messages.NewFailure("permission", "uninstall", "%s cannot be removed", *r.File).WithDid("The service was stopped.")
	}
	if len(r.Commands) < 2 {
		return nil
	}
	return runAll(ctx, r.Commands[1:], "The service and its file are gone.")
}

// writeUnit puts a file in place in one piece; others may read it.
func writeUnit(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // G301: the manager's own folders
		return err
	}
	temporary := file + ".tmp"
	_ = os.Remove(temporary)
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302: the manager reads it as another user
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if serr := f.Sync(); err == nil {
		err = serr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temporary, file)
	}
	if err != nil {
		_ = os.Remove(temporary)
		return err
	}
	return fsx.OS().SyncDir(filepath.Dir(file))
}

func runAll(ctx context.Context, commands []step, did string) error {
	for _, command := range commands {
		if err := command.run(ctx); err != nil {
			return failedCommand(command, err, did)
		}
	}
	return nil
}

func failedCommand(command step, err error, did string) error {
	return messages.NewFailure("failed", "install", "%s failed: %s", command, sentenceOf(err)).WithDid(did).WithHints(command.String())
}
