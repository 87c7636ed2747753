package supervisor

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whoever sees a condition finds it in the runbook, with its colour; and the runbook
// speaks of none that Officer cannot raise.
func TestRunbook_hasASectionForEveryCondition(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[string]string) // code → the rest of its heading
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#### ") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_:A-Z]+)`([^`]*)").FindAllStringSubmatch(line, -1) {
			written[m[1]] = m[2]
		}
	}
	declared, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range declared.All() {
		code := string(d.Code)
		if strings.HasPrefix(code, "actor_gave_up:") {
			code = "actor_gave_up:NAME"
		}
		rest, ok := written[code]
		if !ok {
			t.Errorf("docs/operations.md has no section for %s", code)
		} else if !strings.Contains(rest, d.Severity.String()) {
			t.Errorf("docs/operations.md: %s is %s, the heading says %q", code, d.Severity, rest)
		}
		if !strings.HasPrefix(code, "actor_gave_up") {
			delete(written, code)
		}
	}
	delete(written, "actor_gave_up:NAME")
	for code := range written {
		t.Errorf("docs/operations.md describes %s, which nothing raises", code)
	}
}
