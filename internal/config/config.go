// Package config reads the configuration of Officer: a YAML file in which every unknown
// key, wrong unit and duplicate is an error with line, column and a caret, variables of
// the environment that stand above the file, and flags that stand above both. Every
// value knows where it came from.
//
// One table (table.go) says which settings there are. The parser, the environment, the
// JSON schema for editors, "config show" and "config init" are all made from it, so they
// cannot disagree. It is the only importer of goccy/go-yaml.
package config

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Config is a whole configuration. A zero value is "not set": the default applies.
type Config struct {
	Databases []Database
	Home      string // absolute, or empty
	Log       Log
	API       API
	Notify    []Notify

	origins  origins
	warnings []string
}

// Database is one database and its settings.
type Database struct {
	Path string // absolute
	Name string
	Home string // absolute, or empty

	BackupEvery              time.Duration
	BackupPaceBytesPerSecond int64 // negative: full speed
	BackupTries              int

	KeepRecent, KeepDaily, KeepWeekly, KeepMonthly, KeepYearly int

	CheckOnStart          string // "full", "quick", "off"
	CheckFullEvery        time.Duration
	CheckForeignKeysEvery time.Duration
	Rules                 []Rule

	DrillEvery time.Duration // negative: never

	DiskWarnBytes, DiskBlockImportsBytes, DiskBlockWritesBytes int64 // negative: never

	WALLimitBytes int64
	WALIdle       time.Duration

	VacuumAt           string // "Sun 03:00", "03:00" or "off"
	VacuumIdle         time.Duration
	VacuumFreePagesMin float64       // share, 0.10 = 10 %
	AnalyzeEvery       time.Duration // negative: never

	RecoverNotAutomatic bool
	FenceNotOnDamage    bool
	FenceNotOnDisk      bool

	origins origins
}

// Rule is a statement that must return no rows.
type Rule struct {
	Name, SQL, Severity string
}

// Log is how logs are written.
type Log struct {
	Level         string // "debug", "info", "warn", "error"
	Format        string // "text", "json"
	MaxFileBytes  int64
	Keep          time.Duration
	MaxTotalBytes int64
}

// API is where other processes reach Officer.
type API struct {
	Socket         string // "auto", "off"
	Listen         string
	AllowRemote    bool
	Hosts, Origins []string
}

// Notify is one receiver of news; exactly one of Webhook, Ntfy, Healthchecks, SMTP and
// Exec is set.
type Notify struct {
	Name                        string
	Databases, Events           []string
	Severity                    string // "yellow", "red"
	Webhook, Ntfy, Healthchecks string // URLs; may hold a secret
	TokenFile                   string
	SMTP                        *SMTP
	Exec                        []string
	Timeout                     time.Duration
}

// SMTP is how mail is sent.
type SMTP struct {
	Server, From, User, PasswordFile, PasswordEnv string
	To                                            []string
	Plain                                         bool
}

// bytesMax is the largest file that is read: forty databases take 20 KB.
const bytesMax = 1 << 20

// Load reads a file and puts the environment above it. env is as of os.Environ. With an
// empty path there is only the environment. Relative paths in the file are taken from
// the file's folder. The error is an *Error or a *ListError.
func Load(files fsx.FS, path string, env []string) (*Config, error) {
	if path == "" {
		return Parse("", nil, env)
	}
	text, err := read(files, path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, env)
}

func read(files fsx.FS, path string) ([]byte, error) {
	info, err := files.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{File: path, Text: "there is no such file", Hint: "officer config init > " + path}
	case err != nil:
		return nil, &Error{File: path, Text: "the file cannot be looked at"}
	case !info.Mode().IsRegular():
		return nil, &Error{File: path, Text: "it is not a regular file"}
	case info.Size() > bytesMax:
		return nil, &Error{File: path, Text: "it is larger than 1 MB, so it is no configuration"}
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, &Error{File: path, Text: "the file cannot be opened for reading"}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, bytesMax+1))
	if err != nil {
		return nil, &Error{File: path, Text: "the file cannot be read"}
	}
	return text, nil
}

// Parse is Load for a text that was read already; file names it in errors, and its
// folder is what relative paths are taken from.
func Parse(file string, text []byte, env []string) (*Config, error) {
	c := &Config{origins: origins{}}
	w := &walker{file: file, dir: filepath.Dir(file)}
	if abs, err := filepath.Abs(w.dir); err == nil {
		w.dir = abs
	}
	if file != "" {
		w.parse(text, c)
	}
	w.environment(env, c)
	if len(w.found.List) == 0 {
		w.sense(c)
	}
	if len(w.found.List) > 0 {
		return nil, &w.found
	}
	c.warnings = w.warnings
	return c, nil
}

// With adds databases named by flags. One that the file names too keeps the file's
// settings; a new one gets those of the environment.
func (c *Config) With(paths []string, env []string) (*Config, error) {
	w := &walker{}
	for _, path := range paths {
		abs, err := filepath.Abs(path)
		if err != nil || path == "" {
			return nil, &Error{Text: "a database has no usable path"}
		}
		if c.Find(abs) != nil {
			continue
		}
		d := Database{Path: abs, origins: origins{"path": {Source: FromFlag, Where: "command line"}}}
		w.apply(env, forEvery(&d), d.origins)
		c.Databases = append(c.Databases, d)
	}
	if len(w.found.List) > 0 {
		return nil, &w.found
	}
	return c, nil
}

// Find gives the settings of the database with an absolute path, or nil.
func (c *Config) Find(path string) *Database {
	for i := range c.Databases {
		if c.Databases[i].Path == path {
			return &c.Databases[i]
		}
	}
	return nil
}

// Keep gives how many backups each tier holds (recent, daily, weekly, monthly, yearly).
// Where only some were given the others have their default; all 0 means that none was.
func (d *Database) Keep() [5]int {
	paths := [5]string{"keep.recent", "keep.daily", "keep.weekly", "keep.monthly", "keep.yearly"}
	given := [5]int{d.KeepRecent, d.KeepDaily, d.KeepWeekly, d.KeepMonthly, d.KeepYearly}
	any := false
	counts := [5]int{1, 1, 1, 12, 1}
	for i, path := range paths {
		if _, set := d.origins[path]; set {
			counts[i], any = given[i], true
		}
	}
	if !any {
		return [5]int{}
	}
	return counts
}

// Warnings are sentences about what was ignored.
func (c *Config) Warnings() []string { return c.warnings }

// Set puts a flag's value above everything else. setting is a path of the table that
// concerns all databases or none ("home").
func (c *Config) Set(setting, text, flag string) error {
	for _, s := range topSettings(c) {
		if s.path != setting || s.kind == kindItems {
			continue
		}
		v, err := s.read(text)
		if err != nil {
			return &Error{File: flag, Text: setting + ": " + err.Error()}
		}
		s.put(v)
		c.origins[setting] = Origin{Source: FromFlag, Where: flag}
		return nil
	}
	return &Error{File: flag, Text: "there is no setting " + setting}
}
