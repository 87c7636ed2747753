package check_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

const longRows = `pragma page_size=%d; pragma encoding='%s';
	create table t(id integer primary key, a text, b blob, c int);
	create index t_a on t(a); create index t_bc on t(b desc, c); create unique index t_ca on t(c, a);
	create table w(k text, v blob, x int, y text, primary key(k, x)) without rowid; create index w_v on w(v, y);
	insert into t values(1, replace(hex(zeroblob(700000)), '0', 'a')||'1', randomblob(2000000), 7), (2, replace(hex(zeroblob(700000)), '0', 'a')||'2', zeroblob(1500000), 8),
		(3, 'short', x'00', 9), (4, null, null, 10), (5, replace(hex(zeroblob(700000)), '0', 'a'), zeroblob(1500001), 7);
	insert into w select coalesce(a, 'none'), b, c, id from t;`

func TestVerify_readsRowsThatAreTooLongToHold(t *testing.T) {
	for size, encoding := range map[int]string{512: "UTF-8", 65536: "UTF-16be"} {
		t.Run(fmt.Sprint(encoding, size), func(t *testing.T) {
			image := imageOf(t, fmt.Sprintf(longRows, size, encoding))
			out := verifyImage(t, image, check.Options{Crew: crew(2), Digest: true, Seed: seed()})
			if out.Verdict != check.OK {
				t.Fatalf("got %s: %v %v", out.Verdict, out.Findings, out.Unjudged)
			}
			path := filepath.Join(t.TempDir(), "long.db")
			if err := os.WriteFile(path, image, 0o600); err != nil {
				t.Fatal(err)
			}
			compareContent(t, path, out.Tables)
			at := bytes.LastIndex(image, bytes.Repeat([]byte{'a'}, 100))
			if encoding != "UTF-8" {
				at = bytes.LastIndex(image, bytes.Repeat([]byte{0, 'a'}, 100)) + 1
			}
			image[at+40] = 'b'
			out = verifyImage(t, image, check.Options{})
			if out.Verdict != check.Damaged || out.Findings[0].Kind != "index" && out.Findings[0].Kind != "order" {
				t.Errorf("one byte of a long value: got %s %v", out.Verdict, out.Findings)
			}
		})
	}
}

func TestVerify_underNoCaseOfLongTextCannotJudge(t *testing.T) {
	image := imageOf(t, `create table t(a text collate nocase); create index i on t(a);
		insert into t values(hex(zeroblob(900000))), (hex(zeroblob(900000))||'a'), (hex(zeroblob(900000))||'B')`)
	out := verifyImage(t, image, check.Options{})
	if out.Verdict != check.CannotJudge {
		t.Errorf("got %s %v %v, want cannot_judge", out.Verdict, out.Findings, out.Unjudged)
	}
}

// endless is a database whose pages are made when they are asked for.
type endless struct {
	make func(n uint32, into []byte)
}

func (e *endless) ReadPage(n uint32, into []byte) error {
	clear(into)
	e.make(n, into)
	return nil
}

// endlessly gives a database of count pages of 512 bytes whose page 1 holds no schema.
func endlessly(count uint32, make func(n uint32, into []byte)) check.Database {
	h := page.Header{PageSize: 512, PageCount: count, SchemaFormat: 4, Encoding: page.UTF8, WriteVersion: 1, ReadVersion: 1}
	return check.Database{Header: h, Geometry: page.NewGeometry(h, count), Pages: &endless{make: make}}
}

func interiorPage(into []byte, head int, keys int, child func(i int) uint32) {
	into[head] = byte(page.TableInterior)
	binary.BigEndian.PutUint16(into[head+3:], uint16(keys))
	binary.BigEndian.PutUint16(into[head+5:], uint16(512-5*keys))
	binary.BigEndian.PutUint32(into[head+8:], child(keys))
	for i := range keys {
		at := 512 - 5*(i+1)
		binary.BigEndian.PutUint16(into[head+12+2*i:], uint16(at))
		binary.BigEndian.PutUint32(into[at:], child(i))
		into[at+4] = byte(i + 1)
	}
}

func TestVerify_ofHostileTreesEndsSoon(t *testing.T) {
	for name, c := range map[string]struct {
		db   check.Database
		want page.Rule
	}{
		"a chain of pages without an end": {endlessly(5000, func(n uint32, into []byte) {
			interiorPage(into, head(n), 1, func(i int) uint32 { return n + 1 + 1000*uint32(i) })
		}), page.TreeDepthMax},
		"a page that is its own child": {endlessly(3, func(n uint32, into []byte) {
			interiorPage(into, head(n), 2, func(int) uint32 { return n })
		}), page.PageUsedOnce},
		"children that all share theirs": {endlessly(100, func(n uint32, into []byte) {
			interiorPage(into, head(n), 40, func(i int) uint32 { return (n+1+uint32(i%3))%100 + 1 })
		}), page.PageUsedOnce},
		"nothing but zeros": {endlessly(1000, func(uint32, []byte) {}), page.NodeKind},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := check.Verify(t.Context(), c.db, check.Options{Crew: crew(2), FindingsMax: 1000})
			if err != nil || out.Verdict != check.Damaged {
				t.Fatalf("got %s, %v", out.Verdict, err)
			}
			for _, f := range out.Findings {
				if strings.Contains(f.Detail, string(c.want)) {
					return
				}
			}
			t.Errorf("got %.300v, want: %s", out.Findings, c.want)
		})
	}
}

func head(n uint32) int {
	if n == 1 {
		return page.HeaderBytes
	}
	return 0
}

func TestVerify_ofTheLockBytePage(t *testing.T) {
	h := page.Header{PageSize: 65536, SchemaFormat: 4, Encoding: page.UTF8, WriteVersion: 1, ReadVersion: 1, FreelistFirst: 16385, FreelistPages: 1}
	pages := &endless{make: func(n uint32, into []byte) {
		if n == 1 {
			into[head(n)] = byte(page.TableLeaf)
		}
	}}
	db := check.Database{Header: h, Geometry: page.NewGeometry(h, 16385), Pages: pages}
	out, err := check.Verify(t.Context(), db, check.Options{FindingsMax: 20000})
	if err != nil || !reports(out.Findings, check.Finding{Kind: "structure", Page: 16385}, string(page.PageLockUnused)) {
		t.Errorf("got %v %v, want: %s", out.Findings[:min(3, len(out.Findings))], err, page.PageLockUnused)
	}
	h.FreelistFirst, h.FreelistPages = 0, 0
	db.Header = h
	out, err = check.Verify(t.Context(), db, check.Options{FindingsMax: 20000})
	if err != nil || len(out.Findings) != 16383 || reports(out.Findings, check.Finding{Kind: "structure", Page: 16385}, "") {
		t.Errorf("got %d findings, %v, want one for each page but the first and the lock-byte page", len(out.Findings), err)
	}
}

func TestVerify_ofManyTablesAndColumns(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 700 tables")
	}
	var sql strings.Builder
	sql.WriteString("begin;")
	for i := range 700 {
		fmt.Fprintf(&sql, "create table t%d(a integer primary key, b text unique, c real default %d); insert into t%d values(%d, 'x', 1);", i, i, i, i)
	}
	sql.WriteString("create table wide(id integer primary key")
	for i := range 999 {
		fmt.Fprintf(&sql, ", c%d text", i)
	}
	sql.WriteString("); insert into wide(id, c7, c998) values(1, 'a', 'b'), (2, 'c', 'd'); create index wide_i on wide(c998, c7); commit")
	image := imageOf(t, sql.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out := verifyImage(t, image, check.Options{Crew: crew(2), Digest: true})
	runtime.ReadMemStats(&after)
	if out.Verdict != check.OK || len(out.Tables) != 701 {
		t.Fatalf("got %s, %d tables: %v", out.Verdict, len(out.Tables), out.Findings)
	}
	t.Logf("%d bytes allocated in all", after.TotalAlloc-before.TotalAlloc)
}
