package salvage

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

const (
	seedsVariable = "OFFICER_SALVAGE"      // damaged files of each class and kind; the default is one
	seedVariable  = "OFFICER_SEED"         // the first seed; the default is 1
	onlyVariable  = "OFFICER_ONLY"         // classes whose names hold this
	peerVariable  = "OFFICER_SALVAGE_PEER" // a sqlite3 shell to score beside, "" = none
)

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q is no number from 1 on", variable, v)
	}
	return n
}

// kinds are what is damaged: every page size that is common, every encoding, tables
// without rowids, module tables, chains, trees of three levels.
func kinds(t *testing.T) []testkit.Kind {
	few := []testkit.Kind{
		testkit.Page512, testkit.Page4096, testkit.AutoVacuumFull, testkit.Freelist, testkit.WithoutRowid,
		testkit.UTF16le, testkit.OverflowBlobs, testkit.Descending,
	}
	if os.Getenv(seedsVariable) == "" {
		return few
	}
	return append(few, testkit.Page1024, testkit.Page16384, testkit.Page65536, testkit.AutoVacuumIncremental, testkit.UTF16be, testkit.FTS5,
		testkit.RTree, testkit.Strict, testkit.ExpressionIndex, testkit.GeneratedStored, testkit.ForeignKeys, testkit.ExtremeValues)
}

// of gives the kinds that are damaged in this way; in the small run one of them, not the
// same for each class.
func (c *class) of(t *testing.T) (all []testkit.Kind) {
	for _, kind := range kinds(t) {
		if c.kinds == nil || c.kinds(kind) {
			all = append(all, kind)
		}
	}
	if os.Getenv(seedsVariable) != "" {
		return all
	}
	at := len(c.name) % len(all)
	return all[at : at+1]
}

// tally is what a class came to.
type tally struct {
	files, cWhole       int
	own, lent, peer     float64 // sums of percentages
	ownRows, lentRows   [3]int  // rows: wrong, doubted; of the truth
	ownWhole, lentWhole int
	peerWrong           int
	wrong               []string
}

func TestSalvage_bringsBackWhatIsThereAndVouchesOnlyForWhatIsProven(t *testing.T) {
	began := time.Now()
	var all []class
	for _, c := range classes() {
		if only := os.Getenv(onlyVariable); only == "" || strings.Contains(c.name, only) {
			all = append(all, c)
		}
	}
	fixtures := map[testkit.Kind]func() *fixture{}
	for _, kind := range kinds(t) {
		fixtures[kind] = sync.OnceValue(func() *fixture { return makeFixture(t, kind) })
	}
	results := make([]tally, len(all))
	jobs := make(chan int, len(all))
	for i := range all {
		jobs <- i
	}
	close(jobs)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range jobs {
				results[i] = run(t, all[i], fixtures)
			}
		})
	}
	group.Wait()
	t.Logf("%v\n%s", time.Since(began).Round(time.Millisecond), markdown(all, results))
	for i, c := range all {
		hold(t, c, results[i])
	}
}

// run damages and recovers every fixture that a class is for.
func run(t *testing.T, c class, fixtures map[testkit.Kind]func() *fixture) (out tally) {
	first := uint64(number(t, seedVariable, 1))
	for _, kind := range c.of(t) {
		for seed := range uint64(number(t, seedsVariable, 1)) {
			f := fixtures[kind]()
			damaged, truth, did := c.damage(t, f, t.TempDir(), first+seed)
			own, lent := recovered(t, damaged, truth, ""), recovered(t, damaged, truth, f.base)
			out.take(own, lent)
			if own.wrong+lent.wrong > 0 {
				out.wrong = append(out.wrong, fmt.Sprintf("%s, seed %d: %s: %d wrong rows presented as right, %d with the older copy", kind, first+seed, did, own.wrong, lent.wrong))
			}
			if shell := os.Getenv(peerVariable); shell != "" {
				out.takePeer(peer(t, shell, damaged, truth))
			}
		}
	}
	return out
}

func (x *tally) take(own, lent score) {
	x.files++
	x.own, x.lent = x.own+own.percent(), x.lent+lent.percent()
	for i, n := range []int{own.wrong, own.doubted, own.rows} {
		x.ownRows[i] += n
	}
	for i, n := range []int{lent.wrong, lent.doubted, lent.rows} {
		x.lentRows[i] += n
	}
	if own.whole {
		x.ownWhole++
	}
	if lent.whole {
		x.lentWhole++
	}
}

func (x *tally) takePeer(s score) {
	x.peer += s.percent()
	x.peerWrong += s.wrong
	if s.whole {
		x.cWhole++
	}
}

// hold holds a class to its floors.
func hold(t *testing.T, c class, x tally) {
	t.Helper()
	n := float64(max(x.files, 1))
	if own, lent := x.own/n, x.lent/n; own < c.floor || lent < c.lent {
		t.Errorf("%s: %.2f %% of the rows, %.2f %% with an older copy, want at least %.2f and %.2f", c.name, own, lent, c.floor, c.lent)
	}
	if c.blind != "" {
		return
	}
	for _, w := range x.wrong {
		t.Errorf("%s: %s", c.name, w)
	}
}

// markdown writes the table of docs/recovery.md.
func markdown(all []class, results []tally) string {
	var b strings.Builder
	withPeer := os.Getenv(peerVariable) != ""
	b.WriteString("| damage | files | rows % | whole | wrong | doubted | with a base % | whole | wrong | doubted or lent |")
	if withPeer {
		b.WriteString(" `.recover` % | whole | wrong |")
	}
	b.WriteString("\n|---|---|---|---|---|---|---|---|---|---|")
	if withPeer {
		b.WriteString("---|---|---|")
	}
	b.WriteString("\n")
	var sum tally
	for i, c := range all {
		x := results[i]
		line(&b, c.name, x, withPeer)
		sum.files, sum.ownWhole, sum.lentWhole, sum.cWhole = sum.files+x.files, sum.ownWhole+x.ownWhole, sum.lentWhole+x.lentWhole, sum.cWhole+x.cWhole
		sum.own, sum.lent, sum.peer, sum.peerWrong = sum.own+x.own, sum.lent+x.lent, sum.peer+x.peer, sum.peerWrong+x.peerWrong
		for k := range sum.ownRows {
			sum.ownRows[k], sum.lentRows[k] = sum.ownRows[k]+x.ownRows[k], sum.lentRows[k]+x.lentRows[k]
		}
	}
	line(&b, "**all**", sum, withPeer)
	return b.String()
}

func line(b *strings.Builder, name string, x tally, withPeer bool) {
	n := float64(max(x.files, 1))
	fmt.Fprintf(b, "| %s | %d | %.2f | %d | %d | %d | %.2f | %d | %d | %d |", name, x.files,
		x.own/n, x.ownWhole, x.ownRows[0], x.ownRows[1], x.lent/n, x.lentWhole, x.lentRows[0], x.lentRows[1])
	if withPeer {
		fmt.Fprintf(b, " %.2f | %d | %d |", x.peer/n, x.cWhole, x.peerWrong)
	}
	b.WriteString("\n")
}
