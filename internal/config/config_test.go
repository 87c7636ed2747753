package config

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const whole = `
databases:
  - path: app.db
    backup:   {every: 4h, pace: 20MB/s, tries: 5}
    keep:     {recent: 2, daily: 1, weekly: 0, monthly: 12, yearly: 1}
    check:    {on_start: quick, full_every: 12h, foreign_keys_every: 6h, rules: [{name: totals, sql: "SELECT 1", severity: red}]}
    drill:    {every: 7d}
    disk:     {warn: 2GB, block_imports: 500MB, block_writes: off}
    wal:      {limit: 10MB, idle: 30m}
    maintain: {vacuum: {at: "Sun 03:00", idle: 1h, free_pages_min: 10%}, analyze: 24h}
    recover:  {automatic: false}
    fence:    {on_damage: true, on_disk_critical: false}
  - path: /data/b.db
    backup:
      pace: full
log:    {level: debug, format: json, max_file: 10MB, keep: 168h, max_total: 70MB}
api:    {socket: auto, listen: "127.0.0.1:8484", allow_remote: false, hosts: [officer.example.org], origins: ["https://app.example.org", "http://localhost:3000"]}
notify:
  - webhook: https://example.org/hook
    severity: red
    events: [backup.*, health.changed]
  - smtp: {server: "mail:587", from: a@example.org, to: b@example.org}
  - exec: [/usr/bin/logger, -t, officer]
    timeout: 3s
`

func TestParse_readsEverySetting(t *testing.T) {
	c, err := Parse("/etc/officer.yaml", []byte(whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Databases[0], c.Databases[1]
	if a.Path != "/etc/app.db" || a.BackupEvery != 4*time.Hour || a.BackupPaceBytesPerSecond != 20e6 || a.BackupTries != 5 {
		t.Errorf("got path and backup %+v", a)
	}
	if a.Keep() != [5]int{2, 1, 0, 12, 1} || b.Keep() != [5]int{} {
		t.Errorf("got keep %v and %v", a.Keep(), b.Keep())
	}
	if a.CheckOnStart != "quick" || a.CheckFullEvery != 12*time.Hour || len(a.Rules) != 1 || a.Rules[0] != (Rule{"totals", "SELECT 1", "red"}) {
		t.Errorf("got check %+v", a)
	}
	if a.DrillEvery != 168*time.Hour || a.DiskWarnBytes != 2e9 || a.DiskBlockWritesBytes != -1 || a.WALLimitBytes != 1e7 || a.WALIdle != 30*time.Minute {
		t.Errorf("got drill, disk, wal %+v", a)
	}
	if a.VacuumAt != "Sun 03:00" || a.VacuumFreePagesMin != 0.1 || a.AnalyzeEvery != 24*time.Hour {
		t.Errorf("got maintain %+v", a)
	}
	if !a.RecoverNotAutomatic || a.FenceNotOnDamage || !a.FenceNotOnDisk || b.BackupPaceBytesPerSecond != -1 {
		t.Errorf("got recover and fence %+v, pace %d", a, b.BackupPaceBytesPerSecond)
	}
	if c.Log != (Log{"debug", "json", 1e7, 168 * time.Hour, 7e7}) || c.API.Socket != "auto" {
		t.Errorf("got log %+v, api %+v", c.Log, c.API)
	}
	if len(c.Notify) != 3 || c.Notify[0].Severity != "red" || !slices.Equal(c.Notify[0].Events, []string{"backup.*", "health.changed"}) ||
		c.Notify[1].SMTP.To[0] != "b@example.org" || len(c.Notify[2].Exec) != 3 || c.Notify[2].Timeout != 3*time.Second {
		t.Errorf("got notify %+v", c.Notify)
	}
}

func TestParse_namesTheMistakeAndItsPlace(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"unknown key":             {"databases:\n  - path: a.db\n    bakcup: {every: 4h}", "f.yaml:3:5: there is no setting databases[0].bakcup; did you mean backup?"},
		"unknown key far off":     {"zzz: 1", "f.yaml:1:1: there is no setting zzz; there are api, databases, home, log, notify"},
		"unit missing":            {"databases: [{path: a.db, backup: {every: 4}}]", "f.yaml:1:42: databases[0].backup.every: 4 has no unit; write 4s, 4m, 4h or 4d"},
		"wrong unit":              {"log: {max_file: 10h}", `f.yaml:1:17: log.max_file: "10h" is not a size; write 10MB`},
		"rate without seconds":    {"databases: [{path: a, backup: {pace: 10MB}}]", `"10MB" is not a size; write 10MB/s, or full`},
		"percent without sign":    {"databases: [{path: a, maintain: {vacuum: {free_pages_min: 10}}}]", `"10" is not a percentage; write 10%`},
		"calendar":                {"databases: [{path: a, maintain: {vacuum: {at: Someday}}}]", `"Someday" is not a time; write "Sun 03:00" or "03:00", or off`},
		"too short":               {"databases: [{path: a, backup: {every: 1s}}]", "1s is outside 1m to 366d"},
		"choice":                  {"log: {level: loud}", `"loud" is not one of debug, info, warn, error`},
		"duplicate key":           {"home: /a\nhome: /b", "f.yaml:2:1: home stands here twice"},
		"duplicate database":      {"databases:\n  - path: a.db\n  - path: ./a.db", "f.yaml:3:11: databases[1].path names the same file as databases[0]"},
		"no path":                 {"databases: [{name: x}]", "databases[0].path is missing"},
		"tab":                     {"log:\n\tlevel: info", "f.yaml:2:1: a tab is no indentation in YAML; use spaces"},
		"no YAML":                 {"log: {level: info", "f.yaml:1:"},
		"list where a map":        {"log: [1]", "f.yaml:1:6: log holds settings"},
		"scalar at the top":       {"hello", "f.yaml:1:1: the file holds settings"},
		"map where a list":        {"databases: {path: a}", "databases is a list; begin each entry with a dash"},
		"value missing":           {"home:", "home has no value"},
		"object for a value":      {"home: {a: b}", "home takes one value"},
		"two documents":           {"home: /a\n---\nhome: /b", "a second document begins here"},
		"disk levels":             {"databases: [{path: a, disk: {warn: 1MB}}]", "databases[0].disk.block_imports is above disk.warn"},
		"two receivers":           {"notify: [{webhook: 'https://a', ntfy: 'https://b'}]", "notify[0] names 2 receivers"},
		"no receiver":             {"notify: [{severity: red}]", "notify[0] names 0 receivers"},
		"smtp injection":          {"notify: [{smtp: {server: a, from: \"a\\nBcc: x\", to: b}}]", "notify[0].smtp has an address with a line break"},
		"not a URL":               {"notify: [{webhook: 'file:///secret'}]", "notify[0].webhook: it is not a URL"},
		"merge key":               {"log: &l {level: info}\napi: {<<: *l}", "<< is not understood"},
		"alias to itself":         {"databases: &d [*d]", "f.yaml:1:"},
		"alias of nothing":        {"home: *nowhere", "f.yaml:1:"},
		"UTF-16":                  {"\xff\xfeh\x00", "it is written in UTF-16"},
		"not UTF-8":               {"home: \xff", "it is not written in UTF-8"},
		"NUL":                     {"home: a\x00b", "NUL byte"},
		"brackets without end":    {strings.Repeat("[", 100_000), "nested too deeply"},
		"dashes without end":      {strings.Repeat("- ", 100_000), "nested too deeply"},
		"a long value":            {"home: " + strings.Repeat("a", 5000), "longer than 4,096 characters"},
		"more than a megabyte":    {"#" + strings.Repeat("a", bytesMax), "larger than 1 MB"},
		"YAML 1.1's no":           {"databases: [{path: a, fence: {on_damage: no}}]", `"no" is neither true nor false`},
		"many settings, one line": {"{databases: [], log: {level: info, format: text}}", ""},
		"total less than a file":  {"log: {max_file: 80MB, max_total: 70MB}", "log.max_total is less than log.max_file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(c.text), nil)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestParse_findsAllMistakesAtOnce(t *testing.T) {
	_, err := Parse("f.yaml", []byte("hme: /a\nlog: {levl: x}\n"), nil)
	var p *ListError
	if !errors.As(err, &p) || len(p.List) != 2 {
		t.Fatalf("got %v, want two problems", err)
	}
	want := "    1 | hme: /a\n      | ^"
	if got := p.List[0].Snippet(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParse_aByteOrderMarkAndWindowsLinesAreFine(t *testing.T) {
	c, err := Parse("f.yaml", []byte("\xef\xbb\xbflog:\r\n  level: warn\r\n"), nil)
	if err != nil || c.Log.Level != "warn" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParse_anAliasSharesAPart(t *testing.T) {
	c, err := Parse("f.yaml", []byte("databases:\n  - {path: a, backup: &b {every: 2h}}\n  - {path: b, backup: *b}\n"), nil)
	if err != nil || c.Databases[1].BackupEvery != 2*time.Hour {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParse_aliasesOfAliasesEnd(t *testing.T) {
	text := "notify: [{exec: &a [x,x,x,x,x,x,x,x,x,x]}]\ndatabases:\n"
	text += "  - {path: p, check: {rules: &r0 [{name: a, sql: b}]}}\n"
	for i := range 30 {
		text += "  - {path: p" + string(rune('a'+i%26)) + ", check: {rules: &s [*s, *s, *s, *s, *s, *s]}}\n"
	}
	began := time.Now()
	_, err := Parse("f.yaml", []byte(text), nil)
	if err == nil || time.Since(began) > time.Minute { // all of them would take for ever
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestEnvironment_standsAboveTheFileForEveryDatabase(t *testing.T) {
	env := []string{"OFFICER_BACKUP_EVERY=30m", "OFFICER_LOG_LEVEL=error", "OFFICER_CONFIG=x", "PATH=/bin", "OFFICER_SOMETHING_ELSE=1"}
	c, err := Parse("f.yaml", []byte("databases: [{path: a, backup: {every: 4h}}, {path: b}]\nlog: {level: debug}"), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Databases {
		if d.BackupEvery != 30*time.Minute {
			t.Errorf("%s: got %s", d.Path, d.BackupEvery)
		}
	}
	if c.Log.Level != "error" {
		t.Errorf("got level %s", c.Log.Level)
	}
	if len(c.Warnings()) != 1 || !strings.Contains(c.Warnings()[0], "OFFICER_SOMETHING_ELSE") {
		t.Errorf("got warnings %v", c.Warnings())
	}
	for name, env := range map[string]string{
		"nearly a name": "OFFICER_BACKUP_EVRY=4h", "wrong unit": "OFFICER_BACKUP_EVERY=4",
	} {
		if _, err := Parse("", nil, []string{env}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestShow_knowsWhereEveryValueCameFrom(t *testing.T) {
	c, err := Parse("f.yaml", []byte("databases:\n  - path: a\n    wal: {limit: 20MB}\n"), []string{"OFFICER_BACKUP_TRIES=2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("home", "/h", "--home"); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.Show() {
		for _, l := range s.Lines {
			got[l.Path] += l.Value + " from " + l.Origin.String()
		}
	}
	for path, want := range map[string]string{
		"wal.limit":    "20MB from file f.yaml:3:18",
		"backup.tries": "2 from environment OFFICER_BACKUP_TRIES",
		"backup.every": "4h from default",
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
	if !strings.Contains(got["home"], "/h from flag --home") {
		t.Errorf("got home %q", got["home"])
	}
}

func TestShow_whatItWritesReadsTheSame(t *testing.T) {
	c, err := Parse("/etc/officer.yaml", []byte(whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Show() {
		for _, l := range s.Lines {
			if setting, ok := find(databaseSettings(&Database{}), l.Path); ok && setting.kind != kindItems {
				if _, err := setting.read(strings.Trim(l.Value, `"`)); err != nil {
					t.Errorf("%s: %s cannot be read back: %v", l.Path, l.Value, err)
				}
			}
		}
	}
}

func TestWith_aDatabaseOfTheFileKeepsItsSettings(t *testing.T) {
	c, err := Parse("/d/f.yaml", []byte("databases: [{path: a, backup: {every: 2h}}]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.With([]string{"/d/a", "/d/b"}, []string{"OFFICER_BACKUP_TRIES=2"})
	if err != nil || len(c.Databases) != 2 || c.Databases[0].BackupEvery != 2*time.Hour || c.Databases[1].BackupTries != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// samples are texts for every kind, right and wrong ones.
func samples() []string {
	return []string{"", "4", "4h", "1.5h", "90m", "7d", "2w", "1h30m", "4 h", "h", "-4h", "10MB", "10 MB", "1.5GB", "10mb", "10MiB", "10MB/s", "1GB/s",
		"10%", "10.5%", "%", "Sun 03:00", "03:00", "3:00", "Sunday 03:00", "off", "full", "https://a", "http://a/b", "ftp://a", "x", "10", "true", "0"}
}

func TestSchema_saysWhatTheParserTakes(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	agree(t, &root, topSettings(&Config{}))
	agree(t, root.Properties["databases"].Items, databaseSettings(&Database{}))
	agree(t, root.Properties["notify"].Items, notifySettings(&Notify{}))
	agree(t, root.Properties["notify"].Items.Properties["smtp"], smtpSettings(&SMTP{}))
	agree(t, root.Properties["databases"].Items.Properties["check"].Properties["rules"].Items, ruleSettings(&Rule{}))
}

// agree compares a schema with a table in both directions and judges samples by both.
func agree(t *testing.T, root *schemaNode, table []setting) {
	t.Helper()
	var leaves []string
	var walk func(n *schemaNode, path string)
	walk = func(n *schemaNode, path string) {
		if n.Closed == nil || *n.Closed {
			t.Errorf("%q is open for unknown keys", path)
		}
		for key, child := range n.Properties {
			at := join(path, key)
			if _, ok := find(table, at); !ok {
				walk(child, at)
				continue
			}
			leaves = append(leaves, at)
		}
	}
	walk(root, "")
	var want []string
	for _, s := range table {
		want = append(want, s.path)
		n := root
		for _, part := range strings.Split(s.path, ".") {
			n = n.Properties[part]
		}
		if n.Pattern == "" && len(n.Enum) == 0 {
			continue
		}
		loose := s
		loose.shortest, loose.least = 0, 0 // limits are not part of the form
		for _, text := range samples() {
			_, err := loose.read(text)
			form := len(n.Enum) > 0 && slices.Contains(n.Enum, text) || n.Pattern != "" && regexp.MustCompile(n.Pattern).MatchString(text)
			if form != (err == nil) {
				t.Errorf("%s: %q: schema says %v, parser says %v", s.path, text, form, err)
			}
		}
	}
	if !slices.Equal(sorted(leaves), sorted(want)) {
		t.Errorf("schema has %v, table has %v", leaves, want)
	}
}

func TestTable_everyDefaultIsWhatItsParserReads(t *testing.T) {
	for _, s := range databaseSettings(&Database{}) {
		if s.fallback == "" {
			continue
		}
		if _, err := s.read(strings.Trim(s.fallback, `"`)); err != nil {
			t.Errorf("%s: %v", s.path, err)
		}
	}
}

func TestTemplate_isReadAsItStandsAndWithEveryDefaultPutIn(t *testing.T) {
	text := Template("my app.db")
	if _, err := Parse("f.yaml", []byte(text), nil); err != nil {
		t.Errorf("as it stands: %v\n%s", err, text)
	}
	var open []string
	for _, line := range strings.Split(text, "\n") {
		if at := strings.Index(line, "# "); at >= 0 && strings.Contains(line, ":") && !strings.Contains(line, "…") && !strings.HasPrefix(line, "# Settings") && !strings.HasPrefix(line, "# Times") {
			setting, _, _ := strings.Cut(line[at+2:], " # ")
			if key, value, _ := strings.Cut(strings.TrimSpace(setting), ":"); value == "" && (key == "name" || key == "home" || key == "databases") {
				continue
			}
			line = line[:at] + setting
		}
		open = append(open, line)
	}
	if _, err := Parse("f.yaml", []byte(strings.Join(open, "\n")), nil); err != nil {
		t.Errorf("with the defaults: %v\n%s", err, strings.Join(open, "\n"))
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{whole, "", "{}", "a: [", "? a\n: b", "- - - x", "databases: &d [*d]", "x: |\n  y", "\xef\xbb\xbfhome: a", "!!binary x", "home: !x y"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("f.yaml", text, nil)
		if err == nil {
			c.Show()
			return
		}
		var p *ListError
		if !errors.As(err, &p) || len(p.List) == 0 {
			t.Fatalf("got %T", err)
		}
		for _, one := range p.List {
			one.Snippet()
		}
	})
}
