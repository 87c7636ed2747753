package sqlite

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// walImage gives the WAL of a database with a few commits, as it lies on the disk.
func walImage(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db := app(t, path)
	run(t, db, `PRAGMA page_size=512; PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(600)); UPDATE t SET x=1;`)
	image, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestScanWAL_stopsAtTheLastValidCommit(t *testing.T) {
	image := walImage(t)
	whole, err := scanWAL(bytes.NewReader(image), int64(len(image)))
	if err != nil || whole.PageSize != 512 || whole.Frames == 0 || whole.PageCount == 0 || whole.PageOneOff == 0 {
		t.Fatalf("got %+v %v", whole, err)
	}
	if want := uint32((len(image) - walHeaderBytes) / (512 + frameHeaderBytes)); whole.Frames != want {
		t.Errorf("got %d frames, want %d", whole.Frames, want)
	}
	// One flipped bit condemns its frame, and with it all that follow.
	for at := 0; at < len(image); at += 97 {
		bad := bytes.Clone(image)
		bad[at] ^= 0x10
		got, err := scanWAL(bytes.NewReader(bad), int64(len(bad)))
		if err != nil || got.Frames >= whole.Frames {
			t.Errorf("byte %d flipped: got %+v %v, want fewer than %d frames", at, got, err, whole.Frames)
		}
	}
	for size := range len(image) {
		got, err := scanWAL(bytes.NewReader(image[:size]), int64(size))
		if err != nil || got.Frames >= whole.Frames {
			t.Fatalf("cut at %d: got %+v %v", size, got, err)
		}
	}
}

func FuzzScanWAL(f *testing.F) {
	image := walImage(f)
	f.Add(image)
	f.Add(image[:100])
	f.Add([]byte(nil))
	big := bytes.Clone(image)
	binary.BigEndian.PutUint32(big, walMagic|1)
	f.Add(big)
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := scanWAL(bytes.NewReader(p), int64(len(p)))
		if err != nil {
			t.Fatal(err)
		}
		if got.Frames > 0 && int64(got.Frames)*int64(got.PageSize) > int64(len(p)) {
			t.Errorf("got %d frames of %d in %d bytes", got.Frames, got.PageSize, len(p))
		}
		if got.PageOneOff+headerBytes > int64(len(p)) && got.PageOneOff != 0 {
			t.Errorf("page 1 at %d of %d bytes", got.PageOneOff, len(p))
		}
	})
}

func TestParseFinding_namesKindObjectAndPage(t *testing.T) {
	for _, c := range []struct {
		line, kind, object string
		page               int64
	}{
		{"row 3 missing from index images_sha", "index", "images_sha", 0},
		{"wrong # of entries in index a b", "index", "a b", 0},
		{"row 8 values differ from index x", "index", "x", 0},
		{"non-unique entry in index sqlite_autoindex_t_1", "unique", "sqlite_autoindex_t_1", 0},
		{"NULL value in t.a", "not_null", "t", 0},
		{"TEXT value in t.a", "type", "t", 0},
		{"NUMERIC value in my.table.a", "type", "my.table", 0},
		{"non-INTEGER value in t.a", "type", "t", 0},
		{"CHECK constraint failed in t", "check", "t", 0},
		{"row not in PRIMARY KEY order for w", "order", "w", 0},
		{"Tree 5 page 17 cell 3: Rowid 9 out of order", "structure", "", 17},
		{"Tree 5 page 17: btreeInitPage() returns error code 11", "structure", "", 17},
		{"Page 9: never used", "structure", "", 9},
		{"Freelist: size is 3 but should be 4", "structure", "", 0},
		{"malformed inverted index for FTS5 table main.ft", "index", "ft", 0},
		{"unable to validate the inverted index for FTS5 table main.ft: SQL logic error", "module", "main.ft", 0},
	} {
		got := parseFinding(c.line)
		if got.Kind != c.kind || got.Object != c.object || got.Page != c.page || got.Detail != c.line {
			t.Errorf("%q: got %+v, want %s %q page %d", c.line, got, c.kind, c.object, c.page)
		}
	}
	got := parseFindings("*** in database main ***\nPage 2: never used\nPage 3: never used\n")
	if len(got) != 2 || got[1].Page != 3 {
		t.Errorf("got %+v, want two findings", got)
	}
	if got := parseFindings("ok"); len(got) != 0 {
		t.Errorf("ok: got %+v", got)
	}
}

func FuzzParseFindings(f *testing.F) {
	f.Add("Tree 5 page 99999999999999999999 cell 3: x\nok")
	f.Add("NULL value in .")
	f.Fuzz(func(t *testing.T, row string) {
		for _, finding := range parseFindings(row) {
			if finding.Kind == "" || finding.Detail == "" || finding.Page < 0 {
				t.Errorf("%q: got %+v", row, finding)
			}
		}
	})
}

func FuzzModuleOf(f *testing.F) {
	f.Add(`CREATE VIRTUAL TABLE "a" USING fts5(x)`)
	f.Add("USING")
	f.Fuzz(func(t *testing.T, sql string) { moduleOf(sql) })
}

func TestModuleOf_findsTheModule(t *testing.T) {
	for sql, want := range map[string]string{
		`CREATE VIRTUAL TABLE m USING fts5(a, b)`:       "fts5",
		"create virtual table m using\n\tFTS4 (a)":      "FTS4",
		`CREATE VIRTUAL TABLE "using" USING "rtree"(a)`: "rtree",
		`CREATE VIRTUAL TABLE m USING spellfix1`:        "spellfix1",
		`CREATE TABLE t(a)`:                             "",
	} {
		if got := moduleOf(sql); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
}
