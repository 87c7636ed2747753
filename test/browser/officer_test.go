package browser

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/officer-doofy/officer/testkit"
)

// archive makes a database of some megabytes, as an app would have it.
func archive(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	testkit.BuildArchive(t, path, 3000)
	return path
}

const live = `document.querySelector('.line')?.innerText === 'Live'`

// TestOfficer_oneDay: a person at the page, a real Officer, a real app.
func TestOfficer_oneDay(t *testing.T) {
	t.Parallel()
	db := archive(t, "archive.db")
	app := connect(t, db)
	officer := run(t, "", db)
	tb := open(t, officer.link(), desktop())

	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
	if address := eval[string](tb, "location.href"); strings.Contains(address, "code") {
		t.Errorf("the code that logs in stays in the address: %s", address)
	}
	if got := tb.text(".facts"); !strings.Contains(got, "archive") || !strings.Contains(got, db) {
		t.Errorf("the page does not say which database it shows: %q", got)
	}

	// Nothing was written since the first backup; then something is.
	tb.press("Back up now")
	tb.awaitText(within, ".work", "Nothing changed since the verified backup")
	app.exec("insert into tags(name) values('of the second hour')")
	tb.press("Back up now")
	tb.awaitText(within, ".work", "Backup made and verified")
	tb.awaitText(within, "#points", "2 backups")
	tb.press("Verification: Drill")
	tb.awaitText(within, ".hero-proof", "restored in a drill in")

	// Somebody deletes too much; the page brings it back, and takes that back.
	app.exec("delete from image_tags")
	app.exec("delete from tags where id > 100")
	tb.press("Restore…")
	tb.press("See what would change")
	tb.awaitText(within, "dialog", "What would change")
	if got := tb.text(".changes"); !strings.Contains(got, "+401") || !strings.Contains(got, "501") {
		t.Errorf("the preview does not say that 401 tags come back:\n%s", got)
	}
	tb.shot("restore-preview", false)
	tb.do(chromedp.SendKeys("#typed", "archive"))
	tb.press("Restore now")
	tb.awaitText(within, "dialog", "Restored and verified.")
	if n := app.count("tags"); n != 501 {
		t.Errorf("after the restore the app sees %d tags, want 501", n)
	}
	tb.press("Undo…")
	tb.press("Take it back")
	tb.awaitText(within, "dialog", "The restore was taken back.")
	if n := app.count("tags"); n != 100 {
		t.Errorf("after the undo the app sees %d tags, want 100", n)
	}
	tb.press("Close")
	tb.accessible()
	tb.content()
}

// TestOfficer_showsEventsWithinASecond: what happens is on the page a second later. The median
// of five is held to it; one alone may meet a machine that does something else.
func TestOfficer_showsEventsWithinASecond(t *testing.T) {
	db := archive(t, "archive.db")
	officer := run(t, "", db)
	tb := open(t, officer.link(), desktop())
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
	var took []float64
	for range 5 {
		eval[bool](tb, `(() => {
			const newest = () => document.querySelector('.entry time')?.dateTime ?? '';
			const before = newest();
			window.shownAfter = undefined;
			new MutationObserver((_, watcher) => {
				if (newest() === before) return;
				watcher.disconnect();
				window.shownAfter = Date.now() - Date.parse(newest());
			}).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
			return true;
		})()`)
		tb.press("Integrity: Quick")
		tb.await(within, `window.shownAfter !== undefined`)
		took = append(took, eval[float64](tb, `window.shownAfter`))
	}
	slices.Sort(took)
	t.Logf("events were on the page after %.0f ms", took)
	if took[2] > 1000 {
		t.Errorf("events were on the page after %.0f ms, want 1000 at most", took)
	}
	tb.content()
}

// TestOfficer_damage: it is red within a check, says what to do, and the page repairs it.
func TestOfficer_damage(t *testing.T) {
	t.Parallel()
	db := archive(t, "archive.db")
	officer := run(t, "", db)
	tb := open(t, officer.link(), desktop())
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
	t.Log(testkit.ZeroPageOf(t, db, "locations", 1))
	tb.press("Check now")
	tb.awaitText(within, "h1", "The database is damaged.")
	tb.awaitText(within, ".work", "The database is damaged.")
	tb.awaitText(within, ".hero-word", "Act now")
	tb.awaitText(within, "#systems", "Writes are held back (damage)")
	tb.awaitText(within, "#conditions", "officer repair "+db)
	tb.awaitText(within, ".entries", "Damage found")
	if title := eval[string](tb, "document.title"); !strings.HasPrefix(title, "Act now · archive") {
		t.Errorf("the title is %q", title)
	}
	tb.shot("red", false)
	tb.noSideways()
	tb.accessible()
	tb.press("Restore…")
	tb.press("See what would change")
	tb.awaitText(within, "dialog", "Restore now")
	if asked := eval[bool](tb, `document.getElementById('typed') !== null`); asked {
		t.Error("a damaged database is restored without its name")
	}
	tb.press("Restore now")
	tb.awaitText(within, "dialog", "Restored and verified.")
	tb.press("Close")
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.content()
}

// TestOfficer_gone: killed, the page is grey and says what that means; started again, it
// says how to log in, and is live with a new link.
func TestOfficer_gone(t *testing.T) {
	t.Parallel()
	db := archive(t, "archive.db")
	officer := run(t, "", db)
	link := officer.link()
	tb := open(t, link, desktop())
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
	killed := time.Now()
	officer.kill()
	tb.awaitText(within, "h1", "Officer does not answer: backups are not being taken.")
	t.Logf("grey %d ms after kill -9", time.Since(killed).Milliseconds())
	tb.awaitText(within, ".hero-proof", "officer run "+db)
	if off := eval[string](tb, `document.getElementById('back-up').getAttribute('aria-disabled')`); off != "true" {
		t.Error("a backup can be ordered from nobody")
	}
	tb.shot("grey", false)
	tb.accessible()

	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	again := run(t, at.Host, db)
	tb.awaitText(within, "h1", "Your session has ended.")
	tb.awaitText(within, "main", "officer dashboard archive")
	if strings.Contains(tb.text("#page"), db) {
		t.Error("somebody who is logged out still sees what was known")
	}
	tb.do(chromedp.Navigate(again.link()))
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
}

// TestOfficer_severalDatabases: the sick one first, each with its own page.
func TestOfficer_severalDatabases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all []string
	for i := range 5 {
		path := filepath.Join(dir, fmt.Sprintf("tenant-%d.db", i))
		testkit.BuildArchive(t, path, 200)
		all = append(all, path)
	}
	testkit.ZeroPageOf(t, all[3], "locations", 1)
	broken := filepath.Join(dir, "broken.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("this is no database. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	officer := run(t, "", append(all, broken)...)
	tb := open(t, strings.ReplaceAll(officer.link(), "&database=tenant-0", ""), mobile())
	tb.await(within, live)
	tb.awaitText(within, "h1", "in danger.")
	tb.await(within, `[...document.querySelectorAll('.database, .problems li')].slice(0, 2).map((e) => e.innerText).join().match(/broken[^]*tenant-3|tenant-3[^]*broken/) !== null`)
	tb.noSideways()
	tb.accessible()
	eval[bool](tb, `([...document.querySelectorAll('.database')].find((a) => a.innerText.includes('tenant-3')).click(), true)`)
	tb.awaitText(within, ".facts-name", "tenant-3")
	tb.awaitText(within, ".hero-word", "Act now")
	tb.noSideways()
	tb.accessible()
	eval[bool](tb, `(document.querySelector('.back').click(), true)`)
	tb.await(within, `document.querySelectorAll('.database').length >= 5`)
	eval[bool](tb, `([...document.querySelectorAll('.database')].find((a) => a.innerText.includes('tenant-1')).click(), true)`)
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.content()
}
