package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"officer": main, "sql": sqlMain, "await": awaitMain, "flip": flipMain, "tamper": tamperMain, "hangup": hangupMain, "fetch": fetchMain, "reader": readerMain, "lock": lockMain})
}

// TestScripts runs one script a verb.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"newest": newest, "code": code, "traceless": traceless, "waitfor": waitfor, "red": coloured(report.Damage), "green": coloured(report.Done)},
	})
}

// newest DB VAR puts the id of the newest stored backup into VAR.
func newest(ts *testscript.TestScript, _ bool, args []string) {
	files, _ := filepath.Glob(ts.MkAbs(args[0]) + "-officer/backups/*/*/*.db")
	if len(files) == 0 {
		ts.Fatalf("no backups of %s", args[0])
	}
	var ids []string
	for _, f := range files {
		stem := strings.TrimSuffix(filepath.Base(f), ".db")
		ids = append(ids, stem[strings.Index(stem, "-2")+1:])
	}
	sort.Strings(ids)
	ts.Setenv(args[1], ids[len(ids)-1])
	for _, f := range files {
		if strings.Contains(f, ids[len(ids)-1]) {
			ts.Setenv(args[1]+"_FILE", f)
		}
	}
}

// waitfor FILE waits until a file is there.
func waitfor(ts *testscript.TestScript, _ bool, args []string) {
	for range 9000 {
		if exists(ts.MkAbs(args[0])) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", args[0])
}

// coloured waits until officer status of a database ends with an exit code.
func coloured(want int) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		for range 3600 {
			err := ts.Exec("officer", "status", args[0])
			got := 0
			if e, ok := err.(interface{ ExitCode() int }); ok {
				got = e.ExitCode()
			}
			if got == want {
				return
			}
			<-time.After(50 * time.Millisecond)
		}
		ts.Fatalf("the status of %s did not become %d", args[0], want)
	}
}

// code N COMMAND … runs a command that must end with that exit code.
func code(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		got = -1
		if e, ok := err.(interface{ ExitCode() int }); ok {
			got = e.ExitCode()
		}
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d (%v), want %s", got, err, args[0])
	}
}

// sqlMain runs statements on a database: sql FILE STATEMENT… It makes the file when
// it is missing and prints the first value of a query.
func sqlMain() {
	path := os.Args[1]
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	check(err)
	check(f.Close())
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	check(err)
	for _, statement := range os.Args[2:] {
		if strings.HasPrefix(strings.ToUpper(statement), "SELECT") {
			var value string
			check(db.QueryRow(statement).Scan(&value))
			fmt.Println(value)
			continue
		}
		_, err := db.Exec(statement)
		check(err)
	}
	check(db.Close())
}

// awaitMain waits until the running Officer of a database has checked it, holds a verified
// backup and is through with its own first one, which a verb would meet otherwise: await
// FILE; or until it answers at all: await FILE socket. A third word is the home.
func awaitMain() {
	path, err := filepath.Abs(os.Args[1])
	check(err)
	home, socket := path+"-officer", len(os.Args) > 2 && os.Args[2] == "socket"
	if len(os.Args) > 3 {
		home = os.Args[3]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if awaited(ctx, home, path, socket) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	check(ctx.Err())
}

func awaited(ctx context.Context, home, path string, socket bool) bool {
	c, err := control.Dial(ctx, home, path)
	if err != nil {
		return false
	}
	defer c.Close()
	got, err := c.Ask(ctx, &messages.GetStatus{}, nil)
	st, ok := got.(*messages.Status)
	if err != nil || !ok || socket {
		return err == nil && ok
	}
	return st.LastVerifiedBackup != nil && st.Integrity.GetLastFull() != nil && tookFirst(ctx, c, st.GetStartedAtUnixMs())
}

// tookFirst tells whether this run of Officer has ended a backup of its own.
func tookFirst(ctx context.Context, c *control.Client, startedMS int64) bool {
	got, err := c.Ask(ctx, &messages.GetEvents{Type: "backup.*"}, nil)
	page, ok := got.(*messages.EventPage)
	return err == nil && ok && slices.ContainsFunc(page.GetEvents(), func(e *messages.Event) bool {
		return e.GetTimeUnixMs() >= startedMS && (e.GetType() == "backup.verified" || e.GetType() == "backup.skipped")
	})
}

// hangupMain sends SIGHUP to the Officer of a database: hangup FILE.
func hangupMain() {
	path, err := filepath.Abs(os.Args[1])
	check(err)
	c, err := control.Dial(context.Background(), path+"-officer", path)
	check(err)
	got, err := c.Ask(context.Background(), &messages.GetInfo{}, nil)
	check(err)
	p, err := os.FindProcess(int(got.(*messages.Info).Pid))
	check(err)
	check(p.Signal(syscall.SIGHUP))
}

// flipMain zeroes a page of a file: flip FILE PAGE.
func flipMain() {
	f, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	check(err)
	var page int64
	_, err = fmt.Sscan(os.Args[2], &page)
	check(err)
	_, err = f.WriteAt(make([]byte, 4096), (page-1)*4096)
	check(err)
	check(f.Close())
}

// tamperMain edits a file as somebody else would: tamper FILE OLD NEW.
func tamperMain() {
	data, err := os.ReadFile(os.Args[1])
	check(err)
	if !strings.Contains(string(data), os.Args[2]) {
		check(fmt.Errorf("%s does not hold %s", os.Args[1], os.Args[2]))
	}
	check(os.WriteFile(os.Args[1], []byte(strings.Replace(string(data), os.Args[2], os.Args[3], 1)), 0o600))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
