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
	files                int
	own, lent            outcome
	peer                 float64 // sum of percentages
	peerWhole, peerWrong int
	wrong, loose         []string // files with wrong rows that are confirmed, and that are unconfirmed
}

// outcome is what recoveries came to, with or without an older copy.
type outcome struct {
	percent                         float64 // sum of percentages
	whole, rows                     int
	confirmed, unconfirmed, doubted graded
	unchanged, known                int
}

func (o *outcome) take(s score) {
	whole := 0
	if s.whole {
		whole = 1
	}
	o.add(outcome{s.percent(), whole, s.rows, s.confirmed, s.unconfirmed, s.doubted, s.unchanged, s.known})
}

func (o *outcome) add(x outcome) {
	o.percent, o.whole, o.rows = o.percent+x.percent, o.whole+x.whole, o.rows+x.rows
	o.confirmed.add(x.confirmed)
	o.unconfirmed.add(x.unconfirmed)
	o.doubted.add(x.doubted)
	o.unchanged, o.known = o.unchanged+x.unchanged, o.known+x.known
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
			out.files++
			out.own.take(own)
			out.lent.take(lent)
			if own.confirmed.wrong+lent.confirmed.wrong > 0 {
				out.wrong = append(out.wrong, fmt.Sprintf("%s, seed %d: %s: %d wrong rows presented as right, %d with the older copy", kind, first+seed, did, own.confirmed.wrong, lent.confirmed.wrong))
			}
			if own.unconfirmed.wrong+lent.unconfirmed.wrong > 0 {
				out.loose = append(out.loose, fmt.Sprintf("%s, seed %d: %s: nothing speaks against %d wrong rows, %d with the older copy", kind, first+seed, did, own.unconfirmed.wrong, lent.unconfirmed.wrong))
			}
			if shell := os.Getenv(peerVariable); shell != "" {
				out.takePeer(peer(t, shell, damaged, truth))
			}
		}
	}
	return out
}

func (x *tally) takePeer(s score) {
	x.peer += s.percent()
	x.peerWrong += s.unconfirmed.wrong // it says nothing of any row
	if s.whole {
		x.peerWhole++
	}
}

// hold holds a class to its floors. A wrong row that something confirms fails it, and
// where there is evidence one that nothing speaks against, too.
func hold(t *testing.T, c class, x tally) {
	t.Helper()
	n := float64(max(x.files, 1))
	if own, lent := x.own.percent/n, x.lent.percent/n; own < c.floor || lent < c.lent {
		t.Errorf("%s: %.2f %% of the rows, %.2f %% with an older copy, want at least %.2f and %.2f", c.name, own, lent, c.floor, c.lent)
	}
	if known := of(x.lent.known, x.lent.unchanged); known < c.known {
		t.Errorf("%s: %.2f %% of the rows that the older copy has unchanged are confirmed, want at least %.2f", c.name, known, c.known)
	}
	for _, w := range x.wrong {
		t.Errorf("%s: %s", c.name, w)
	}
	if c.blind != "" {
		return
	}
	for _, w := range x.loose {
		t.Errorf("%s: %s", c.name, w)
	}
}

// of gives a part in percent, 100 of nothing.
func of(part, all int) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(part) / float64(all)
}

// markdown writes the tables of docs/recovery.md.
func markdown(all []class, results []tally) string {
	var b strings.Builder
	peer := os.Getenv(peerVariable) != ""
	grades := " confirmed % | wrong | unconfirmed % | wrong | doubted % | wrong |"
	head := "| damage | files | rows % | whole |" + grades
	if peer {
		head += " `.recover` % | whole | wrong |"
	}
	begin(&b, head)
	var sum tally
	for i, c := range all {
		x := results[i]
		x.line(&b, c.name, x.own, x.peers())
		sum.files, sum.peerWhole, sum.peer, sum.peerWrong = sum.files+x.files, sum.peerWhole+x.peerWhole, sum.peer+x.peer, sum.peerWrong+x.peerWrong
		sum.own.add(x.own)
		sum.lent.add(x.lent)
	}
	sum.line(&b, "**all**", sum.own, sum.peers())
	begin(&b, "\n| damage, with a base | files | rows % | whole |"+grades+" confirmed, of those it has unchanged % |")
	for i, c := range all {
		results[i].line(&b, c.name, results[i].lent, results[i].lent.compared())
	}
	sum.line(&b, "**all**", sum.lent, sum.lent.compared())
	return b.String()
}

func begin(b *strings.Builder, head string) {
	b.WriteString(head + "\n" + strings.Repeat("|---", strings.Count(head, "|")-1) + "|\n")
}

func (x *tally) line(b *strings.Builder, name string, o outcome, end string) {
	n := float64(max(x.files, 1))
	fmt.Fprintf(b, "| %s | %d | %.2f | %d |", name, x.files, o.percent/n, o.whole)
	rows := o.confirmed.rows + o.unconfirmed.rows + o.doubted.rows
	for _, g := range []graded{o.confirmed, o.unconfirmed, o.doubted} {
		fmt.Fprintf(b, " %.2f | %d |", 100*float64(g.rows)/float64(max(rows, 1)), g.wrong)
	}
	b.WriteString(end + "\n")
}

// peers gives the columns of .recover.
func (x *tally) peers() string {
	if os.Getenv(peerVariable) == "" {
		return ""
	}
	return fmt.Sprintf(" %.2f | %d | %d |", x.peer/float64(max(x.files, 1)), x.peerWhole, x.peerWrong)
}

// compared gives the column of the rows that the older copy has unchanged.
func (o *outcome) compared() string {
	if o.unchanged == 0 {
		return " – |"
	}
	return fmt.Sprintf(" %.2f |", of(o.known, o.unchanged))
}
