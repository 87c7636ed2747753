package rotate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/officer-doofy/officer/internal/fsx"
)

func open(t *testing.T, fsys fsx.FS, cfg Config) *Book {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "app"
	}
	b, err := New(fsys, cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// history is everything in the files, oldest first.
func history(t *testing.T, dir string) string {
	t.Helper()
	l := newLogFile(fsx.OS(), Config{Dir: dir, Name: "app"})
	elders, err := l.elders()
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for i := len(elders) - 1; i >= 0; i-- {
		s.WriteString(content(t, elders[i].path))
	}
	if _, err := os.Stat(l.path); err == nil {
		s.WriteString(content(t, l.path))
	}
	return s.String()
}

func TestLogger_writesTheLineOfTheSpecification(t *testing.T) {
	at := time.Date(2026, 11, 22, 17, 45, 39, 123e6, time.UTC)
	long := strings.Repeat("é", messageBytesMax)
	tests := []struct {
		name, format string
		log          func(slog.Handler)
		want         string
	}{
		{"plain", "text", record(at, slog.LevelInfo, "started"),
			"[2026-11-22T17:45:39.123Z] [INFO] [officer] started\n"},
		{"component and context", "text", record(at, slog.LevelWarn, "slow", "component", "backup", "took", 1500*time.Millisecond, "n", 3),
			`[2026-11-22T17:45:39.123Z] [WARN] [backup] slow {"took":"1.5s","n":3}` + "\n"},
		{"stack of its own", "text", record(at, slog.LevelError, "broke", "stack", "main.f\n\tmain.go:1", "a", 1),
			`[2026-11-22T17:45:39.123Z] [ERROR] [officer] broke {"a":1,"stack":"main.f\n\tmain.go:1"}` + "\n"},
		{"message like a context", "text", record(at, slog.LevelDebug, `got {"a":1}`),
			`[2026-11-22T17:45:39.123Z] [DEBUG] [officer] got {"a":1} {}` + "\n"},
		{"newline", "text", record(at, slog.LevelInfo, "a\nb", "k", "c\nd", "component", "x] [y\n"),
			`[2026-11-22T17:45:39.123Z] [INFO] [x___y\n] a\nb {"k":"c\nd"}` + "\n"},
		{"json", "json", record(at, slog.LevelInfo, "a <b>", "component", "wal", "k", "v"),
			`{"time":"2026-11-22T17:45:39.123Z","level":"info","component":"wal","message":"a <b>","context":{"k":"v"}}` + "\n"},
		{"too long", "text", record(at, slog.LevelInfo, long),
			"[2026-11-22T17:45:39.123Z] [INFO] [officer] " + strings.Repeat("é", messageBytesMax/2) + "… (8192 bytes)\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, fsx.OS(), Config{Dir: t.TempDir(), Format: tt.format, Level: slog.LevelDebug})
			tt.log(b.Logger().Handler())
			if got := content(t, b.Path()); got != tt.want {
				t.Errorf("line\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func record(at time.Time, level slog.Level, message string, args ...any) func(slog.Handler) {
	return func(h slog.Handler) {
		r := slog.NewRecord(at, level, message, 0)
		r.Add(args...)
		_ = h.Handle(context.Background(), r)
	}
}

func TestLogger_nothingLoggedCanForgeALine(t *testing.T) {
	evil := []string{
		"x\n[2026-01-01T00:00:00.000Z] [ERROR] [backup] forged", "x\r\nforged", "\x1b[2J\x1b]0;title\a", "a\u2028b\u2029c\u0085d",
		"\u202egnp.exe", "\xff\xfe broken", "\x00nul", "\ufeffbom", "} {\"a\":1}", `\n`, "\t",
	}
	for _, format := range []string{"text", "json"} {
		b := open(t, fsx.OS(), Config{Dir: t.TempDir(), Format: format})
		for _, s := range evil {
			b.Logger().Info(s, s, s, "component", s, "group", slog.GroupValue(slog.String(s, s)), "err", errors.New(s), "any", []string{s})
			b.Logger().With(s, s).WithGroup(s).Info(s, s, s)
		}
		got := content(t, b.Path())
		if n := strings.Count(got, "\n"); n != 2*len(evil) {
			t.Errorf("%s: %d records gave %d lines", format, 2*len(evil), n)
		}
		for line := range strings.Lines(got) {
			line = strings.TrimSuffix(line, "\n")
			if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || unsafe(r) }); i >= 0 {
				t.Errorf("%s: character %q in the line %q", format, line[i:i+1], line)
			}
			if _, ok := parseLine([]byte(line)); !ok {
				t.Errorf("%s: not readable: %q", format, line)
			}
		}
		for _, r := range b.Recent("", 1000, 0) {
			if strings.IndexFunc(r.Message+r.Component+r.Context, unsafe) >= 0 {
				t.Errorf("%s: unsafe record in memory: %+v", format, r)
			}
		}
	}
}

type credentials struct{ user, password string }

func (c credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", c.user), slog.String("password", c.password))
}

func TestLogger_secretsAreReplaced(t *testing.T) {
	b := open(t, fsx.OS(), Config{Dir: t.TempDir()})
	const hidden = "hunter2"
	l := b.Logger()
	l.Info("1", "token", hidden, "Password", hidden, "api_token", hidden, "X-Api-Key", hidden, "client-secret", hidden)
	l.With("authorization", hidden).WithGroup("g").Info("2", "smtp_password", hidden)
	l.Info("3", "login", credentials{"ann", hidden}, slog.Group("http", slog.Group("header", slog.String("Authorization", hidden))))
	l.Info("4", "token_file", "/run/token", "tokens", 3)
	got := content(t, b.Path())
	if strings.Contains(got, hidden) {
		t.Errorf("a secret was written:\n%s", got)
	}
	for _, want := range []string{`"token_file":"/run/token"`, `"tokens":3`, `"user":"ann"`, `"token":"[redacted]"`} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %s in\n%s", want, got)
		}
	}
}

func TestLogger_errorsHaveTheStackOfTheCall(t *testing.T) {
	b := open(t, fsx.OS(), Config{Dir: t.TempDir()})
	b.Logger().Error("broke")
	b.Logger().Warn("well")
	r := b.Recent("", 0, 0)
	if !strings.HasPrefix(r[0].Stack, "github.com/officer-doofy/officer/internal/rotate.TestLogger_errorsHaveTheStackOfTheCall") {
		t.Errorf("stack starts with %.100q, want the test", r[0].Stack)
	}
	if r[1].Stack != "" {
		t.Errorf("a warning has a stack: %q", r[1].Stack)
	}
}

type explosive struct{}

func (explosive) String() string { panic("boom") }

func TestLogger_valueThatPanicsDoesNotReachTheCaller(t *testing.T) {
	b := open(t, fsx.OS(), Config{Dir: t.TempDir()})
	b.Logger().Info("look", "v", explosive{})
	b.Logger().Info("next")
	if got := b.Recent("", 0, 0); len(got) != 2 || got[0].Message != "look" {
		t.Errorf("records = %v, want look and next", got)
	}
}

func TestNew_refusesNamesWithAPath(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b"} {
		if _, err := New(fsx.OS(), Config{Dir: t.TempDir(), Name: name}); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	if _, err := New(fsx.OS(), Config{Dir: t.TempDir(), Name: "a", Format: "xml"}); err == nil {
		t.Error("format xml was taken")
	}
}

func TestBook_weeksOfRecordsStayWithinSizeTotalAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cfg := Config{Dir: dir, MaxFileBytes: 20_000, MaxTotalBytes: 100_000, Keep: 7 * 24 * time.Hour}
		b := open(t, fsx.OS(), cfg)
		n := 0
		for day := range 60 {
			if day%11 == 10 { // a restart
				_ = b.Close()
				b = open(t, fsx.OS(), cfg)
			}
			lines := 40 // a quiet day; every fifth is loud
			if day%5 == 4 {
				lines = 3000
			}
			for range lines {
				n++
				b.Logger().Info("line", "n", n)
				pass(24 * time.Hour / time.Duration(lines))
			}
			if err := b.Prune(time.Now()); err != nil {
				t.Fatalf("day %d: Prune: %v", day, err)
			}
			checkFiles(t, dir, cfg, n, day)
		}
		if b.Lost() != 0 {
			t.Errorf("lost %d lines", b.Lost())
		}
	})
}

func TestPrune_dropsOldLinesOfAQuietLogAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, fsx.OS(), Config{Dir: dir})
		const perDay = 5
		for day := range 40 {
			for range perDay {
				b.Logger().Info("line")
				pass(24 * time.Hour / perDay)
			}
			if err := b.Prune(time.Now()); err != nil {
				t.Fatal(err)
			}
			all := parseAll([]byte(history(t, dir)))
			if age := time.Since(all[0].Time); age > 9*24*time.Hour {
				t.Fatalf("day %d: a line is %v old", day, age)
			}
			if want := min(day+1, 6) * perDay; len(all) < want {
				t.Fatalf("day %d: %d lines are left, want at least the %d of the last days", day, len(all), want)
			}
		}
	})
}

// checkFiles holds the invariants of the files: sizes, age, and that they are the
// newest records up to n without a hole.
func checkFiles(t *testing.T, dir string, cfg Config, n, day int) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	var total int64
	for _, e := range entries {
		info, _ := e.Info()
		total += info.Size()
		if info.Size() > cfg.MaxFileBytes {
			t.Fatalf("day %d: %s has %d bytes", day, e.Name(), info.Size())
		}
	}
	if total > cfg.MaxTotalBytes {
		t.Fatalf("day %d: %d bytes in all", day, total)
	}
	all := parseAll([]byte(history(t, dir)))
	for i, r := range all {
		if want := fmt.Sprintf(`{"n":%d}`, n-len(all)+1+i); r.Context != want {
			t.Fatalf("day %d: record %d of %d is %s, want %s", day, i, len(all), r.Context, want)
		}
		if age := time.Since(r.Time); age > cfg.Keep+48*time.Hour {
			t.Fatalf("day %d: a record is %v old", day, age)
		}
	}
	if day > 8 && len(all) < 300 {
		t.Fatalf("day %d: only %d records are left", day, len(all))
	}
}

// brittle is a file system whose operations fail when told to.
type brittle struct {
	fsx.FS
	mu     sync.Mutex
	left   int  // operations that change something until all fail, -1 = never
	full   bool // writes fail like on a full disk, after half the bytes
	stuck  bool // … and what was half written cannot be taken back
	noOpen bool
}

var errFull = fsx.Wrap("write file", syscall.ENOSPC)

func (b *brittle) step() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return fsx.Wrap("simulated crash", syscall.EIO)
	}
	if b.left > 0 {
		b.left--
	}
	return nil
}

func (b *brittle) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if b.noOpen {
		return nil, errFull
	}
	if err := b.step(); err != nil {
		return nil, err
	}
	f, err := b.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &brittleFile{f, b}, nil
}

func (b *brittle) RenameNoReplace(from, to string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.FS.RenameNoReplace(from, to)
}

func (b *brittle) Remove(name string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.FS.Remove(name)
}

type brittleFile struct {
	fsx.File
	disk *brittle
}

func (f *brittleFile) Write(p []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		return 0, err
	}
	if f.disk.full {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, errFull
	}
	return f.File.Write(p)
}

func (f *brittleFile) Truncate(sizeBytes int64) error {
	if f.disk.stuck {
		return errFull
	}
	return f.File.Truncate(sizeBytes)
}

func TestRotate_crashAtAnyOperationLosesNoLine(t *testing.T) {
	cfg := Config{MaxFileBytes: 400, MaxTotalBytes: 1 << 20}
	const lines = 40
	for at := 1; ; at++ {
		cfg.Dir = t.TempDir()
		disk := &brittle{FS: fsx.OS(), left: at}
		b := open(t, disk, cfg)
		for i := range lines {
			b.Logger().Info("line", "i", i)
		}
		written := lines - int(b.Lost())
		_ = b.Close()
		after := open(t, fsx.OS(), cfg)
		for i := range lines {
			after.Logger().Info("later", "i", i)
		}
		var early, later int
		for _, r := range parseAll([]byte(history(t, cfg.Dir))) {
			if r.Message == "line" && r.Context == fmt.Sprintf(`{"i":%d}`, early) {
				early++
			}
			if r.Message == "later" && r.Context == fmt.Sprintf(`{"i":%d}`, later) {
				later++
			}
		}
		if early != written || later != lines {
			t.Fatalf("crash after %d operations: %d of %d lines in order before, %d of %d after", at, early, written, later, lines)
		}
		if written == lines {
			if at < 20 {
				t.Fatalf("only %d operations were tried", at)
			}
			return
		}
	}
}

func TestBook_fullDiskLosesLinesAndSaysSo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stuck  bool
		noOpen bool
	}{{"half lines are taken back", false, false}, {"half lines stay", true, false}, {"not even opened", false, true}} {
		t.Run(tt.name, func(t *testing.T) {
			disk := &brittle{FS: fsx.OS(), left: -1, stuck: tt.stuck, noOpen: tt.noOpen}
			b := open(t, disk, Config{Dir: t.TempDir()})
			if !tt.noOpen {
				b.Logger().Info("before")
			}
			disk.full = true
			for range 7 {
				b.Logger().Info("swallowed")
			}
			disk.full, disk.noOpen = false, false
			b.Logger().Info("after")
			if b.Lost() != 7 {
				t.Errorf("Lost() = %d, want 7", b.Lost())
			}
			got := parseAll([]byte(content(t, b.Path())))
			if !tt.noOpen {
				if got[0].Message != "before" {
					t.Errorf("first line %v, want before", got[0])
				}
				got = got[1:]
			}
			if tt.stuck {
				got = got[max(0, len(got)-2):] // the halves stand before, each ended
			}
			if len(got) != 2 || got[0].Message != "7 lines were lost: the log could not be written" || got[1].Message != "after" {
				t.Errorf("lines = %v, want the word about 7 lost ones and after", got)
			}
			if n := len(b.Recent("", 0, 0)); n < 8 {
				t.Errorf("%d records in memory, want all", n)
			}
		})
	}
}

func TestBook_reopensWhenTheFileIsMovedOrRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved on Windows")
	}
	b := open(t, fsx.OS(), Config{Dir: t.TempDir()})
	b.Logger().Info("one")
	if err := os.Rename(b.Path(), b.Path()+".aside"); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("two")
	if err := os.Remove(b.Path()); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("three")
	if got := content(t, b.Path()); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "three\n") {
		t.Errorf("log = %q, want only three", got)
	}
	if err := os.RemoveAll(filepath.Dir(b.Path())); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("four")
	if got := content(t, b.Path()); !strings.HasSuffix(got, "four\n") {
		t.Errorf("log = %q, want four", got)
	}
	if b.Lost() != 0 {
		t.Errorf("lost %d lines", b.Lost())
	}
}

func TestBook_writesThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(target, []byte("precious\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "app.log")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	b := open(t, fsx.OS(), Config{Dir: dir})
	b.Logger().Info("x")
	if got := content(t, target); got != "precious\n" {
		t.Errorf("the target of the link became %q", got)
	}
	if b.Lost() != 1 {
		t.Errorf("Lost() = %d, want 1", b.Lost())
	}
}

func TestBook_filesAreForTheOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no mode bits on Windows")
	}
	dir := filepath.Join(t.TempDir(), "home", "logs")
	b := open(t, fsx.OS(), Config{Dir: dir, MaxFileBytes: 100})
	for range 5 {
		b.Logger().Info("a line of some length, so that files turn")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) < 3 {
		t.Fatalf("%d files, want several", len(entries))
	}
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestBook_leavesFilesOfOthersAlone(t *testing.T) {
	dir := t.TempDir()
	others := []string{"app.log.old", "app.log.01", "app.log.0", "app.log.-1", "app.log.1.gz", "other.log.1", "app.log2"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, fsx.OS(), Config{Dir: dir, MaxFileBytes: 100, MaxTotalBytes: 300})
	for range 20 {
		b.Logger().Info("a line of some length, so that files turn")
	}
	if err := b.Prune(time.Now().Add(1000 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, name := range others {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != 1000 {
			t.Errorf("%s was touched: %v", name, err)
		}
	}
}

func TestNew_endsATornLineAndReadsTheRestBack(t *testing.T) {
	dir := t.TempDir()
	torn := "[2026-01-01T00:00:00.000Z] [WARN] [wal] grew {\"mb\":12}\n[2026-01-01T00:00:01.000Z] [ERROR] [backup] half a li"
	if err := os.WriteFile(filepath.Join(dir, "app.log"), []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, fsx.OS(), Config{Dir: dir, RotateAfter: time.Since(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))})
	b.Logger().Info("new")
	if lines := strings.Split(content(t, b.Path()), "\n"); len(lines) != 4 || !strings.HasSuffix(lines[2], "new") {
		t.Errorf("lines = %q, want the torn one ended", lines)
	}
	got := b.Recent("warn", 0, 0)
	if len(got) == 0 || got[0].Message != "grew" || got[0].Component != "wal" || got[0].Context != `{"mb":12}` {
		t.Errorf("records = %v, want the warning of the earlier run", got)
	}
}

func TestWrite_intoAFileThatWasLeftForDaysTurnsItFirst(t *testing.T) {
	dir := t.TempDir()
	old := "[" + time.Now().Add(-6*24*time.Hour).UTC().Format("2006-01-02T15:04:05.000Z") + "] [INFO] [officer] before the holidays\n"
	if err := os.WriteFile(filepath.Join(dir, "app.log"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, fsx.OS(), Config{Dir: dir})
	b.Logger().Info("back again")
	if got := content(t, b.Path()); strings.Contains(got, "holidays") || !strings.Contains(got, "back again") {
		t.Errorf("the file holds %q, want only the new line", got)
	}
	if got := content(t, b.Path()+".1"); got != old {
		t.Errorf("the elder holds %q, want the old line", got)
	}
	if err := b.Prune(time.Now().Add(2 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil {
		t.Fatal(err)
	} else {
		for _, f := range files {
			if strings.Contains(content(t, f), "holidays") {
				t.Errorf("%s still holds a line of eight days ago", f)
			}
		}
	}
}

func TestRecent_givesTheNewestByLevelAndFollows(t *testing.T) {
	b := open(t, fsx.OS(), Config{Dir: t.TempDir(), RecentRecords: 10, RecentWarnings: 5})
	for i := range 30 {
		switch {
		case i < 7:
			b.Logger().Warn("w", "i", i)
		default:
			b.Logger().Info("i", "i", i)
		}
	}
	tests := []struct {
		level string
		limit int
		after uint64
		want  string
	}{
		{"", 3, 0, "28 29 30"},
		{"warn", 0, 0, "3 4 5 6 7"},
		{"warn", 2, 0, "6 7"},
		{"error", 0, 0, ""},
		{"", 2, 25, "26 27"}, // following pages through
		{"", 0, 30, ""},
		{"", 2, 99, "29 30"}, // a follower from before a restart starts anew
	}
	for _, tt := range tests {
		var got []string
		for _, r := range b.Recent(tt.level, tt.limit, tt.after) {
			got = append(got, fmt.Sprint(r.Sequence))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("Recent(%q, %d, %d) = %q, want %q", tt.level, tt.limit, tt.after, s, tt.want)
		}
	}
}

func TestBook_manyWritersOneFile(t *testing.T) {
	dir := t.TempDir()
	b := open(t, fsx.OS(), Config{Dir: dir, MaxFileBytes: 5000})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 100 {
				b.Logger().With("component", fmt.Sprint("w", w)).Info("line", "i", i)
				_ = b.Recent("warn", 5, 0)
			}
		})
	}
	wg.Wait()
	if got := len(parseAll([]byte(history(t, dir)))); got != 800 {
		t.Errorf("%d lines, want 800", got)
	}
}

func TestBook_afterCloseOnlyMemoryTakesRecords(t *testing.T) {
	b := open(t, fsx.OS(), Config{Dir: t.TempDir()})
	b.Logger().Info("one")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.Logger().Info("two")
	if got := content(t, b.Path()); strings.Contains(got, "two") {
		t.Errorf("log = %q", got)
	}
	if got := b.Recent("", 0, 0); len(got) != 2 {
		t.Errorf("%d records, want 2", len(got))
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// FuzzParseLine: no input breaks the parser, and what was written reads back the same.
func FuzzParseLine(f *testing.F) {
	f.Add("[2026-01-01T00:00:00.000Z] [WARN] [wal] grew {\"mb\":12}", "v", "stack\n\tx", true)
	f.Add(`{"time":"2026-01-01T00:00:00.000Z","level":"info","component":"a","message":"m","context":{"a":1}}`, "\"stack\":\"x", "", false)
	f.Add("[] [] [] {", `{"x":" \`, "", true)
	f.Add("a {\"x\":\"", "}", "s", true)
	f.Fuzz(func(t *testing.T, message, value, stack string, asJSON bool) {
		if r, ok := parseLine([]byte(message)); ok && strings.IndexFunc(r.Message+r.Context+r.Component, unsafe) >= 0 {
			t.Errorf("unsafe record from %q: %+v", message, r)
		}
		want := Record{
			Time: time.UnixMilli(1e12).UTC(), Level: "warn", Component: component(value),
			Message: escape(cut(message, messageBytesMax)), Context: `{"key":` + quote(cut(value, 500)) + `}`,
			Stack: escapeBut(cut(stack, stackBytesMax), "\n\t"),
		}
		format := formatText
		if asJSON {
			format = formatJSON
		}
		line := string(appendLine(format, want))
		if strings.Count(line, "\n") != 1 {
			t.Fatalf("not one line: %q", line)
		}
		got, ok := parseLine([]byte(strings.TrimSuffix(line, "\n")))
		if !ok || got != want {
			t.Errorf("read back %+v (%v)\nwant %+v\nline %s", got, ok, want, line)
		}
	})
}

var _ io.Closer = (*Book)(nil)

// pass lets virtual time go by; every test that calls it runs in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
