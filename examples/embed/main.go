// Command embed is a whole program with Officer inside: a book of notes. Each argument becomes a note; then it
// shows them, takes a verified backup and says whether the data are safe.
//
//	go run ./examples/embed notes.db "buy milk" "call Ada"
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/messages"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: embed DB [NOTE...]")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2:]); err != nil {
		explain(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the program: Officer first, then its handle for everything that the program does itself.
func run(ctx context.Context, out io.Writer, path string, notes []string) (err error) {
	if err := create(path); err != nil {
		return err
	}
	o, err := officer.Start(ctx, officer.Config{Databases: []officer.Database{{Path: path}}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	db, err := o.DB("")
	if err != nil {
		return err
	}
	if err := write(ctx, db, notes); err != nil {
		return err
	}
	if err := show(ctx, out, db); err != nil {
		return err
	}
	backup, err := o.Backup(ctx, "", "example")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "backup %s: %d bytes, %s\n", backup.Id, backup.SizeBytes, backup.Verdict)
	health, err := o.Health(ctx, "")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, health.Headline)
	return nil
}

// create makes an empty file, which SQLite takes for an empty database. Officer never creates one: a path
// with a mistake in it must not become a database without data.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func write(ctx context.Context, db *sql.DB, notes []string) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`); err != nil {
		return err
	}
	for _, text := range notes {
		if _, err := db.ExecContext(ctx, `INSERT INTO notes (text) VALUES (?)`, text); err != nil {
			return err
		}
	}
	return nil
}

func show(ctx context.Context, out io.Writer, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT id, text FROM notes ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		fmt.Fprintf(out, "%d. %s\n", id, text)
	}
	return rows.Err()
}

// explain shows what a failure of Officer's brings: what happened, what was done, what one can do.
func explain(out io.Writer, err error) {
	var f *messages.Failure
	if !errors.As(err, &f) {
		fmt.Fprintln(out, err)
		return
	}
	fmt.Fprintf(out, "%s\n%s\n", f.Text, f.Did)
	for _, h := range f.Hints {
		fmt.Fprintf(out, "  → %s\n", h)
	}
}
