package check_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/util/ioutil"
	"github.com/ncruces/go-sqlite3/vfs/readervfs"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

func seed() (s [2]uint64) {
	var b [16]byte
	crand.Read(b[:])
	return [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}
}

// native checks a file, and the log beside it, from its pages. A header that SQLite
// would not open is damage.
func native(t testing.TB, path string, o check.Options) check.Outcome {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	db, err := openPages(f, path)
	var broken *page.Error
	if errors.As(err, &broken) {
		return check.Outcome{Verdict: check.Damaged, Findings: []check.Finding{{Kind: "header", Detail: err.Error()}}}
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := check.Verify(context.Background(), db, o)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

func openPages(f *os.File, path string) (check.Database, error) {
	info, err := f.Stat()
	if err != nil {
		return check.Database{}, err
	}
	if log, err := os.Open(path + "-wal"); err == nil {
		b, err := io.ReadAll(log)
		log.Close()
		if err != nil {
			return check.Database{}, err
		}
		if wal, err := page.ReadWAL(strings.NewReader(string(b)), int64(len(b)), 0); err == nil && wal.Pages > 0 {
			o, err := page.OpenOverlay(f, info.Size(), wal)
			if err != nil {
				return check.Database{}, err
			}
			return check.Database{Pages: o, Header: o.Header, Geometry: o.Geometry}, nil
		}
	}
	file, err := page.OpenFile(f, info.Size())
	if err != nil {
		return check.Database{}, err
	}
	return check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}, nil
}

// both checks a file by pages, with SQLite as judge, and by SQLite alone.
func both(t testing.TB, path string, o check.Options) (check.Outcome, check.Report) {
	t.Helper()
	ctx := context.Background()
	c, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true, Immutable: !exists(path + "-wal"), BusyTimeout: time.Second})
	if err != nil {
		report := check.Report{Verdict: check.Damaged, Findings: []check.Finding{{Kind: "open", Detail: err.Error()}}}
		return native(t, path, o), report
	}
	defer c.Close()
	report, err := c.CheckFull(ctx)
	if code := fault.CodeOf(err); err != nil {
		report = check.Report{Verdict: check.CannotJudge, Findings: []check.Finding{{Kind: string(code), Detail: err.Error()}}}
	}
	o.Judge = c.Judge()
	return native(t, path, o), report
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestVerify_passesEveryKindOfDatabase(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), kind)
			out, report := both(t, path, check.Options{Crew: crew(2), Digest: true, Seed: seed()})
			if report.Verdict != check.OK {
				t.Fatalf("SQLite says %s: %v", report.Verdict, report.Findings)
			}
			if out.Verdict != check.OK {
				t.Errorf("got %s, want ok: %v %v", out.Verdict, out.Findings, out.Unjudged)
			}
			compareContent(t, path, out.Tables)
		})
	}
}

// compareContent holds that digests taken from pages are those that SQLite's rows give.
func compareContent(t testing.TB, path string, tables []check.Content) {
	t.Helper()
	c, err := sqlite.Open(context.Background(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	content, err := c.ContentOfRows(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]check.Content{}
	for _, table := range tables {
		got[table.Name] = table
	}
	for _, want := range content.Tables {
		if g := got[want.Name]; g.Rows != want.Rows || g.Digest != want.Digest {
			t.Errorf("table %q: got %d rows, %s, want %d rows, %s", want.Name, g.Rows, g.Digest, want.Rows, want.Digest)
		}
		delete(got, want.Name)
	}
	for name := range got {
		t.Errorf("table %q: got content, want no such table", name)
	}
}

// TestVerify_onACorpus checks the files below the folder that OFFICER_CORPUS names.
func TestVerify_onACorpus(t *testing.T) {
	dir := os.Getenv("OFFICER_CORPUS")
	if dir == "" {
		t.Skip("OFFICER_CORPUS names no folder with database files")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-journal") || strings.HasSuffix(name, ".tsv") || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			for _, suffix := range []string{"", "-wal", "-journal"} {
				if b, err := os.ReadFile(filepath.Join(dir, name) + suffix); err == nil {
					if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			out, report := both(t, path, check.Options{Crew: crew(2), Digest: true, Seed: seed()})
			if complaint := disagree(out, report); complaint != "" {
				t.Errorf("%s\npages:  %s %v %v\nSQLite: %s %v", complaint, out.Verdict, out.Findings, out.Unjudged, report.Verdict, report.Findings)
			} else {
				t.Logf("pages %s, SQLite %s %v", out.Verdict, report.Verdict, out.Unjudged)
			}
			if report.Verdict == check.OK && !exists(path+"-journal") {
				compareContent(t, path, out.Tables)
			}
		})
	}
}

// disagree says how the page engine's verdict offends against SQLite's: it may say more
// is wrong, but never that nothing is.
func disagree(out check.Outcome, report check.Report) string {
	if out.Verdict == check.OK && report.Verdict == check.Damaged {
		return "ok, although SQLite reports damage"
	}
	if out.Verdict == check.Damaged && report.Verdict == check.OK {
		return "damaged, although SQLite says ok"
	}
	return ""
}

// serve makes an image visible to SQLite under a name.
func serve(image []byte, name string) {
	readervfs.Create(name, ioutil.NewSizeReaderAt(bytes.NewReader(image)))
}

// judgeImage has pages and SQLite judge an image.
func judgeImage(t testing.TB, image []byte, o check.Options) (out check.Outcome, report check.Report) {
	t.Helper()
	if len(image) == 0 {
		return check.Outcome{Verdict: check.OK}, check.Report{Verdict: check.OK} // an empty file is an empty database
	}
	c, err := serveTo(image)
	if err != nil {
		report = check.Report{Verdict: check.Damaged, Findings: []check.Finding{{Kind: "open", Detail: err.Error()}}}
	} else {
		defer c.Close()
		o.Judge = c.Judge()
		if report, err = c.CheckFull(context.Background()); err != nil {
			report = check.Report{Verdict: check.CannotJudge, Findings: []check.Finding{{Kind: string(fault.CodeOf(err)), Detail: err.Error()}}}
		}
	}
	if out = verifyImage(t, image, check.Options{Crew: o.Crew}); out.Verdict == check.OK && report.Verdict == check.Damaged {
		return out, report // without a judge nothing may be taken for granted either
	}
	return verifyImage(t, image, o), report
}

// judgeByPages has pages judge an image, and SQLite only what they leave to it.
func judgeByPages(t testing.TB, image []byte) check.Outcome {
	t.Helper()
	if len(image) == 0 {
		return check.Outcome{Verdict: check.OK}
	}
	c, err := serveTo(image)
	if err != nil {
		return verifyImage(t, image, check.Options{})
	}
	defer c.Close()
	return verifyImage(t, image, check.Options{Judge: c.Judge()})
}

// serveTo opens an image with SQLite.
func serveTo(image []byte) (*sqlite.Conn, error) {
	const name = "image.db"
	serve(image, name)
	return sqlite.Open(context.Background(), name, sqlite.Options{ReadOnly: true, VFS: "reader", Immutable: true})
}

// verifyImage has pages alone judge an image. What stops the judge stops SQLite, too.
func verifyImage(t testing.TB, image []byte, o check.Options) check.Outcome {
	t.Helper()
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	var broken *page.Error
	if errors.As(err, &broken) {
		return check.Outcome{Verdict: check.Damaged, Findings: []check.Finding{{Kind: "header", Detail: err.Error()}}}
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := check.Verify(context.Background(), check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}, o)
	if err != nil {
		if o.Judge == nil {
			t.Fatal(err)
		}
		out.Verdict = check.CannotJudge
	}
	return out
}

// count gives how many cases to try: many by hand, some always.
func count(t testing.TB, always int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("OFFICER_ORACLE"))
	if err != nil {
		return always
	}
	return n
}

// first gives the seed to begin with.
func first() uint64 {
	n, _ := strconv.ParseUint(os.Getenv("OFFICER_SEED"), 10, 64)
	return n
}

func TestVerify_passesWhatSQLiteWrites(t *testing.T) {
	unjudged := map[string]int{}
	for i := range uint64(count(t, 40)) {
		seed := first() + i
		image, sql := generate(t, seed)
		out, report := judgeImage(t, image, check.Options{Crew: crew(2), Digest: true})
		if report.Verdict != check.OK { // SQLite can write what it then calls damaged: text in a column made numeric
			continue
		}
		if out.Verdict != check.OK {
			t.Errorf("seed %d: got %s: %v %v\n%s", seed, out.Verdict, out.Findings, out.Unjudged, sql)
		}
		for _, u := range out.Unjudged {
			unjudged[u.Detail]++
		}
	}
	t.Log(unjudged)
}

func TestVerify_neverPassesWhatSQLiteCallsDamaged(t *testing.T) {
	const perImage = 40
	tally := map[string]int{}
	stricter := map[string]int{}
	for i := range uint64(count(t, 15)) {
		seed := first() + i
		image, sql := generate(t, seed)
		rng := rand.New(rand.NewPCG(seed, 11))
		for range perImage {
			m := mutate(rng, image)
			out, report := judgeImage(t, m.apply(image), check.Options{Crew: crew(2)})
			tally[string(out.Verdict)+"/"+string(report.Verdict)]++
			if out.Verdict == check.Damaged && report.Verdict == check.OK {
				stricter[out.Findings[0].Kind+" "+shape(out.Findings[0].Detail)]++
			}
			if out.Verdict != check.OK || report.Verdict != check.Damaged {
				continue
			}
			m = smaller(m, len(image), func(m mutation) bool {
				out, report := judgeImage(t, m.apply(image), check.Options{})
				return out.Verdict == check.OK && report.Verdict == check.Damaged
			})
			_, report = judgeImage(t, m.apply(image), check.Options{})
			t.Errorf("seed %d, %v: ok, although SQLite says %v\n%s", seed, m, report.Findings, sql)
		}
	}
	t.Log(tally)
	for what, n := range stricter {
		t.Logf("%6d stricter: %s", n, what)
	}
}

// shape takes the numbers out of a sentence.
func shape(s string) string {
	return regexp.MustCompile(`\d+`).ReplaceAllString(s, "N")
}
