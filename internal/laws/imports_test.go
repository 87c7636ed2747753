package laws

import (
	"fmt"
	"strings"
)

// layer says which folders a group of folders may import, and why no others. Names in
// may are folders or other layers; a folder may always import what lies below itself.
type layer struct {
	name    string
	folders []string
	each    bool // every folder below is on its own: actors/backup may not import actors/health
	may     []string
	why     string
}

func layers() []layer {
	return []layer{
		{name: "messages", folders: []string{"messages"},
			why: "the API and the test harness send the very same bytes, so messages know nothing of the house"},
		{name: "core", each: true, may: []string{"core"},
			folders: []string{"internal/fault", "internal/check", "internal/manifest", "internal/retention", "internal/schedule",
				"internal/condition", "internal/notice", "internal/journal", "internal/hazard", "internal/growth", "internal/upkeep", "internal/space", "internal/rolling", "internal/history", "internal/tail", "internal/page", "internal/schema", "internal/salvage", "internal/bulk", "internal/loss", "internal/unit", "internal/shell"},
			why: "the core is pure: decisions that can be tested without a disk, a clock or an actor"},
		{name: "fsx", folders: []string{"internal/fsx"}, may: []string{"core"},
			why: "the one interface through which files are touched stands below everything that touches them"},
		{name: "adapters", each: true, may: []string{"core", "fsx"},
			folders: []string{"internal/sqlite", "internal/host", "internal/shelf", "internal/rotate", "internal/notify",
				"internal/config", "internal/dashboard", "internal/exposition", "internal/process"},
			why: "an adapter has one effect and one vendor; adapters meet only in the supervisor"},
		{name: "report", folders: []string{"internal/report"}, may: []string{"messages"},
			why: "a verb with --json and a route of the API show the very same object"},
		{name: "control", folders: []string{"internal/control"}, may: []string{"messages", "internal/kit", "core", "fsx", "report"},
			why: "the API turns calls into messages and answers into replies, and knows no system"},
		{name: "kit", folders: []string{"internal/kit"}, may: []string{"messages"},
			why: "what every actor shares may depend on no system"},
		{name: "actors", folders: []string{"actors"}, each: true, may: []string{"messages", "core", "internal/kit", "fsx"},
			why: "an actor declares the small interface it needs; it knows neighbours by their messages only, so that one can be taken out"},
		{name: "supervisor", folders: []string{"supervisor"},
			may: []string{"messages", "core", "fsx", "adapters", "control", "internal/kit", "actors"},
			why: "the one place that knows every system stands above them and below the way in"},
		{name: "officer", folders: []string{"."}, may: []string{"supervisor", "messages"},
			why: "the way in for a host program is a thin door"},
		{name: "cmd", folders: []string{"cmd"}, may: []string{".", "messages", "control", "report", "core", "fsx", "adapters"},
			why: "verbs go through the way in or the API, plus adapters for plain files; never past them to actors"},
		{name: "testkit", folders: []string{"testkit"}, may: []string{"messages", "internal/kit", "fsx", "internal/sqlite"},
			why: "users test their own programs with it, so it may know no actor"},
		{name: "examples", folders: []string{"examples"}, each: true, may: []string{".", "messages"},
			why: "an example may use what a stranger's program can import, and nothing else"},
		{name: "laws", folders: []string{"internal/laws"}, why: "laws read source text, they need no code of the house"},
		{name: "trials", folders: []string{"bench", "test"},
			may: []string{".", "messages", "core", "fsx", "adapters", "control", "internal/kit", "actors", "supervisor", "testkit"},
			why: "comparisons and end-to-end tests may look at everything; nothing may look at them"},
	}
}

func layerOf(dir string) (layer, bool) {
	for _, l := range layers() {
		if within(dir, l.folders...) {
			return l, true
		}
	}
	return layer{}, false
}

// home gives the folder whose inside is free to import itself.
func (l layer) home(dir string) string {
	for _, f := range l.folders {
		if !within(dir, f) {
			continue
		}
		if l.each && dir != f && f == "actors" {
			return f + "/" + strings.Split(strings.TrimPrefix(dir, f+"/"), "/")[0]
		}
		return f
	}
	return dir
}

func (l layer) allows(from, to string) bool {
	if home := l.home(from); within(to, home) {
		return true
	}
	for _, m := range l.may {
		if within(to, m) {
			return true
		}
		for _, other := range layers() {
			if other.name == m && within(to, other.folders...) {
				return true
			}
		}
	}
	return false
}

// layersHold is the table above. Tests may import more, to build what they need, but
// an actor's test never another actor.
func layersHold(h house) (broken []string) {
	for _, s := range h {
		l, ok := layerOf(s.dir)
		if !ok {
			broken = append(broken, s.path+": its folder has no layer; add it to layers() with a reason")
			continue
		}
		for imported, node := range s.imports() {
			to, inside := folder(imported)
			if !inside || l.allows(s.dir, to) || (s.test && !(l.name == "actors" && within(to, "actors"))) {
				continue
			}
			broken = append(broken, fmt.Sprintf("%s: %s may not import %s: %s", s.at(node), s.dir, to, l.why))
		}
	}
	return broken
}

func folder(importPath string) (dir string, inside bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// vendor says who alone may import a module.
type vendor struct {
	path      string
	importers []string
	tests     bool // only in tests, there anywhere
	why       string
}

func vendors() []vendor {
	speakers := []string{"messages", "internal/kit", "internal/control", "actors", "supervisor", "cmd", "testkit", "."}
	return []vendor{
		{path: "github.com/ncruces/go-sqlite3", importers: []string{"internal/sqlite"},
			why: "two doors to SQLite in one process lose locks; internal/sqlite is the only one"},
		{path: "github.com/asynkron/protoactor-go/actor", importers: []string{"internal/kit", "actors", "supervisor", "testkit"},
			why: "its traps are known and fenced in there"},
		{path: "github.com/asynkron/protoactor-go/eventstream", importers: []string{"internal/kit", "supervisor"},
			why: "a panicking subscriber kills the process"},
		{path: "github.com/asynkron/protoactor-go", why: "remote, cluster, router and scheduler have defects that kill the process"},
		{path: "github.com/shirou/gopsutil", importers: []string{"internal/host"}, why: "facts of the machine come through one adapter"},
		{path: "github.com/HdrHistogram", importers: []string{"internal/rolling"}, why: "percentiles of a day are computed in one place"},
		{path: "github.com/prometheus", importers: []string{"internal/exposition"}, why: "the text format has one writer"},
		{path: "github.com/gofrs/flock", importers: []string{"supervisor"}, why: "the lock of a home is taken in one place"},
		{path: "go.uber.org/zap", importers: []string{"internal/rotate"}, why: "everybody else logs through log/slog"},
		{path: "connectrpc.com/connect", importers: []string{"internal/control", "messages/messagesconnect"}, why: "the API is one adapter"},
		{path: "github.com/goccy/go-yaml", importers: []string{"internal/config"}, why: "one place reads the configuration and names the line"},
		{path: "github.com/spf13", importers: []string{"cmd"}, why: "only the command line has flags"},
		{path: "github.com/orcaman/concurrent-map", importers: []string{"cmd"}, why: "its size is set once, in a process of Officer's own"},
		{path: "google.golang.org/protobuf", importers: speakers, why: "the core and the adapters speak plain values"},
		{path: "github.com/Microsoft/go-winio", importers: []string{"internal/control"}, why: "named pipes have one opener"},
		{path: "golang.org/x/sys", importers: []string{"internal/control", "internal/fsx", "internal/sqlite", "internal/host", "internal/process", "supervisor", "cmd"},
			why: "what differs between operating systems stays in few places"},
		{path: "github.com/coreos/go-systemd/v22/daemon", importers: []string{"cmd"}, why: "only a process of its own has a service manager to tell"},
		{path: "golang.org/x/time", importers: []string{"internal/sqlite", "internal/control"}, why: "pacing happens where bytes move"},
		{path: "pgregory.net/rapid", tests: true, why: "a test library"},
		{path: "go.uber.org/goleak", tests: true, why: "a test library"},
		{path: "github.com/rogpeppe/go-internal", tests: true, why: "a test library"},
	}
}

// vendorsHold is the table above; a module that stands in no line is a violation, so
// that every new one is argued for. Tests may import a vendor of the house anywhere.
func vendorsHold(h house) (broken []string) {
	for _, s := range h {
		if s.generated {
			continue
		}
		for imported, node := range s.imports() {
			if _, inside := folder(imported); inside || !strings.Contains(strings.Split(imported, "/")[0], ".") {
				continue
			}
			v, ok := vendorOf(imported)
			switch {
			case !ok:
				broken = append(broken, fmt.Sprintf("%s: no law knows %s; add it to vendors() with a reason", s.at(node), imported))
			case s.test || within(s.dir, v.importers...) || within(s.dir, "bench", "test"):
			default:
				broken = append(broken, fmt.Sprintf("%s: %s may not import %s (only %s): %s",
					s.at(node), s.dir, imported, strings.Join(v.importers, ", "), v.why))
			}
		}
	}
	return broken
}

func vendorOf(importPath string) (vendor, bool) {
	for _, v := range vendors() {
		if within(importPath, v.path) {
			return v, true
		}
	}
	return vendor{}, false
}

// coreIsPure forbids the core what acts or differs from run to run.
func coreIsPure(h house) (broken []string) {
	forbidden := []string{"os", "io/ioutil", "net", "log", "math/rand", "crypto/rand", "database/sql", "syscall", "unsafe",
		"plugin", "testing", "sync", "runtime", "path/filepath", "time/tzdata", "hash/maphash"}
	for _, s := range h {
		if l, _ := layerOf(s.dir); l.name != "core" || s.test {
			continue
		}
		for imported, node := range s.imports() {
			if within(imported, forbidden...) {
				broken = append(broken, s.at(node)+": imports "+imported)
			}
		}
		for _, n := range s.uses("time", "Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker", "Local") {
			broken = append(broken, s.at(n)+": reads the clock or the machine's time zone")
		}
	}
	return broken
}
