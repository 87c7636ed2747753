package config

import (
	"strings"
	"testing"
)

// What is shown as the settings in force must be the settings in force: read again it
// says the same, but for what is hidden.
func TestYAML_isReadAsTheSameSettings(t *testing.T) {
	for name, text := range map[string]string{"whole": whole, "little": "databases: [{path: 'a b: c.db', name: 'true'}]"} {
		c, err := Parse("/etc/officer.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		first := c.YAML()
		again, err := Parse("/etc/officer.yaml", []byte(strings.ReplaceAll(first, `webhook: "***"`, `webhook: "https://example.org/***"`)), nil)
		if err != nil {
			t.Fatalf("%s: what is shown cannot be read: %v\n%s", name, err, first)
		}
		if second := again.YAML(); first != second {
			t.Errorf("%s: got\n%s\nwant\n%s", name, second, first)
		}
		if again.Databases[0].Path != c.Databases[0].Path || again.Databases[0].Name != c.Databases[0].Name {
			t.Errorf("%s: got %+v, want %+v", name, again.Databases[0], c.Databases[0])
		}
	}
}

func TestYAML_showsNoSecret(t *testing.T) {
	c, err := Parse("/etc/officer.yaml", []byte(`
databases: [{path: app.db}]
notify:
  - webhook: https://example.org/SECRET
  - ntfy: https://ntfy.sh/SECRET
  - healthchecks: https://hc.example.org/SECRET
  - exec: [curl, -H, "Authorization: SECRET"]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := c.YAML()
	if strings.Contains(got, "SECRET") || strings.Count(got, hidden) != 5 {
		t.Errorf("got\n%s", got)
	}
}
