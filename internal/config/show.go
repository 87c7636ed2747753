package config

import (
	"fmt"
	"strings"
)

// Line is one setting as it is in force.
type Line struct {
	Path   string // "backup.every"; of a database, without its place in the list
	Value  string // as it would be written; a secret is masked
	Origin Origin
}

// Section is the settings of one database, or with an empty Database the common ones.
type Section struct {
	Database string // path
	Lines    []Line
}

// Show gives what is in force, with the origin of each value.
func (c *Config) Show() []Section {
	list := []Section{{Lines: lines(topSettings(&Config{}), c.origins, c.texts())}}
	for i := range c.Databases {
		d := &c.Databases[i]
		list = append(list, Section{Database: d.Path, Lines: lines(databaseSettings(&Database{}), d.origins, d.texts())})
	}
	return list
}

func lines(table []setting, from origins, now map[string]string) []Line {
	var list []Line
	for _, s := range table {
		text, set := now[s.path]
		switch {
		case s.kind == kindItems && !set:
			continue
		case !set && s.fallback == "":
			continue
		case !set:
			text = s.fallback
		}
		list = append(list, Line{Path: s.path, Value: printable(text), Origin: from.of(s.path)})
	}
	return list
}

// texts are the values that were given, as they are written.
func (c *Config) texts() map[string]string {
	t := texts{}
	t.text("home", c.Home)
	t.text("log.level", c.Log.Level)
	t.text("log.format", c.Log.Format)
	t.size("log.max_file", c.Log.MaxFileBytes, "", "")
	t.duration("log.keep", c.Log.Keep)
	t.size("log.max_total", c.Log.MaxTotalBytes, "", "")
	t.text("api.socket", c.API.Socket)
	t.text("api.listen", c.API.Listen)
	if _, given := c.origins["api.allow_remote"]; given {
		t["api.allow_remote"] = fmt.Sprint(c.API.AllowRemote)
	}
	t.text("api.hosts", strings.Join(c.API.Hosts, ", "))
	t.text("api.origins", strings.Join(c.API.Origins, ", "))
	for i, n := range c.Notify {
		if i > 0 {
			t["notify"] += ", "
		}
		t["notify"] += n.Title(i)
	}
	return t
}

func (d *Database) texts() map[string]string {
	t := texts{}
	t.text("path", d.Path)
	t.text("name", d.Name)
	t.text("home", d.Home)
	t.duration("backup.every", d.BackupEvery)
	t.size("backup.pace", d.BackupPaceBytesPerSecond, "/s", "full")
	t.count("backup.tries", d.BackupTries, d.origins)
	t.count("keep.recent", d.KeepRecent, d.origins)
	t.count("keep.daily", d.KeepDaily, d.origins)
	t.count("keep.weekly", d.KeepWeekly, d.origins)
	t.count("keep.monthly", d.KeepMonthly, d.origins)
	t.count("keep.yearly", d.KeepYearly, d.origins)
	t.text("check.on_start", d.CheckOnStart)
	t.duration("check.full_every", d.CheckFullEvery)
	t.duration("check.foreign_keys_every", d.CheckForeignKeysEvery)
	for i, r := range d.Rules {
		if i > 0 {
			t["check.rules"] += ", "
		}
		t["check.rules"] += r.Name
	}
	t.duration("drill.every", d.DrillEvery)
	t.size("disk.warn", d.DiskWarnBytes, "", "off")
	t.size("disk.block_imports", d.DiskBlockImportsBytes, "", "off")
	t.size("disk.block_writes", d.DiskBlockWritesBytes, "", "off")
	t.size("wal.limit", d.WALLimitBytes, "", "")
	t.duration("wal.idle", d.WALIdle)
	t.text("maintain.vacuum.at", d.VacuumAt)
	t.duration("maintain.vacuum.idle", d.VacuumIdle)
	if d.VacuumFreePagesMin > 0 {
		t["maintain.vacuum.free_pages_min"] = fmt.Sprintf("%g%%", d.VacuumFreePagesMin*100)
	}
	t.duration("maintain.analyze", d.AnalyzeEvery)
	for path, not := range map[string]bool{"recover.automatic": d.RecoverNotAutomatic, "fence.on_damage": d.FenceNotOnDamage, "fence.on_disk_critical": d.FenceNotOnDisk} {
		if _, given := d.origins[path]; given {
			t[path] = fmt.Sprint(!not)
		}
	}
	return t
}

// Title names a receiver without its secret: its name, or its kind and place.
func (n Notify) Title(place int) string {
	if n.Name != "" {
		return printable(n.Name)
	}
	kind := "exec"
	switch {
	case n.Webhook != "":
		kind = "webhook"
	case n.Ntfy != "":
		kind = "ntfy"
	case n.Healthchecks != "":
		kind = "healthchecks"
	case n.SMTP != nil:
		kind = "smtp"
	}
	return fmt.Sprintf("%s %d", kind, place+1)
}

// Template gives a commented file with every setting and its default.
func Template(path string) string {
	var b strings.Builder
	b.WriteString("# Settings of Officer. All are optional; what is commented out is the default.\n")
	b.WriteString("# Times: 90m, 4h, 7d · sizes: 10MB, 1GB · check with: officer config check FILE\n")
	fmt.Fprintf(&b, "databases:\n  - path: %s\n", quote(path))
	b.WriteString(template(databaseSettings(&Database{}), 4))
	b.WriteString(template(topSettings(&Config{}), 0))
	return b.String()
}

// template writes a table as commented YAML.
func template(table []setting, depth int) string {
	var b strings.Builder
	pad, open := strings.Repeat(" ", depth), ""
	for _, s := range table {
		if s.path == "databases" || (depth == 4 && s.path == "path") {
			continue
		}
		parts := strings.Split(s.path, ".")
		group := strings.Join(parts[:len(parts)-1], ".")
		if group != open && group != "" {
			for i, g := range parts[:len(parts)-1] {
				if here := strings.Join(parts[:i+1], "."); open != here && !strings.HasPrefix(open, here+".") {
					fmt.Fprintf(&b, "%s# %s%s:\n", pad, strings.Repeat("  ", i), g)
				}
			}
		}
		open = group
		text := s.fallback
		if text == "" {
			text = s.example
		}
		line := fmt.Sprintf("%s# %s%s: %s", pad, strings.Repeat("  ", len(parts)-1), parts[len(parts)-1], text)
		fmt.Fprintf(&b, "%-52s # %s\n", line, s.doc)
	}
	return b.String()
}

func quote(text string) string {
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r)) {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
		}
	}
	return text
}
