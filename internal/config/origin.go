package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Source is which layer a value came from; a later one wins.
type Source string

// The layers, weakest first.
const (
	FromDefault Source = "default"
	FromFile    Source = "file"
	FromEnv     Source = "environment"
	FromFlag    Source = "flag"
)

// Origin is where a value came from.
type Origin struct {
	Source Source
	Where  string // "officer.yaml:3:12", "OFFICER_BACKUP_EVERY", "--home"
}

// String is "file officer.yaml:3:12", or "default".
func (o Origin) String() string {
	if o.Where == "" {
		return string(o.Source)
	}
	return string(o.Source) + " " + o.Where
}

type origins map[string]Origin

func (o origins) of(path string) Origin {
	if found, ok := o[path]; ok {
		return found
	}
	return Origin{Source: FromDefault}
}

// envPrefix begins every variable; the rest is the path of the setting in capitals with
// an underscore for each dot: OFFICER_MAINTAIN_VACUUM_AT. A setting of a database
// applies to every database.
const envPrefix = "OFFICER_"

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// reservedEnv are variables of Officer's that are no settings.
func reservedEnv() []string {
	return []string{"OFFICER_CONFIG", "OFFICER_SOCKET", "OFFICER_TOKEN_FILE", "OFFICER_URL"}
}

// forEvery are the settings of a database that a variable may set: a path or name belongs
// to one, and so does a list.
func forEvery(d *Database) []setting {
	return slices.DeleteFunc(databaseSettings(d), func(s setting) bool {
		return s.kind == kindItems || s.path == "path" || s.path == "name" || s.path == "home"
	})
}

// environment puts the variables above the file. A variable that is nearly the name of
// a setting is a mistake; one that is not at all is left to whoever it belongs to.
func (w *walker) environment(env []string, c *Config) {
	known := reservedEnv()
	for _, s := range topSettings(c) {
		if s.kind != kindItems {
			known = append(known, envName(s.path))
		}
	}
	for _, s := range forEvery(&Database{}) {
		known = append(known, envName(s.path))
	}
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || contains(known, name) {
			continue
		}
		if meant := nearly(name, known); meant != "" {
			w.found.add(&Error{File: "environment", Text: fmt.Sprintf("there is no setting %s; did you mean %s?", name, meant)})
		} else {
			w.warnings = append(w.warnings, printable(name)+" is no setting of Officer and was ignored")
		}
	}
	w.apply(env, topSettings(c), c.origins)
	for i := range c.Databases {
		w.apply(env, forEvery(&c.Databases[i]), c.Databases[i].origins)
	}
	if len(c.Databases) == 0 { // the values are judged even when nobody uses them yet
		w.apply(env, forEvery(&Database{}), origins{})
	}
}

func nearly(name string, known []string) string {
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= 2 {
			return k
		}
	}
	return ""
}

func contains(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}

func (w *walker) apply(env []string, table []setting, from origins) {
	for _, s := range table {
		if s.kind == kindItems {
			continue
		}
		name := envName(s.path)
		for _, pair := range env {
			key, text, _ := strings.Cut(pair, "=")
			if key != name {
				continue
			}
			v, err := s.read(text)
			if err != nil {
				if !reported(w, name) {
					w.found.add(&Error{File: name, Text: err.Error()})
				}
				continue
			}
			if s.kind == kindPath {
				if abs, err := filepath.Abs(v.text); err == nil {
					v.text = abs
				}
			}
			s.put(v)
			from[s.path] = Origin{Source: FromEnv, Where: name}
		}
	}
}

// reported keeps forty databases from telling one mistake forty times.
func reported(w *walker, name string) bool {
	for _, p := range w.found.List {
		if p.File == name {
			return true
		}
	}
	return false
}
