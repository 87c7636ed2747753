package tail_test

import (
	"slices"
	"testing"

	"github.com/officer-doofy/officer/internal/tail"
)

func TestRead_takesWholeLinesOfItsGenerationOnly(t *testing.T) {
	const head = `{"continues":7}` + "\n"
	cases := []struct {
		name, data string
		generation int64
		want       []string
	}{
		{"two lines", head + "1\n2\n", 7, []string{"1", "2"}},
		{"the last one cut", head + "1\n2", 7, []string{"1"}},
		{"one that is refused ends it", head + "1\nno\n2\n", 7, []string{"1"}},
		{"no line yet", head, 7, nil},
		{"the first one cut", `{"continues":7}`, 7, nil},
		{"of another generation", head + "1\n", 8, nil},
		{"of none", `{"continues":0}` + "\n1\n", 0, nil},
		{"no tail at all", "1\n2\n", 7, nil},
		{"nothing", "", 7, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			n := tail.Read([]byte(c.data), c.generation, func(line []byte) bool {
				if string(line) == "no" {
					return false
				}
				got = append(got, string(line))
				return true
			})
			if !slices.Equal(got, c.want) || n != len(c.want) {
				t.Errorf("got %d lines %q, want %q", n, got, c.want)
			}
		})
	}
}

func TestBegin_isWhatReadWants(t *testing.T) {
	head, err := tail.Begin(7)
	if err != nil {
		t.Fatal(err)
	}
	line, err := tail.Line(map[string]int{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := tail.Read(append(head, line...), 7, func(line []byte) bool { return string(line) == `{"a":1}` }); n != 1 {
		t.Errorf("took %d lines of %s%s", n, head, line)
	}
}
