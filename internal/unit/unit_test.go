package unit

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func plain() Unit {
	return Unit{
		Name: "officer-app", Description: "Officer looks after /srv/app/app.db", Program: "/usr/bin/officer",
		Args: []string{"run", "--quiet", "--wait", "/srv/app/app.db"}, System: true, User: "app", Group: "app",
		Folders: []string{"/srv/app"}, OwnTmp: true,
	}
}

func hostile() Unit {
	return Unit{
		Name: "officer-odd", Description: "Officer looks after\n[Service]\nExecStart=/bin/evil %h", Program: "/opt/50% off/officer",
		Args: []string{"run", "--config", "/srv/a \"b\" $HOME\\x <&>\n'.yaml"}, Folders: []string{"/srv/a b", "/srv/%h"}, System: true, Reloads: true,
	}
}

func TestUnit_files(t *testing.T) {
	mine := plain()
	mine.System, mine.User, mine.Group = false, "", ""
	for name, text := range map[string]string{
		"system.service": Systemd(plain()), "user.service": Systemd(mine), "hostile.service": Systemd(hostile()),
		"daemon.plist": Launchd(plain()), "agent.plist": Launchd(mine), "hostile.plist": Launchd(hostile()),
	} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s\n(go test ./internal/unit -update writes it anew)", name, text, want)
		}
		if StateOf(text) != Intact {
			t.Errorf("%s: its seal does not hold", name)
		}
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "ExecStart=") && !strings.Contains(line, "officer") {
				t.Errorf("%s: somebody's line got in: %q", name, line)
			}
		}
	}
}

func TestLaunchd_isXMLThatSaysWhatWasMeant(t *testing.T) {
	u := hostile()
	decoder := xml.NewDecoder(strings.NewReader(Launchd(u)))
	var texts []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, string(text))
		}
	}
	all := strings.Join(texts, "\x00")
	for _, want := range append([]string{u.Program, u.Name}, u.Args...) {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in it: %q", want, texts)
		}
	}
}

func TestStateOf_tellsOursFromChangedAndForeign(t *testing.T) {
	text := Systemd(plain())
	for name, c := range map[string]struct {
		text string
		want State
	}{
		"as written":       {text, Intact},
		"a line more":      {text + "Nice=5\n", Changed},
		"a word changed":   {strings.Replace(text, "User=app", "User=root", 1), Changed},
		"without its seal": {strings.Replace(text, sealMark, "x", 1), Foreign},
		"a cut seal":       {"# " + sealMark + "12", Foreign},
		"somebody's own":   {"[Service]\nExecStart=/usr/bin/officer run app.db\n", Foreign},
		"empty":            {"", Foreign},
	} {
		if got := StateOf(c.text); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestWindowsState_tellsOursFromChangedAndForeign(t *testing.T) {
	u := plain()
	for name, c := range map[string]struct {
		description, command string
		want                 State
	}{
		"as written":     {WindowsDescription(u), CommandLine(u), Intact},
		"another order":  {WindowsDescription(u), CommandLine(u) + " other.db", Changed},
		"somebody's own": {"Officer", CommandLine(u), Foreign},
	} {
		if got := WindowsState(c.description, c.command); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestCommandLine_isTakenApartAsItWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		`run`: `run`, `a b`: `"a b"`, ``: `""`, `C:\a\`: `C:\a\`, `C:\a b\`: `"C:\a b\\"`, `say "x"`: `"say \"x\""`, `a\"b`: `"a\\\"b"`,
		`a b\\"c`: `"a b\\\\\"c"`,
	} {
		if got := argument(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestValidName_isAFileAndAServiceEverywhere(t *testing.T) {
	for name, want := range map[string]bool{
		"officer-app": true, "officer_2.x": true, "": false, "-x": false, ".x": false, "a/b": false, "a b": false, "ä": false,
		"a\nb": false, strings.Repeat("x", 101): false, "a@b": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}
