package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/config"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// configVariable names the configuration file when --config does not. There is no
// default file: what lies in the working folder must not change what Officer does.
const configVariable = "OFFICER_CONFIG"

func (c *cli) configFile() string {
	if c.config != "" {
		return c.config
	}
	return os.Getenv(configVariable)
}

// settings reads file and environment and puts the flags above them. databases are
// those of the command line.
func (c *cli) settings(databases []string) (*config.Config, error) {
	cfg, err := config.Load(fsx.OS(), c.configFile(), os.Environ())
	if err == nil {
		cfg, err = cfg.With(databases, os.Environ())
	}
	if err == nil && c.home != "" {
		home, abs := filepath.Abs(c.home)
		if abs != nil {
			return nil, usage(fmt.Sprintf("%q is no usable path", c.home))
		}
		err = cfg.Set("home", home, "--home")
	}
	if err == nil && c.listen != "" {
		err = cfg.Set("api.listen", c.listen, "--listen")
	}
	if err != nil {
		return nil, configFailure(err)
	}
	return cfg, nil
}

// mistaken is a failure that can show the lines it speaks of.
type mistaken struct {
	*messages.Failure
	list []*config.Error
}

// Unwrap gives the failure.
func (m *mistaken) Unwrap() error { return m.Failure }

// show writes each mistake with its line and a caret.
func (m *mistaken) show(w io.Writer, s style) {
	for _, one := range m.list {
		fmt.Fprintf(w, "%s %s\n", s.bad(), clean(one.Error()))
		if snippet := one.Snippet(); snippet != "" {
			fmt.Fprintln(w, snippet)
		}
	}
}

// configFailure makes the failure out of what is wrong with a configuration.
func configFailure(err error) error {
	var list *config.ListError
	var one *config.Error
	m := &mistaken{}
	switch {
	case errors.As(err, &list):
		m.list = list.List
	case errors.As(err, &one):
		m.list = []*config.Error{one}
	default:
		return messages.NewFailure("invalid", "read the configuration", "the configuration cannot be read")
	}
	m.Failure = messages.NewFailure("invalid", "read the configuration", "%s", clean(m.list[0].Error())).WithDid("Nothing was changed.")
	if n := len(m.list) - 1; n > 0 {
		m.Text += fmt.Sprintf(" (and %d more)", n)
	}
	if hint := m.list[0].Hint; hint != "" {
		m.Failure = m.WithHints(hint)
	}
	return m
}

// configured is what Officer is started with.
func configured(c *config.Config) officer.Config {
	out := officer.Config{
		Home: c.Home, OnlySQLite: true,
		Log: officer.Log{Level: levelOf(c.Log.Level), Format: c.Log.Format, MaxFileBytes: c.Log.MaxFileBytes,
			Keep: c.Log.Keep, MaxTotalBytes: c.Log.MaxTotalBytes},
		API: officer.API{Socket: c.API.Socket, Listen: c.API.Listen, AllowRemote: c.API.AllowRemote, Hosts: c.API.Hosts, Origins: c.API.Origins},
	}
	for i := range c.Databases {
		out.Databases = append(out.Databases, databaseOf(&c.Databases[i]))
	}
	for i, n := range c.Notify {
		to := officer.Notify{Name: n.Title(i), Databases: n.Databases, Severity: n.Severity, Events: n.Events, Webhook: n.Webhook,
			Ntfy: n.Ntfy, Healthchecks: n.Healthchecks, TokenFile: n.TokenFile, Exec: n.Exec, Timeout: n.Timeout}
		if n.SMTP != nil {
			to.SMTP = &officer.SMTP{Server: n.SMTP.Server, From: n.SMTP.From, To: n.SMTP.To, User: n.SMTP.User,
				PasswordFile: n.SMTP.PasswordFile, PasswordEnv: n.SMTP.PasswordEnv, Plain: n.SMTP.Plain}
		}
		out.Notify = append(out.Notify, to)
	}
	return out
}

func databaseOf(d *config.Database) officer.Database {
	keep := d.Keep()
	out := officer.Database{
		Path: d.Path, Name: d.Name, Home: d.Home,
		Backup: officer.BackupSettings{Every: d.BackupEvery, PaceBytesPerSecond: d.BackupPaceBytesPerSecond, Tries: d.BackupTries},
		Keep:   officer.Keep{Recent: keep[0], Daily: keep[1], Weekly: keep[2], Monthly: keep[3], Yearly: keep[4]},
		Check:  officer.Check{OnStart: d.CheckOnStart, FullEvery: d.CheckFullEvery, ForeignKeysEvery: d.CheckForeignKeysEvery},
		Drill:  officer.Drill{Every: d.DrillEvery},
		Disk:   officer.Disk{WarnBytes: d.DiskWarnBytes, BlockImportsBytes: d.DiskBlockImportsBytes, BlockWritesBytes: d.DiskBlockWritesBytes},
		WAL:    officer.WAL{LimitBytes: d.WALLimitBytes, Idle: d.WALIdle},
		Maintain: officer.Maintain{AnalyzeEvery: d.AnalyzeEvery, Vacuum: officer.Vacuum{
			Idle: d.VacuumIdle, FreePagesMin: d.VacuumFreePagesMin}},
		Recover: officer.Recover{NotAutomatic: d.RecoverNotAutomatic},
		Fence:   officer.Fence{NotOnDamage: d.FenceNotOnDamage, NotOnDiskCritical: d.FenceNotOnDisk},
	}
	if d.VacuumAt == "off" {
		out.Maintain.Vacuum.Off = true
	} else {
		out.Maintain.Vacuum.At = d.VacuumAt
	}
	for _, r := range d.Rules {
		out.Check.Rules = append(out.Check.Rules, officer.Rule{Name: r.Name, SQL: r.SQL, Severity: r.Severity})
	}
	return out
}

func levelOf(word string) slog.Level {
	switch strings.ToLower(word) {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}
