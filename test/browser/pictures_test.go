//go:build pictures

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// TestPictures makes those of the documents from a real run:
//
//	TMPDIR=/srv OFFICER_SHOTS=$PWD/../../docs/images go test -tags pictures -run TestPictures .
func TestPictures(t *testing.T) {
	if shots == "" {
		t.Fatal("OFFICER_SHOTS names no folder for pictures")
	}
	// A short path, so that the pictures show what a person would see; TMPDIR=/srv makes it shorter.
	home := filepath.Join(os.TempDir(), "archive")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	db := filepath.Join(home, "archive.db")
	testkit.BuildArchive(t, db, 12_000)
	earlier(t, db)
	app := connect(t, db)
	officer := run(t, "", db)

	sharp := look{width: 1240, height: 1000, still: true, scale: 1.5}
	tb := open(t, officer.link(), sharp)
	tb.await(within, live)
	tb.press("Verification: Verify all") // the list of the earlier ones was made from their files
	tb.awaitText(2*within, ".work", "read again and verified")
	for i := range 40 {
		app.exec(fmt.Sprintf("insert into tags(name) values('tag of today %d')", i))
	}
	tb.press("Back up now")
	tb.awaitText(within, ".work", "Backup made and verified")
	tb.press("Verification: Drill")
	tb.awaitText(within, ".hero-proof", "restored in a drill in")
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.awaitText(within, "#systems", "No damage")
	for _, kind := range []string{"Backup", "Restore drill", "Verification"} {
		tb.press("Dismiss: " + kind)
	}
	tb.do(scroll(0))
	tb.shot("page", false)
	eval[bool](tb, `(document.getElementById('points').scrollIntoView({behavior: 'instant'}), true)`)
	tb.shot("page-points", false)
	tb.do(scroll(0))
	tb.see(sharp.inDark())
	tb.shot("page-dark", false)
	tb.see(look{width: 390, height: 844, still: true, scale: 2})
	tb.shot("page-mobile", false)
	tb.see(sharp)

	app.exec("delete from image_tags where tag_id < 100")
	app.exec("delete from tags where id < 100")
	tb.press("Restore…")
	tb.press("See what would change")
	tb.awaitText(within, "dialog", "What would change")
	tb.shot("page-restore", false)
	tb.press("Close")

	card := open(t, settings(t, officer).URL, look{width: 860, height: 540, still: true, scale: 1.5})
	testkit.ZeroPageOf(t, db, "locations", 1)
	tb.press("Check now")
	tb.awaitText(within, "h1", "Writes are held back.")
	tb.awaitText(within, ".work", "The database is damaged.")
	tb.awaitText(within, "#conditions", "evidence_kept")
	eval[bool](tb, `(document.activeElement?.blur(), true)`)
	tb.do(scroll(0))
	tb.shot("page-red", false)
	card.await(within, `document.querySelector('officer-card[variant=banner]').offsetHeight > 0`)
	card.shot("card", false)
}

// earlier puts backups of the past year where Officer keeps them: the database as it was
// when it was smaller, as files that carry their time in the name.
func earlier(t *testing.T, db string) {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(db), ".db")
	for i, age := range []int{1, 5, 29, 60, 91, 121, 152, 244, 335} {
		at := time.Now().AddDate(0, 0, -age).UTC()
		tier := map[int]string{0: "daily", 1: "weekly"}[i]
		if tier == "" {
			tier = "monthly"
		}
		folder := filepath.Join(db+"-officer", "backups", at.Format("2006"), tier)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name+"-"+at.Format("20060102T150405Z")+".db")
		testkit.BuildArchive(t, path, 11_800-1000*i)
		then := connect(t, path)
		then.exec("pragma journal_mode=delete")
		_ = then.db.Close()
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
