package manifest

import (
	"io/fs"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/officer-doofy/officer/internal/retention"
)

func TestNewID_countsUpWithinOneSecond(t *testing.T) {
	used := map[string]bool{}
	taken := func(id string) bool { return used[id] }
	at := time.Date(2026, 11, 22, 18, 45, 39, 999, time.FixedZone("CET", 3600))
	for _, want := range []string{"20261122T174539Z", "20261122T174539Z-2", "20261122T174539Z-3"} {
		got := NewID(at, taken)
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if back, ok := ParseID(got); !ok || !back.Equal(at.Truncate(time.Second)) {
			t.Errorf("%s reads as %v, %v", got, back, ok)
		}
		used[got] = true
	}
}

func TestSafeName(t *testing.T) {
	long := strings.Repeat("ü", 127)
	for name, want := range map[string]string{
		"app": "app", "": "database", "a/b": "a_b", `c:\d`: "c__d", "line\nbreak": "line_break", "..": "..", "Bücher 2": "Bücher 2",
		"\xff\xfe": "__", "a?b#c%00": "a_b#c%00", "\u202eevil": "_evil",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got := SafeName(long); len(got) > nameBytesMax || !utf8.ValidString(got) || SafeName(long+"x") == got {
		t.Errorf("a name of 255 bytes: got %q of %d bytes", got, len(got))
	}
}

func TestParseFileName_refuses(t *testing.T) {
	for _, path := range []string{
		"", "app-20261122T174539Z.db", "2026/recent/20261122T174539Z.db", "2025/recent/app-20261122T174539Z.db", "2026/hourly/app-20261122T174539Z.db",
		"/2026/recent/app-20261122T174539Z.db", "2026/recent/../app-20261122T174539Z.db", "2026/recent/app-20261122T174539Z.db-wal", "2026/recent/app-20261122T174539Z-1.db",
		"2026/recent/app-20261322T174539Z.db", "2026/recent/a\\b-20261122T174539Z.db", "2026/recent/app-20261122T174539Z-02.db", "2026/recent/app-20261122T174539Z.db\n",
	} {
		if p, ok := ParseFileName(path); ok {
			t.Errorf("%q: got %+v, want a refusal", path, p)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("app", int64(1795369539), "2026/recent/app-20261122T174539Z.db")
	f.Add("x-20261122T174539Z", int64(0), "../x")
	f.Fuzz(func(t *testing.T, name string, unix int64, path string) {
		safe := SafeName(name)
		if SafeName(safe) != safe || len(safe) > nameBytesMax {
			t.Fatalf("SafeName(%q) = %q, which is not left alone", name, safe)
		}
		id := NewID(time.Unix(unix%253402300800, 0), nil)
		if at, ok := ParseID(id); ok && at.Year() >= 0 {
			got, ok := ParseFileName(FileName(name, id, retention.Daily))
			if !ok || got.Name != safe || got.ID != id || got.Tier != retention.Daily || !got.TakenAt.Equal(at) {
				t.Fatalf("%q %q: got %+v, %v", name, id, got, ok)
			}
		}
		if p, ok := ParseFileName(path); ok && (FileName(p.Name, p.ID, p.Tier) != path || !fs.ValidPath(path)) {
			t.Fatalf("%q is let in as %+v", path, p)
		}
	})
}
