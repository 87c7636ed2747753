package config

import (
	"fmt"
	"strings"
)

// sense refuses values that are right one by one and make no sense together.
func (w *walker) sense(c *Config) {
	paths, homes := make(map[string]int), make(map[string]int)
	for i, d := range c.Databases {
		if at, twice := paths[d.Path]; twice {
			w.senseless(d.origins, "path", "databases[%d].path names the same file as databases[%d]", i, at)
		}
		paths[d.Path] = i
		if at, twice := homes[d.Home]; d.Home != "" && twice {
			w.senseless(d.origins, "home", "databases[%d].home is also that of databases[%d]; each needs its own", i, at)
		}
		homes[d.Home] = i
		w.levels(i, d)
		rules := make(map[string]bool)
		for _, r := range d.Rules {
			if rules[r.Name] {
				w.senseless(d.origins, "check.rules", "databases[%d].check.rules has two rules named %q", i, r.Name)
			}
			rules[r.Name] = true
		}
	}
	if c.Log.MaxFileBytes > 0 && c.Log.MaxTotalBytes > 0 && c.Log.MaxFileBytes > c.Log.MaxTotalBytes {
		w.senseless(c.origins, "log.max_total", "log.max_total is less than log.max_file")
	}
	for i, n := range c.Notify {
		w.receiver(c, i, n)
	}
}

// levels of the disk must fall: what blocks writes may not come before what warns.
func (w *walker) levels(i int, d Database) {
	or := func(bytes, fallback int64) int64 {
		if bytes == 0 {
			return fallback
		}
		return bytes
	}
	warn, imports, writes := or(d.DiskWarnBytes, 1e9), or(d.DiskBlockImportsBytes, 5e8), or(d.DiskBlockWritesBytes, 1e8)
	if imports > 0 && warn > 0 && imports > warn {
		w.senseless(d.origins, "disk.block_imports", "databases[%d].disk.block_imports is above disk.warn", i)
	}
	if writes > 0 && imports > 0 && writes > imports {
		w.senseless(d.origins, "disk.block_writes", "databases[%d].disk.block_writes is above disk.block_imports", i)
	}
}

func (w *walker) receiver(c *Config, i int, n Notify) {
	kinds := 0
	for _, set := range []bool{n.Webhook != "", n.Ntfy != "", n.Healthchecks != "", n.SMTP != nil, len(n.Exec) > 0} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		w.senseless(c.origins, "notify", "notify[%d] names %d receivers; each entry is exactly one of webhook, ntfy, healthchecks, smtp, exec", i, kinds)
	}
	if n.SMTP == nil {
		return
	}
	for _, text := range append([]string{n.SMTP.From, n.SMTP.Server}, n.SMTP.To...) {
		if strings.ContainsAny(text, "\r\n") {
			w.senseless(c.origins, "notify", "notify[%d].smtp has an address with a line break", i)
		}
	}
	if n.SMTP.User != "" && n.SMTP.PasswordFile == "" && n.SMTP.PasswordEnv == "" {
		w.senseless(c.origins, "notify", "notify[%d].smtp has a user and no password_file or password_env", i)
	}
}

// senseless reports at the place of the setting, when it has one.
func (w *walker) senseless(from origins, path, format string, args ...any) {
	p := &Error{File: w.file, Text: fmt.Sprintf(format, args...)}
	if o, ok := from[path]; ok && o.Source == FromFile {
		var line, column int
		if _, err := fmt.Sscanf(strings.TrimPrefix(o.Where, w.file+":"), "%d:%d", &line, &column); err == nil {
			p = w.at(line, column, p.Text)
		}
	} else if ok {
		p.File = o.Where
	}
	w.found.add(p)
}
