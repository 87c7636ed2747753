package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
)

// shape is a database that strains something else than its rows. Each is there in two
// sizes: time is to grow with the size, memory is not.
type shape struct {
	name  string
	build func(path string) error
}

func shapes() []shape {
	return []shape{
		{"1,000 tables with an index each", func(path string) error { return manyTables(path, 1_000) }},
		{"10,000 tables with an index each", func(path string) error { return manyTables(path, 10_000) }},
		{"100 columns, 100,000 rows", func(path string) error { return wideTable(path, 100, 100_000) }},
		{"1,000 columns, 10,000 rows", func(path string) error { return wideTable(path, 1_000, 10_000) }},
		{"1,000 columns, 50,000 rows", func(path string) error { return wideTable(path, 1_000, 50_000) }},
		{"one value of 50 MB", func(path string) error { return oneValue(path, 50e6) }},
		{"one value of 500 MB", func(path string) error { return oneValue(path, 500e6) }},
		{"50 MB of overflow chains of 10,000 pages", func(path string) error { return deepChains(path, 10) }},
		{"500 MB of overflow chains of 10,000 pages", func(path string) error { return deepChains(path, 100) }},
		{"1 GB, all but 50 MB of it free pages", func(path string) error { return sparse(path, 1e9) }},
		{"5 GB, all but 50 MB of it free pages", func(path string) error { return sparse(path, 5e9) }},
	}
}

// measureShapes is measure for every shape: full check and verified backup.
func (l *lab) measureShapes(ctx context.Context, peak *worst) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString(tableHead)
	for _, s := range shapes() {
		if !l.only.MatchString(s.name) {
			continue
		}
		dir := filepath.Join(l.dir, "shape")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		l.db = filepath.Join(dir, "app.db")
		fmt.Fprintf(l.progress, "building %s\n", s.name)
		if _, err := child(ctx, time.Hour, "", self, shapeVerb, l.db, s.name); err != nil {
			return "", err
		}
		for _, w := range []work{l.check(false), l.backup()} {
			w.rows = []row{{what: s.name + ": " + w.name, of: took, against: w.sides[min(1, len(w.sides)-1)].name}}
			outcomes, err := l.compare(ctx, w)
			if err != nil {
				return "", err
			}
			peak.note(w, outcomes)
			table.WriteString(w.rows[0].markdown(w, outcomes))
		}
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return table.String(), nil
}

// shapeNamed builds one; it runs in a process of its own.
func shapeNamed(name, path string) error {
	for _, s := range shapes() {
		if s.name == name {
			return s.build(path)
		}
	}
	return fmt.Errorf("no shape %q", name)
}

// inOne runs everything in one transaction.
func inOne(path string, pragmas string, fill func(tx *sql.Tx) error) (err error) {
	if err := os.WriteFile(path, nil, 0o600); err != nil { // it is only opened, never made
		return err
	}
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), pragmas); err != nil {
		return err
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := fill(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func each(tx *sql.Tx, n int, query func(i int) string) error {
	for i := range n {
		if _, err := tx.ExecContext(context.Background(), query(i)); err != nil {
			return err
		}
	}
	return nil
}

const tenRows = "with recursive n(i) as (select 1 union all select i+1 from n where i < %d) "

func manyTables(path string, n int) error {
	return inOne(path, "pragma journal_mode=delete", func(tx *sql.Tx) error {
		return each(tx, n, func(i int) string {
			return fmt.Sprintf("create table t%d(id integer primary key, name text not null, at real); create index t%d_name on t%d(name);"+
				"insert into t%d "+tenRows+"select i, 'row ' || i, i / 7.0 from n", i, i, i, i, 10)
		})
	})
}

func wideTable(path string, columns, rows int) error {
	names := make([]string, columns)
	values := make([]string, columns)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
		values[i] = fmt.Sprintf("(i * %d) %% 1000", i+1)
	}
	return inOne(path, "pragma journal_mode=delete", func(tx *sql.Tx) error {
		return each(tx, 1, func(int) string {
			return "create table wide(" + strings.Join(names, ", ") + ");" +
				fmt.Sprintf("create index wide_ends on wide(c0, c%d); create index wide_last on wide(c%d);", columns-1, columns-1) +
				"insert into wide " + fmt.Sprintf(tenRows, rows) + "select " + strings.Join(values, ", ") + " from n"
		})
	})
}

// oneValue is of zeros: SQLite writes these without holding them.
func oneValue(path string, bytes int64) error {
	return inOne(path, "pragma journal_mode=delete", func(tx *sql.Tx) error {
		return each(tx, 1, func(int) string {
			return fmt.Sprintf("create table files(id integer primary key, name text, data blob); insert into files values(1, 'film', zeroblob(%d))", bytes)
		})
	})
}

// deepChains has values of 5 MB on pages of 512 bytes, which an index holds once more.
func deepChains(path string, n int) error {
	return inOne(path, "pragma page_size=512; pragma journal_mode=delete", func(tx *sql.Tx) error {
		if err := each(tx, 1, func(int) string { return "create table notes(id integer primary key, text text, more blob)" }); err != nil {
			return err
		}
		return each(tx, n, func(i int) string {
			return fmt.Sprintf("insert into notes values(%d, replace(hex(zeroblob(1250000)), '0', 'n') || %d, randomblob(2500000))", i, i)
		})
	})
}

// sparse makes a file of free pages that take no room on the disk: trunks list leaves,
// whose content nobody reads (sqlite.org/fileformat2.html#the_freelist).
func sparse(path string, bytes int64) (err error) {
	if err := archive(path, 50e6); err != nil {
		return err
	}
	if err := execute(context.Background(), path, "pragma journal_mode=delete"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var head [100]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	const pageBytes, leaves = 4096, 4096/4 - 8
	lock := uint32(1<<30/pageBytes + 1) // this page stays unused
	used, all := binary.BigEndian.Uint32(head[28:]), uint32(bytes/pageBytes)
	if binary.BigEndian.Uint16(head[16:]) != pageBytes || binary.BigEndian.Uint32(head[36:]) != 0 {
		return errors.New("the archive has other pages, or free ones")
	}
	next := used + 1
	var free uint32
	for trunk := next; trunk <= all; {
		var page [pageBytes]byte
		n, p := uint32(0), trunk+1
		for ; n < leaves && p <= all; p++ {
			if p != lock {
				binary.BigEndian.PutUint32(page[8+4*n:], p)
				n++
			}
		}
		binary.BigEndian.PutUint32(page[4:], n)
		if p == lock {
			p++
		}
		if p <= all {
			binary.BigEndian.PutUint32(page[0:], p)
		}
		if _, err := f.WriteAt(page[:], int64(trunk-1)*pageBytes); err != nil {
			return err
		}
		free += n + 1
		trunk = p
	}
	binary.BigEndian.PutUint32(head[28:], all)
	binary.BigEndian.PutUint32(head[32:], next)
	binary.BigEndian.PutUint32(head[36:], free)
	if _, err := f.WriteAt(head[:], 0); err != nil {
		return err
	}
	return f.Truncate(int64(all) * pageBytes)
}
