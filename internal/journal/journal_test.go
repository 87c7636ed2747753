package journal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// book writes n chained events.
func book(t testing.TB, n int) []byte {
	t.Helper()
	var data []byte
	prev := ""
	for i := 1; i <= n; i++ {
		object := fmt.Sprintf(`{"sequence":"%d","type":"backup.verified","time_unix_ms":"%d","prev":"%s","note":"n%d"}`, i, 1000*i, prev, i)
		line, hash, err := Seal([]byte(object))
		if err != nil {
			t.Fatal(err)
		}
		data = append(append(data, line...), '\n')
		prev = hash
	}
	return data
}

func lines(data []byte) []string { return strings.SplitAfter(string(data), "\n") }

func texts(breaks []Break) string {
	var out []string
	for _, b := range breaks {
		out = append(out, b.Text)
	}
	return strings.Join(out, "; ")
}

func TestRead_namesWhatWasDone(t *testing.T) {
	whole := book(t, 5)
	at := lines(whole)
	resealed := func() string {
		line, _, _ := Seal([]byte(`{"sequence":"3","type":"x","time_unix_ms":"1","prev":"` + Read(whole).Lines[1].Hash + `"}`))
		return string(line) + "\n"
	}
	cases := []struct {
		name  string
		data  string
		want  string
		lines int
	}{
		{"untouched", string(whole), "", 5},
		{"nothing", "", "", 0},
		{"cut last line", string(whole[:len(whole)-7]), "", 4},
		{"zeros at the end", string(whole) + "\x00\x00\x00", "", 5},
		{"half a line and zeros with a newline", string(whole) + "{\"seq\x00\x00\n\x00", "", 5},
		{"edited", strings.Replace(string(whole), `"n3"`, `"n9"`, 1), "event 3 was changed after it was written", 5},
		{"edited and sealed again", at[0] + at[1] + resealed() + at[3] + at[4], "event 3 is not the one that event 4 was chained to", 5},
		{"one taken out", at[0] + at[1] + at[3] + at[4], "event 3 was taken out", 4},
		{"two taken out", at[0] + at[3] + at[4], "events 2 to 3 were taken out", 3},
		{"put in twice", at[0] + at[1] + at[1] + at[2] + at[3] + at[4], "event 2 stands where event 3 belongs", 6},
		{"made unreadable", at[0] + "gone\n" + at[2] + at[3] + at[4], "line 2 is not one of the journal", 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := Read([]byte(c.data))
			if got := texts(b.Breaks); got != c.want || len(b.Lines) != c.lines {
				t.Errorf("got %q and %d lines, want %q and %d", got, len(b.Lines), c.want, c.lines)
			}
		})
	}
}

func TestAgainst_whatWasNotedMustBeThere(t *testing.T) {
	whole := book(t, 5)
	at, full := lines(whole), Read(whole)
	head := Head{Oldest: 1, Sequence: 5, Hash: full.Lines[4].Hash}
	cases := []struct {
		name, data string
		head       Head
		want       string
	}{
		{"all there", string(whole), head, ""},
		{"nothing noted", at[0], Head{}, ""},
		{"more than noted", string(whole), Head{1, 3, full.Lines[2].Hash}, ""},
		{"end taken off", at[0] + at[1], head, "events 3 to 5 were taken out"},
		{"beginning taken off", at[2] + at[3] + at[4], head, "events 1 to 2 were taken out"},
		{"rotated less far than noted", at[2] + at[3] + at[4], Head{4, 5, full.Lines[4].Hash}, ""},
		{"lost", "", head, "events 1 to 5 were taken out"},
		{"another one", string(whole), Head{1, 5, "beef"}, "event 5 is not the one that was noted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := texts(Read([]byte(c.data)).Against(c.head)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTail_isBoundedByLinesAndBytes(t *testing.T) {
	whole := book(t, 9)
	b := Read(whole)
	one := len(b.Lines[8].Raw) + 1
	for _, c := range []struct{ lines, bytes, want int }{{100, 1 << 20, 9}, {4, 1 << 20, 4}, {100, 3 * one, 3}, {100, 1, 1}} {
		kept, data := b.Tail(c.lines, c.bytes)
		again := Read(data)
		if len(kept) != c.want || len(again.Lines) != c.want || len(again.Breaks) != 0 || !bytes.HasSuffix(whole, data) {
			t.Errorf("%+v: kept %d lines, %d read again, breaks %q", c, len(kept), len(again.Lines), texts(again.Breaks))
		}
	}
}

func TestSeal_refusesWhatIsNoLine(t *testing.T) {
	for _, object := range []string{"", "{}", "[1,2]", "{\"a\":\n1}", "null"} {
		if _, _, err := Seal([]byte(object)); err == nil {
			t.Errorf("%q was sealed", object)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, kind string
		want         bool
	}{{"", "a.b", true}, {"a.b", "a.b", true}, {"a.b", "a.bc", false}, {"a.*", "a.b", true}, {"a.*", "ab.c", false}, {"*", "x", true}, {"abc*", "a", false}} {
		if got := Matches(c.filter, c.kind); got != c.want {
			t.Errorf("Matches(%q, %q) = %t", c.filter, c.kind, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(book(f, 3))
	f.Add([]byte("{}\n\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := Read(data)
		if b.WholeBytes > len(data) || b.WholeBytes > 0 && data[b.WholeBytes-1] != '\n' {
			t.Fatalf("%d whole bytes of %d", b.WholeBytes, len(data))
		}
		if again := Read(data[:b.WholeBytes]); len(again.Lines) != len(b.Lines) || texts(again.Breaks) != texts(b.Breaks) {
			t.Fatalf("read again: %d lines, %q; first %d, %q", len(again.Lines), texts(again.Breaks), len(b.Lines), texts(b.Breaks))
		}
		b.Tail(2, 100)
		b.Against(Head{1, 5, "x"})
	})
}

func TestUntorn_endsBeforeWhatAPowerCutTore(t *testing.T) {
	whole := book(t, 6)
	var ends []int
	var heads []Head
	for _, l := range Read(whole).Lines {
		end := len(l.Raw) + 1
		if len(ends) > 0 {
			end += ends[len(ends)-1]
		}
		ends, heads = append(ends, end), append(heads, Head{Oldest: 1, Sequence: l.Sequence, Hash: l.Hash})
	}
	torn := bytes.Clone(whole)
	clear(torn[ends[2]+10 : ends[3]-10]) // in the middle of line 4
	for _, c := range []struct {
		name string
		head Head
		ok   bool
	}{{"nothing noted", Head{}, true}, {"noted before it", heads[2], true}, {"noted behind it", heads[3], false}} {
		b, ok := Read(torn).Untorn(c.head)
		if ok != c.ok {
			t.Errorf("%s: got %v, want %v", c.name, ok, c.ok)
		}
		if ok && (len(b.Lines) != 3 || len(b.Breaks) != 0 || b.WholeBytes != ends[2]) {
			t.Errorf("%s: got %d lines and %v up to %d, want 3 up to %d", c.name, len(b.Lines), b.Breaks, b.WholeBytes, ends[2])
		}
	}
	if _, ok := Read(whole).Untorn(Head{}); ok {
		t.Error("a whole journal is called torn")
	}
	edited := bytes.Replace(torn, []byte(`"n1"`), []byte(`"n9"`), 1)
	if _, ok := Read(edited).Untorn(Head{}); ok {
		t.Error("a line that was changed before the torn one is passed over")
	}
}
