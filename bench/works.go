package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
)

const (
	officerName = "Officer"
	cCheck      = "C integrity_check"
	cQuick      = "C quick_check"
	cForeign    = "C foreign_key_check"
	cBackup     = "C .backup + integrity_check"
	cVacuum     = "C VACUUM INTO + integrity_check"
	cpSync      = "cp + fsync"
	idleName    = "Officer, nobody writing"
	cRecover    = "C .recover"

	starved = 20 * time.Second // after which a copy under load is taken to have no end
	largeMB = 500e6            // bytes from which the ratios for 1 GB are the target
)

func (l *lab) works() []work {
	return []work{l.check(false), l.check(true), l.quick(), l.foreignKeys(), l.backup(), l.backupUnderLoad(), l.start(), l.restore(), l.recover(), l.resting()}
}

// officerRun is one run of Officer's program.
func (l *lab) officerRun(want string, args ...string) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		return child(ctx, l.limit, want, l.officer, args...)
	}
}

// sqlite3 runs the C program over a database, one process for each statement.
func (l *lab) sqlite3(limit time.Duration, steps ...[3]string) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sum sample, err error) {
		for _, step := range steps {
			s, err := child(ctx, limit, step[2], l.peers.sqlite3, step[0], step[1])
			if err != nil {
				return s, err
			}
			sum.add(s)
			if sum.endless {
				break
			}
		}
		return sum, nil
	}
}

// withC gives the sides that need the C program, when it is there.
func (l *lab) withC(sides ...side) []side {
	if l.peers.sqlite3 == "" {
		return nil
	}
	return sides
}

// large tells whether the targets for 1 GB hold.
func (l *lab) large() bool { return l.sizeBytes >= largeMB }

func (l *lab) check(fromDisk bool) work {
	name, prepare := "full check, warm", warm(l.db)
	if fromDisk {
		name, prepare = "full check, cold", func(context.Context) error { return cold(l.db) }
	}
	most := 1.0 / 5
	if l.large() {
		most = 1.0 / 15
	}
	if fromDisk {
		most = 0 // the disk decides; only shown
	}
	return work{name: name,
		sides: append([]side{{officerName, prepare, l.officerRun(`"verdict":"ok"`, "check", l.db, "--json")}},
			l.withC(side{cCheck, prepare, l.sqlite3(l.limit, [3]string{l.db, "pragma integrity_check", "ok"})})...),
		rows: []row{{what: name, of: took, against: cCheck, most: most}}}
}

func (l *lab) quick() work {
	return work{name: "quick check, warm",
		sides: append([]side{{officerName, warm(l.db), l.officerRun(`"verdict":"ok"`, "check", l.db, "--quick", "--json")}},
			l.withC(side{cQuick, warm(l.db), l.sqlite3(l.limit, [3]string{l.db, "pragma quick_check", "ok"})})...),
		rows: []row{{what: "quick check, warm", of: took, against: cQuick}}}
}

// foreignKeys asks an Officer that is at work: there is no program for this alone.
func (l *lab) foreignKeys() work {
	var c *sidecar
	home := l.path("home-keys")
	w := work{name: "foreign keys",
		begin: func(ctx context.Context) (err error) {
			if c, err = startSidecar(ctx, l.officer, l.db, home); err != nil {
				return err
			}
			_, _, err = c.await("backup.verified")
			return err
		},
		end: func() error {
			_, err := c.stop()
			return err
		},
		rows: []row{{what: "foreign keys", of: took, against: cForeign, most: 1}}}
	w.sides = append([]side{{officerName, warm(l.db), func(ctx context.Context) (sample, error) {
		began := time.Now()
		err := c.call(ctx, "Check", `{"kind":"CHECK_KIND_FOREIGN_KEYS","waitMs":"600000"}`)
		return sample{took: time.Since(began)}, err
	}}}, l.withC(side{cForeign, warm(l.db), l.sqlite3(l.limit, [3]string{l.db, "pragma foreign_key_check", ""})})...)
	return w
}

func (l *lab) backup() work {
	home, copied := l.path("home"), l.path("copied.db")
	prepare := all(gone(home, copied), warm(l.db))
	sides := []side{{officerName, prepare, l.officerRun(`"verified":true`, "backup", l.db, "--home", home, "--json")}}
	sides = append(sides, l.withC(
		side{cBackup, prepare, l.sqlite3(l.limit, [3]string{l.db, ".backup " + copied, ""}, [3]string{copied, "pragma integrity_check", "ok"})},
		side{cVacuum, prepare, l.sqlite3(l.limit, [3]string{l.db, "vacuum into '" + copied + "'", ""}, [3]string{copied, "pragma integrity_check", "ok"})})...)
	if l.peers.cp != "" {
		sides = append(sides, side{cpSync, prepare, l.copied(l.db, copied)})
	}
	return work{name: "verified backup", sides: sides, rows: []row{
		{what: "verified backup", of: took, against: cBackup, most: 1.0 / 6},
		{what: "verified backup", of: took, against: cpSync, most: 3},
		{what: "verified backup", of: took, against: cVacuum}}}
}

// copied is what a careful shell script does: it looks at nothing.
func (l *lab) copied(from, to string) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		s, err := child(ctx, l.limit, "", l.peers.cp, from, to)
		if err != nil {
			return s, err
		}
		synced, err := child(ctx, l.limit, "", l.peers.sync, to)
		s.add(synced)
		return s, err
	}
}

func (l *lab) backupUnderLoad() work {
	db, home, copied := l.path("loaded.db"), l.path("home-load"), l.path("copied.db")
	loaded := func(run func(context.Context) (sample, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			return underLoad(ctx, db, func() (sample, error) { return run(ctx) })
		}
	}
	backup := l.officerRun(`"verified":true`, "backup", db, "--home", home, "--json")
	prepare := all(gone(home, copied), warm(db))
	sides := []side{{officerName, prepare, loaded(backup)}, {idleName, prepare, backup}}
	limit := min(l.limit, starved)
	sides = append(sides, l.withC(
		side{cBackup, prepare, loaded(l.sqlite3(limit, [3]string{db, ".backup " + copied, ""}, [3]string{copied, "pragma integrity_check", "ok"}))},
		side{cVacuum, prepare, loaded(l.sqlite3(limit, [3]string{db, "vacuum into '" + copied + "'", ""}, [3]string{copied, "pragma integrity_check", "ok"}))})...)
	const name = "backup while another process commits 200 times a second"
	return work{name: name, sides: sides,
		begin: func(ctx context.Context) error { return copyOf(ctx, l.db, db) },
		end:   func() error { return gone(db, home, copied)(context.Background()) },
		rows: []row{
			{what: name, of: took, against: idleName, most: 1.25},
			{what: name, of: took, against: cBackup},
			{what: name, of: took, against: cVacuum},
			{what: "… the slowest commit beside it", of: stalled, against: cBackup, limit: 25},
			{what: "… the slowest commit beside it", of: stalled, against: cVacuum},
			{what: "… commits a second beside it", of: committed, against: cVacuum}}}
}

func (l *lab) start() work {
	home := l.path("home-start")
	run := func(ctx context.Context) (sample, error) {
		c, err := startSidecar(ctx, l.officer, l.db, home)
		if err != nil {
			return sample{}, err
		}
		d, told, err := c.await("integrity.checked")
		rss, stopped := c.stop()
		if err == nil && !strings.Contains(told.Text, "ok") {
			err = fmt.Errorf("got %q, want ok", told.Text)
		}
		if err == nil {
			err = stopped
		}
		return sample{took: d, rssBytes: rss}, err
	}
	limit := 0.5
	if l.large() {
		limit = 0 // the target is for 100 MB
	}
	return work{name: "start to the first full check",
		sides: append([]side{{officerName, all(gone(home), warm(l.db)), run}},
			l.withC(side{cCheck, warm(l.db), l.sqlite3(l.limit, [3]string{l.db, "pragma integrity_check", "ok"})})...),
		rows: []row{{what: "start to the first full check", of: took, against: cCheck, limit: limit}}}
}

// restore takes what was deleted back, in place.
func (l *lab) restore() work {
	db, home, copied := l.path("restored.db"), l.path("home-restore"), l.path("copied.db")
	spoil := func(ctx context.Context) error {
		return execute(ctx, db, "delete from image_tags where image_id % 100 = 0")
	}
	sides := []side{{officerName, all(spoil, gone(home+"/quarantine"), warm(db)), l.officerRun(`"ok":true`, "restore", db, "--home", home, "--yes", "--json")}}
	if l.peers.cp != "" {
		sides = append(sides, side{cpSync, all(gone(copied), warm(l.db)), l.copied(l.db, copied)})
	}
	limit := row{what: "restore in place", of: took, limit: 30}
	return work{name: "restore in place", sides: sides, rounds: 3,
		begin: func(ctx context.Context) error {
			if err := copyOf(ctx, l.db, db); err != nil {
				return err
			}
			_, err := l.officerRun(`"verified":true`, "backup", db, "--home", home, "--json")(ctx)
			return err
		},
		end:  func() error { return gone(db, home, copied)(context.Background()) },
		rows: []row{{what: "restore in place", of: took, against: cpSync, most: 3}, limit}}
}

func execute(ctx context.Context, path, query string) error {
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, query)
	return err
}

func (l *lab) recover() work {
	damaged, out := l.path("damaged.db"), l.path("recovered.db")
	counted := func(run func(context.Context) (sample, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			s, err := run(ctx)
			if err == nil && !s.endless {
				s.rows, err = rowsOf(ctx, out)
			}
			return s, err
		}
	}
	officer := l.officerRun(`"type":"result"`, "recover", damaged, "--to", out, "--json")
	theirs := func(ctx context.Context) (sample, error) {
		return piped(ctx, l.limit, []string{l.peers.sqlite3, damaged, ".recover"}, []string{l.peers.sqlite3, out})
	}
	const name = "rows out of a file with 1 % of its pages zeroed"
	return work{name: name, rounds: 3,
		begin: func(ctx context.Context) error { return damage(ctx, l.db, damaged) },
		end:   func() error { return gone(damaged, out)(context.Background()) },
		sides: append([]side{{officerName, all(gone(out), warm(damaged)), counted(officer)}},
			l.withC(side{cRecover, all(gone(out), warm(damaged)), counted(theirs)})...),
		rows: []row{{what: name, of: took, against: cRecover, most: 1.0 / 3},
			{what: "… rows that came back", of: returned, against: cRecover, least: 1}}}
}

func rowsOf(ctx context.Context, path string) (n int64, err error) {
	db, err := sqlite.OpenDB(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	for _, table := range []string{"locations", "images", "tags", "image_tags"} {
		var rows int64
		if err := db.QueryRowContext(ctx, "select count(*) from "+strconv.Quote(table)).Scan(&rows); err != nil {
			return 0, fmt.Errorf("count %s: %w", table, err)
		}
		n += rows
	}
	return n, nil
}

func (l *lab) resting() work {
	home := l.path("home-idle")
	run := func(ctx context.Context) (sample, error) {
		c, err := startSidecar(ctx, l.officer, l.db, home)
		if err != nil {
			return sample{}, err
		}
		var s sample
		if _, _, err = c.await("backup.verified"); err == nil {
			s, err = atRest(ctx, c.cmd.Process.Pid, l.idle)
		}
		if _, stopped := c.stop(); err == nil {
			err = stopped
		}
		return s, err
	}
	return work{name: "at rest", rounds: 1, sides: []side{{officerName, gone(home), run}}, rows: []row{
		{what: "at rest: memory", of: memory, limit: 30},
		{what: "at rest: processor", of: processor, limit: 0.1}}}
}
