package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/retention"
)

var noon = time.Date(2026, 11, 22, 17, 45, 39, 0, time.UTC)

func entry(m Manifest, at time.Time) Entry {
	return Entry{
		ID: m.NextID(at), Reason: "schedule", Tier: retention.Recent, SizeBytes: 8192, PageSize: 4096,
		SHA256: strings.Repeat("ab", 32), SQLiteVersion: "3.54.1", CopyMS: 12, VerifyMS: 7, WorstWriterStallMS: 1,
		Content: Content{Tables: []Table{{Name: "t", Rows: 3, Digest: "00ff"}}, SchemaDigest: strings.Repeat("cd", 32)},
		Source:  Source{ChangeCounter: 9, JournalMode: "wal", WriterVersion: 3054001},
		Verdict: Verified, Verdicts: []VerdictAt{{At: at, Verdict: Verified, How: "backup"}},
	}
}

// filled is a manifest of n backups, four hours apart.
func filled(t testing.TB, n int) Manifest {
	t.Helper()
	m := New("app")
	for i := range n {
		m = must(t)(m.Append(entry(m, noon.Add(time.Duration(i)*4*time.Hour))))
	}
	return m
}

func must(t testing.TB) func(Manifest, error) Manifest {
	return func(m Manifest, err error) Manifest {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func bytesOf(t testing.TB, m Manifest) []byte {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMarshal_golden(t *testing.T) {
	m := filled(t, 3)
	m = must(t)(m.Drop("20261122T214539Z", noon.Add(9*time.Hour), "replaced as recent"))
	m = must(t)(m.Update("20261122T174539Z", func(e *Entry) { e.Drill = &Drill{At: noon.Add(time.Hour), OK: true, DurationMS: 1400} }))
	got := bytesOf(t, m)
	const path = "testdata/backups.json"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the format changed (UPDATE=1 writes it anew):\n%s", got)
	}
	back, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, m) {
		t.Errorf("read back differently:\ngot  %+v\nwant %+v", back, m)
	}
	if breaks := back.VerifyChain(); len(breaks) > 0 {
		t.Errorf("the chain of the golden file does not hold any more: %v", breaks)
	}
}

func TestParse_refuses(t *testing.T) {
	good := string(bytesOf(t, filled(t, 2)))
	first, second := "20261122T174539Z", "20261122T214539Z"
	swap := func(old, with string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("%q does not occur", old)
		}
		return strings.ReplaceAll(good, old, with)
	}
	for _, c := range []struct {
		name, data string
		code       fault.Code
	}{
		{"nothing", "", Damaged},
		{"null", "null", Damaged},
		{"an array", "[]", Damaged},
		{"cut", good[:len(good)/2], Damaged},
		{"something after it", good + "{}", Damaged},
		{"zeroes", strings.Repeat("\x00", 4096), Damaged},
		{"byte order mark", "\xef\xbb\xbf" + good, Damaged},
		{"too big", strings.Repeat(" ", SizeBytesMax+1), fault.TooBig},
		{"future version", swap(`"version": 1`, `"version": 2`), Newer},
		{"future version of another form", `{"version": 7, "entries": {"x": 1}}`, Newer},
		{"no version", swap(`"version": 1`, `"version": 0`), Damaged},
		{"version of the wrong type", swap(`"version": 1`, `"version": "1"`), Damaged},
		{"size of the wrong type", swap(`"size_bytes": 8192`, `"size_bytes": "8 kB"`), Damaged},
		{"negative size", swap(`"size_bytes": 8192`, `"size_bytes": -1`), Damaged},
		{"size beyond 64 bits", swap(`"size_bytes": 8192`, `"size_bytes": 1e40`), Damaged},
		{"duplicate ids", swap(second, first), Damaged},
		{"absolute path", swap(`"file": "2026/recent/`, `"file": "/2026/recent/`), Damaged},
		{"path that leaves the folder", swap(`"file": "2026/recent/`, `"file": "../recent/`), Damaged},
		{"path through the parent", swap(`"file": "2026/recent/app`, `"file": "2026/recent/../../../app`), Damaged},
		{"path with backslashes", swap(`"file": "2026/recent/app`, `"file": "2026/recent/..\\app`), Damaged},
		{"file in another tier", swap(`"tier": "recent"`, `"tier": "daily"`), Damaged},
		{"id that is a path", swap(`"id": "`+first, `"id": "../`+first), Damaged},
		{"time that is not the id's", swap(`"taken_at": "2026-11-22T17:45:39Z"`, `"taken_at": "2025-11-22T17:45:39Z"`), Damaged},
		{"unknown state", swap(`"pinned": false`, `"pinned": false, "state": "fine"`), Damaged},
		{"verified against its verdict", swap(`"verified": true`, `"verified": false`), Damaged},
		{"SHA-256 that is none", swap(strings.Repeat("ab", 32), "abab"), Damaged},
		{"name of a database that is a path", swap(`"database": "app"`, `"database": "../app"`), Damaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.data))
			if got := fault.CodeOf(err); got != c.code {
				t.Errorf("got %q (%v), want %q", got, err, c.code)
			}
			if fault.IsDamage(err) {
				t.Error("a damaged manifest is no evidence that the database is damaged")
			}
		})
	}
}

func TestParse_ignoresFieldsItDoesNotKnow(t *testing.T) {
	good := bytesOf(t, filled(t, 2))
	grown := bytes.Replace(good, []byte(`"version": 1,`), []byte(`"version": 1, "later": {"a": [1]},`), 1)
	m, err := Parse(grown)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytesOf(t, m); !bytes.Equal(got, good) {
		t.Errorf("got\n%s\nwant\n%s", got, good)
	}
}

func TestVerifyChain_namesWhatWasTamperedWith(t *testing.T) {
	const id = "20261123T014539Z" // the third of five
	edit := func(change func(e *Entry)) func(m *Manifest) {
		return func(m *Manifest) { change(&m.Entries[2]) }
	}
	rehash := func(e *Entry) {
		e.Hash, _ = e.hash()
		e.Seal, _ = e.seal()
	}
	for _, c := range []struct {
		name   string
		tamper func(m *Manifest)
		id     string
		text   string
	}{
		{"nothing", func(*Manifest) {}, "", ""},
		{"SHA-256", edit(func(e *Entry) { e.SHA256 = strings.Repeat("0", 64) }), id, "record"},
		{"row count", edit(func(e *Entry) { e.Tables[0].Rows++ }), id, "record"},
		{"reason", edit(func(e *Entry) { e.Reason = "x" }), id, "record"},
		{"record, hashed anew", edit(func(e *Entry) { e.Reason = "x"; rehash(e) }), id, "not the one"},
		{"tier", edit(func(e *Entry) { e.Tier = retention.Yearly }), id, "state"},
		{"verdict", edit(func(e *Entry) { e.Verdicts[0].Verdict = Rotten }), id, "state"},
		{"pin", edit(func(e *Entry) { e.Pinned = true }), id, "state"},
		{"taken out", func(m *Manifest) { m.Entries = append(m.Entries[:2:2], m.Entries[3:]...) }, "", "1 records before backup 20261123T054539Z were taken out"},
		{"first taken out", func(m *Manifest) { m.Entries = m.Entries[1:] }, "", "taken out"},
		{"put in twice", func(m *Manifest) { m.Entries = append(m.Entries, m.Entries[2]) }, id, "taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := filled(t, 5)
			c.tamper(&m)
			breaks := m.VerifyChain()
			if c.text == "" {
				if len(breaks) > 0 {
					t.Fatalf("got %v, want none", breaks)
				}
				return
			}
			if len(breaks) == 0 || breaks[0].ID != c.id || !strings.Contains(breaks[0].Text, c.text) {
				t.Errorf("got %v, want one for %q with %q", breaks, c.id, c.text)
			}
		})
	}
}

func TestUpdate_refusesToChangeEvidence(t *testing.T) {
	m := filled(t, 1)
	id := m.Entries[0].ID
	for name, change := range map[string]func(*Entry){
		"sha256": func(e *Entry) { e.SHA256 = "" }, "rows": func(e *Entry) { e.Tables[0].Rows = 0 },
		"hash": func(e *Entry) { e.Hash = "" }, "id": func(e *Entry) { e.ID = "20261122T174540Z" }, "prev": func(e *Entry) { e.Prev = "x" },
	} {
		if _, err := m.Update(id, change); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("change of %s: got %v, want a refusal", name, err)
		}
	}
	if breaks := m.VerifyChain(); len(breaks) > 0 {
		t.Errorf("the receiver was changed: %v", breaks)
	}
	if _, err := m.Update("20200101T000000Z", func(*Entry) {}); fault.CodeOf(err) != fault.Missing {
		t.Errorf("unknown id: got %v, want missing", err)
	}
}

func TestJudge_keepsTheHistory(t *testing.T) {
	m := filled(t, 1)
	id := m.Entries[0].ID
	for i := range 200 {
		m = must(t)(m.Judge(id, VerdictAt{At: noon.Add(time.Duration(i) * time.Hour), Verdict: Verified, How: "scrub"}))
	}
	m = must(t)(m.Judge(id, VerdictAt{At: noon, Verdict: Rotten, Detail: "page 7 \xff"}))
	e, _ := m.Find(id)
	if e.Verified || e.Verdict != Rotten || len(e.Verdicts) != verdictsMax || e.Verdicts[0].How != "backup" {
		t.Errorf("got verified %v, %q, %d verdicts, first by %q; want false, damaged, %d, backup", e.Verified, e.Verdict, len(e.Verdicts), e.Verdicts[0].How, verdictsMax)
	}
	if _, ok := m.Newest(); ok {
		t.Error("a rotten backup is given as the newest good one")
	}
}

func TestReconcile_listAndFilesComeTogether(t *testing.T) {
	m := filled(t, 4)
	facts := func(paths ...string) (out []FileFact) {
		for _, p := range paths {
			out = append(out, FileFact{Path: p, SizeBytes: 8192, SHA256: strings.Repeat("ab", 32)})
		}
		return out
	}
	files := facts(
		m.Entries[0].File, "2026/daily/app-20261122T214539Z.db", m.Entries[2].File, "2026/weekly/app-20261123T014539Z.db",
		"2026/suspect/app-20261123T100000Z-2.db", "2026/pinned/app-20251123T100000Z.db", "2025/pinned/app-20251123T100000Z.db", "notes.txt", "2026/recent/app-20261123T100000Z.db-wal")
	got := m.Reconcile(files, noon)
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"found", got.Found, []string{"20251123T100000Z", "20261123T100000Z-2"}},
		{"gone", got.Gone, []string{"20261123T054539Z"}},
		{"moved", got.Moved, []string{"20261122T214539Z"}},
		{"strays", got.Strays, []string{"2026/pinned/app-20251123T100000Z.db", "2026/recent/app-20261123T100000Z.db-wal", "notes.txt", "2026/weekly/app-20261123T014539Z.db"}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if breaks := got.Manifest.VerifyChain(); len(breaks) > 0 {
		t.Errorf("chain: %v", breaks)
	}
	if e, _ := got.Manifest.Find("20261123T100000Z-2"); e.State != StateSuspect || e.Verified || e.Verdict != Unverified {
		t.Errorf("a suspect file found: got %+v", e)
	}
	if e, _ := got.Manifest.Find("20251123T100000Z"); !e.Pinned {
		t.Errorf("a pinned file found: got %+v", e)
	}
	again := got.Manifest.Reconcile(files, noon)
	if len(again.Found)+len(again.Gone)+len(again.Moved) > 0 || !reflect.DeepEqual(again.Manifest, got.Manifest) {
		t.Errorf("a second time: got %+v, want no change", again)
	}
}

func TestRebuild_listsEveryFileUnverified(t *testing.T) {
	m := filled(t, 3)
	var files []FileFact
	for _, e := range m.Entries {
		files = append(files, FileFact{Path: e.File, SizeBytes: e.SizeBytes, SHA256: e.SHA256})
	}
	files = append(files, FileFact{Path: "2026/recent/app-20261130T000000Z.db", SizeBytes: -1})
	got, strays := Rebuild("app", files)
	if len(got.Entries) != 3 || len(strays) != 1 || len(got.VerifyChain()) > 0 {
		t.Fatalf("got %d entries, strays %q, chain %v", len(got.Entries), strays, got.VerifyChain())
	}
	for i, e := range got.Entries {
		if was := m.Entries[i]; e.Verified || e.ID != was.ID || e.File != was.File || e.SHA256 != was.SHA256 || e.Tier != was.Tier {
			t.Errorf("got %+v, want the file of %s, unverified", e, was.ID)
		}
	}
	full := entry(got, noon)
	full.ID = got.Entries[0].ID
	if got = must(t)(got.Replace(full, noon, "verified again")); !got.Entries[0].Verified || len(got.VerifyChain()) > 0 {
		t.Errorf("after it was verified again: %+v, chain %v", got.Entries[0], got.VerifyChain())
	}
	if _, err := Parse(bytesOf(t, got)); err != nil {
		t.Error(err)
	}
}

// TestManifest_anyHistory: whatever is done in whatever order, the chain holds and
// the bytes read back to the same value.
func TestManifest_anyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(rapid.String().Draw(t, "name"))
		at := noon
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(-1, 9000).Draw(t, "seconds")) * time.Second)
			var err error
			var next Manifest
			id := ""
			if len(m.Entries) > 0 {
				id = rapid.SampledFrom(m.Entries).Draw(t, "entry").ID
			}
			switch op := rapid.IntRange(0, 6).Draw(t, "op"); {
			case op < 3 || id == "":
				e := entry(m, at)
				e.Tables[0].Name = rapid.SampledFrom([]string{"t", "<&>", "\xff\xfe", "\u2028"}).Draw(t, "table")
				next, err = m.Append(e)
			case op == 3:
				next, err = m.Move(id, rapid.SampledFrom([]retention.Tier{retention.Daily, retention.Monthly, retention.Pinned}).Draw(t, "tier"))
			case op == 4:
				next, err = m.Judge(id, VerdictAt{At: at, Verdict: Changed, Detail: "\xff"})
			default:
				next, err = m.Drop(id, at, "replaced as daily")
			}
			if err != nil {
				t.Fatal(err)
			}
			m = next
		}
		if breaks := m.VerifyChain(); len(breaks) > 0 {
			t.Fatalf("chain: %v", breaks)
		}
		if len(m.Dropped) > tombstonesMax+len(m.Entries)+1 {
			t.Fatalf("%d tombstones were not folded", len(m.Dropped))
		}
		data, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Marshal()
		if err != nil || !bytes.Equal(data, again) || len(back.VerifyChain()) > 0 {
			t.Fatalf("read back: %v, same bytes %v, chain %v", err, bytes.Equal(data, again), back.VerifyChain())
		}
	})
}

func TestDrop_foldsOldTombstones(t *testing.T) {
	m := New("app")
	for i := range 2000 {
		m = must(t)(m.Append(entry(m, noon.Add(time.Duration(i)*time.Hour))))
		if i > 2 {
			m = must(t)(m.Drop(m.Entries[len(m.Entries)-2].ID, noon, "replaced as recent"))
		}
	}
	if breaks := m.VerifyChain(); len(breaks) > 0 || len(m.Dropped) > tombstonesMax {
		t.Errorf("%d tombstones, chain %v; want at most %d and none", len(m.Dropped), breaks, tombstonesMax)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(bytesOf(f, filled(f, 3)))
	dropped, _ := filled(f, 3).Drop("20261122T214539Z", noon, "x")
	f.Add(bytesOf(f, dropped))
	f.Add([]byte(`{"version":1,"database":"a","entries":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			if c := fault.CodeOf(err); c != Damaged && c != Newer && c != fault.TooBig {
				t.Fatalf("got %q (%v)", c, err)
			}
			return
		}
		m.VerifyChain()
		for _, e := range m.Entries {
			if p, ok := ParseFileName(e.File); !ok || strings.Contains(e.File, "..") && !strings.Contains(p.Name, "..") {
				t.Fatalf("let the path %q in", e.File)
			}
		}
		first, err := m.Marshal()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		back, err := Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := back.Marshal(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not the same bytes (%v):\n%s\n%s", err, first, second)
		}
		m.Reconcile(nil, noon)
	})
}

func TestEntry_hasEveryFieldThatIsPromised(t *testing.T) {
	data, err := json.Marshal(filled(t, 1).Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields("id file tier reason taken_at size_bytes page_size sha256 verified verdict tables copy_ms verify_ms worst_writer_stall_ms schema_digest source sqlite_version pinned verdicts prev hash") {
		if !bytes.Contains(data, fmt.Appendf(nil, "%q:", field)) {
			t.Errorf("no field %q in %s", field, data)
		}
	}
}
