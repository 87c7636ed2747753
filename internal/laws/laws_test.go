package laws

import (
	"slices"
	"testing"
)

// law is one rule of the house with its reason. broken gives a sentence with file and
// line for each violation. crime is a file that must be found guilty: a law that bites
// nobody is no law.
type law struct {
	name   string
	why    string
	broken func(house) []string
	crime  crime
}

type crime struct{ path, text string }

func laws() []law {
	return []law{
		{"layers", "a change stays where it is made, and a system can be taken out", layersHold,
			crime{"actors/backup/a.go", `package backup; import _ "github.com/officer-doofy/officer/actors/health"`}},
		{"vendors", "a vendor that is imported in one place can be replaced in one place", vendorsHold,
			crime{"internal/shelf/a.go", `package shelf; import _ "github.com/ncruces/go-sqlite3/driver"`}},
		{"pure core", "the same question gets the same answer in a test, in a simulation and in a year", coreIsPure,
			crime{"internal/retention/a.go", `package retention; import "time"; func f() { _ = time.Now() }`}},
		{"files through fsx", "the simulated disk must see every write, fsync and rename, and hosts with foreign locks every open", filesGoThroughFSX,
			crime{"actors/logs/a.go", `package logs; import "os"; func f() { _ = os.Remove("x") }`}},
		{"no sleep", "a test that sleeps is slow or wrong, an actor that sleeps answers nobody", nobodySleeps,
			crime{"actors/logs/a_test.go", `package logs; import "time"; func f() { time.Sleep(1) }`}},
		{"actor traps", "these lose messages, race, or block for ever in protoactor; kit has what to use instead", actorTraps,
			crime{"actors/logs/a.go", `package logs; import "github.com/asynkron/protoactor-go/actor"; func f(c actor.Context) { c.SetReceiveTimeout(1) }`}},
		{"guarded props", "only the guard answers an asker whose handler panicked", actorsComeFromKit,
			crime{"actors/logs/a.go", `package logs; import "github.com/asynkron/protoactor-go/actor"; func f() { actor.PropsFromFunc(nil) }`}},
		{"no exit, no print", "a host program survives Officer, and its output is its own", nobodyExits,
			crime{"supervisor/a.go", `package supervisor; import "os"; func f() { os.Exit(1) }`}},
		{"sizes", "what is read at once is understood at once", sizes,
			crime{"internal/kit/a.go", "package kit\nfunc f() {" + string(slices.Repeat([]byte("\n"), 70)) + "}"}},
		{"no init", "nothing happens by importing a package", noInit,
			crime{"internal/kit/a.go", `package kit; func init() {}`}},
		{"no globals", "state that belongs to nobody makes two databases in one process disturb each other", noGlobals,
			crime{"internal/kit/a.go", `package kit; var seen = 0; func f() { seen++ }`}},
		{"no map[string]any", "a value has a type that says what is in it", noAnyMaps,
			crime{"internal/kit/a.go", `package kit; func f(map[string]any) {}`}},
		{"nothing unfinished", "what is left for later is an issue, not a comment", nothingUnfinished,
			crime{"internal/kit/a.go", "package kit\n// TO" + "DO: later\nvar _ = 1"}},
		{"exports documented", "a successor reads the sentence, not the code", exportsAreDocumented,
			crime{"internal/kit/a.go", "// Package kit.\npackage kit\nfunc Do() {}"}},
		{"actors show one face", "what is private can be changed; the supervisor needs Config, Props and Conditions", actorsShowOneFace,
			crime{"actors/logs/a.go", `package logs; func Helper() {}`}},
		{"package names", "a package is named by what is inside", packageNames,
			crime{"internal/util/a.go", `package util`}},
		{"no assertion library", "a test says what it got and what it wanted in its own words", noAssertionLibraries,
			crime{"internal/kit/a_test.go", `package kit; import _ "github.com/stretchr/testify/assert"`}},
		{"test names", "the list of tests reads as what the package promises", testNames,
			crime{"internal/kit/a_test.go", `package kit; import "testing"; func Test_it(t *testing.T) {}`}},
	}
}

func TestLaws(t *testing.T) {
	h := load(t)
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) {
			broken := l.broken(h)
			slices.Sort(broken)
			for _, b := range broken {
				t.Error(b)
			}
			if len(broken) > 0 {
				t.Errorf("the law: %s", l.why)
			}
		})
	}
}

func TestLaws_bite(t *testing.T) {
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) {
			s, err := parse(l.crime.path, l.crime.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.broken(house{s}); len(got) == 0 {
				t.Errorf("%s: got no violation, want one:\n%s", l.crime.path, l.crime.text)
			}
		})
	}
}

func TestLaws_spareTheInnocent(t *testing.T) {
	innocent := []crime{
		{"actors/backup/a.go", "// Package backup.\npackage backup\nimport (\n_ \"github.com/officer-doofy/officer/internal/retention\"\n_ \"github.com/officer-doofy/officer/messages\")"},
		{"supervisor/a.go", "// Package supervisor.\npackage supervisor\nimport _ \"github.com/officer-doofy/officer/actors/health\""},
		{"internal/sqlite/handle/a.go", "// Package handle.\npackage handle\nimport _ \"github.com/ncruces/go-sqlite3\""},
		{"internal/kit/a.go", "// Package kit.\npackage kit\nimport \"errors\"\nvar errGone = errors.New(\"gone\")\nvar table = map[string]int{\"a\": 1}\nfunc f() { table := 1; table++; _ = table }"},
		{"messages/a.pb.go", "// Code generated by x. DO NOT EDIT.\n\npackage messages\nfunc init() {}\nvar x int"},
	}
	for _, i := range innocent {
		s, err := parse(i.path, i.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range laws() {
			if got := l.broken(house{s}); len(got) > 0 {
				t.Errorf("%s: %s: got %q, want nothing", i.path, l.name, got)
			}
		}
	}
}
