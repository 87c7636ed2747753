package shell

import (
	"os/exec"
	"testing"
)

func TestWord_staysOneWord(t *testing.T) {
	for text, want := range map[string]string{
		"/srv/app-1.2/a_b,c@d:e%f+g.db": "/srv/app-1.2/a_b,c@d:e%f+g.db",
		"":                              "''",
		"my app.db":                     "'my app.db'",
		"it's.db":                       `'it'\''s.db'`,
		"$HOME":                         "'$HOME'",
		"a;rm -rf b":                    "'a;rm -rf b'",
		"a\nb":                          "'a\nb'",
		`C:\app.db`:                     `'C:\app.db'`,
		"~/app.db":                      "'~/app.db'",
		"=app.db":                       "'=app.db'",
		"größe.db":                      "'größe.db'",
	} {
		if got := Word(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestWord_isWhatAShellReads(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh here")
	}
	for _, text := range []string{"", "a b", "it's", "''", `\`, `"$(id)"`, "`id`", "*", "a\nb", "!x", "#x", "ü", "{a,b}", "~"} {
		got, err := exec.Command(sh, "-c", "printf %s "+Word(text)).Output()
		if err != nil || string(got) != text {
			t.Errorf("%q: the shell reads %q (%v)", text, got, err)
		}
	}
}

func TestDatabase_withoutAPathIsThatOfTheHelp(t *testing.T) {
	if got := Database(""); got != "DB" {
		t.Errorf("got %s, want DB", got)
	}
	if got := Database("a b.db"); got != "'a b.db'" {
		t.Errorf("got %s, want 'a b.db'", got)
	}
}
