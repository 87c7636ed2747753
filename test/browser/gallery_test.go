package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/officer-doofy/officer/test/browser/gallery"
)

// within is generous: the machine may be busy. What must be quick is measured elsewhere.
const within = 2 * time.Minute

// scenes serves the gallery, fresh for each test.
func scenes(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(gallery.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func looks() map[string]look {
	return map[string]look{"light": desktop(), "dark": desktop().inDark(), "mobile": mobile()}
}

// settled is true once the page has asked and drawn what it heard.
const settled = `!['Asking', undefined].includes(document.querySelector('.hero-word')?.innerText) && !document.body.innerText.includes('Asking')`

// TestGallery_everySceneIsAccessibleAndFits looks at every scene, each in a way that no other
// test looks at it; with OFFICER_SHOTS in all ways.
func TestGallery_everySceneIsAccessibleAndFits(t *testing.T) {
	at := scenes(t)
	ways := map[string]string{"green": "light dark mobile", "red": "dark", "hostile": "mobile", "several": "mobile",
		"yellow": "mobile", "young": "dark", "login": "light", "gone": "mobile"}
	for _, s := range gallery.Scenes() {
		for name, l := range looks() {
			if shots == "" && !strings.Contains(ways[s.Name], name) {
				continue
			}
			t.Run(s.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				tb := open(t, at+"/"+s.Name+"/", l)
				tb.await(within, settled)
				tb.shot("scene-"+s.Name+"-"+name, true)
				tb.noSideways()
				tb.accessible()
				tb.content("401 (Unauthorized)", "502 (Bad Gateway)")
			})
		}
	}
}

func TestAxe_findsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/login/", desktop())
	tb.await(within, settled)
	eval[bool](tb, `(document.querySelector('main').append(document.createElement('button')), true)`)
	if found := tb.violations(); len(found) != 1 || found[0].ID != "button-name" {
		t.Errorf("got %+v, want the button without a name", found)
	}
}

// TestGallery_textFromOutsideStaysText: names, reasons and messages that try to be HTML.
func TestGallery_textFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/hostile/", desktop())
	tb.await(within, settled)
	eval[bool](tb, `([...document.querySelectorAll('.point .link')].slice(0, 2).forEach((b) => b.click()), true)`)
	tb.press("Restore…")
	tb.await(within, "document.querySelector('dialog[open]') !== null")
	if got := eval[int](tb, `document.querySelectorAll('#page img, #page script, #page iframe').length`); got != 0 {
		t.Errorf("%d elements came out of text", got)
	}
	if title := eval[string](tb, "document.title"); strings.Contains(title, "owned") && !strings.Contains(title, "<img") {
		t.Errorf("a script ran: the title is %q", title)
	}
	tb.content()
}

func TestGallery_backupIsSeenLive(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/green/", desktop())
	tb.awaitText(within, ".line", "Live")
	tb.noteProgress()
	tb.press("Back up now")
	tb.await(within, `document.querySelector('.work .spinner') !== null`)
	if off := eval[string](tb, `document.getElementById('back-up').getAttribute('aria-disabled')`); off != "true" {
		t.Errorf("a second backup can be ordered while one runs: aria-disabled is %q", off)
	}
	tb.awaitText(within, ".work", "Backup made and verified: 104 MB in 1.2 s.")
	tb.progressed()
	tb.awaitText(within, ".hero-proof", "second")
	tb.awaitText(within, "#points", "17 backups")
	tb.awaitText(within, ".entries", "Backup made and verified")
	tb.awaitText(within, "#announcer", "Backup made and verified")
	tb.press("Dismiss: Backup")
	tb.await(within, `document.querySelector('.work') === null`)
	tb.press("Check now")
	tb.press("Cancel: Check")
	tb.awaitText(within, ".work", "Check cancelled and cleaned up.")
	tb.content()
}

func TestGallery_restoreAsksShowsAndTakesBack(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/green/", desktop())
	tb.await(within, settled)
	tb.press("Restore…")
	tb.await(within, `document.activeElement?.matches('dialog[open] input[type=radio]:checked')`)
	tb.accessible()
	tb.press("See what would change")
	tb.awaitText(within, "dialog", "What would change")
	for _, words := range []string{"34,112", "34,000", "−112", "not there", "comes back", "1 table with the same number of rows", "Undo brings it back"} {
		if got := tb.text("dialog"); !strings.Contains(got, words) {
			t.Errorf("the preview does not say %q:\n%s", words, got)
		}
	}
	tb.shot("preview", false)
	tb.accessible()
	eval[bool](tb, `(document.getElementById('confirm').click(), true)`)
	if step := tb.text("[aria-current=step]"); step != "Look" {
		t.Errorf("restored a sound database without its name: step %q", step)
	}
	tb.do(chromedp.SendKeys("#typed", "app"))
	tb.noteProgress()
	tb.press("Restore now")
	tb.awaitText(within, "dialog", "Restored and verified.")
	tb.progressed()
	tb.shot("restored", false)
	tb.accessible()
	tb.press("Undo…")
	tb.awaitText(within, "dialog", "Take the restore back")
	tb.press("Take it back")
	tb.awaitText(within, "dialog", "The restore was taken back.")
	tb.press("Close")
	tb.await(within, `document.querySelector('dialog') === null && document.activeElement?.id === 'restore'`)
	tb.content()
}

// TestGallery_keyboardIsEnough restores without a mouse.
func TestGallery_keyboardIsEnough(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/red/", desktop())
	tb.await(within, settled)
	tb.tabTo(`document.activeElement?.className === 'skip'`)
	tb.do(chromedp.KeyEvent(kb.Enter))
	tb.await(within, `document.activeElement?.id === 'main'`)
	tb.tabTo(`document.activeElement?.id === 'restore'`)
	if ring := eval[string](tb, `getComputedStyle(document.activeElement).outlineStyle`); ring == "none" {
		t.Error("the focus is not seen")
	}
	tb.do(chromedp.KeyEvent(kb.Enter))
	tb.await(within, `document.activeElement?.matches('dialog[open] input:checked')`)
	chosen := eval[string](tb, `document.activeElement.value`)
	tb.do(chromedp.KeyEvent(kb.ArrowDown))
	tb.await(within, `document.querySelector('dialog input:checked').value !== '`+chosen+`'`)
	tb.do(chromedp.KeyEvent(kb.Enter))
	tb.await(within, `document.getElementById('confirm') !== null && document.activeElement?.closest('dialog') !== null`)
	tb.tabTo(`document.activeElement?.id === 'confirm'`)
	tb.do(chromedp.KeyEvent(kb.Enter)) // damaged: no name is asked for
	tb.await(within, `document.activeElement?.id === 'finish'`)
	tb.do(chromedp.KeyEvent(kb.Escape))
	tb.await(within, `document.querySelector('dialog') === null && document.activeElement?.id === 'restore'`)
	tb.tabTo(`document.activeElement?.id === 'tab-events'`)
	tb.do(chromedp.KeyEvent(kb.ArrowRight))
	tb.await(within, `document.activeElement?.id === 'tab-log' && document.activeElement.getAttribute('aria-selected') === 'true'`)
	tb.content()
}

func TestGallery_pointsAndLogAnswerQuestions(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/green/", desktop())
	tb.await(within, settled)
	eval[bool](tb, `(document.querySelector('.point .link').click(), true)`)
	tb.awaitText(within, ".point-details", "SHA-256")
	tb.accessible()
	if href := eval[string](tb, `document.querySelector('.point-details a[download]').getAttribute('href')`); !strings.Contains(href, "/green/v1/backups/") || !strings.HasSuffix(href, "/download?database=app") {
		t.Errorf("the download is at %s", href)
	}
	tb.press("Pin")
	tb.awaitText(within, ".point.open .point-goes", "for ever")
	tb.press("Unpin")
	tb.awaitText(within, ".point.open .point-goes", "for now")
	tb.press("Log")
	tb.await(within, `document.querySelector('#feed select')?.value === 'debug'`)
	eval[bool](tb, `(() => { const s = document.querySelector('#feed select'); s.value = 'warn'; s.dispatchEvent(new Event('change', {bubbles: true})); return true; })()`)
	tb.await(within, `document.querySelectorAll('.entry').length === 15`)
	tb.do(chromedp.SendKeys("#feed-text", "budget nothing"))
	tb.awaitText(within, "#feed", "Nothing matches the filter.")
	tb.press("24 hours")
	tb.await(within, `document.querySelector('officer-chart svg').getAttribute('aria-label').includes('now')`)
	tb.content()
}

func TestGallery_fourHundredDatabases(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/several/", desktop())
	tb.await(within, `document.querySelectorAll('.database').length > 0`)
	if first := tb.text(".database"); !strings.Contains(first, "tenant-114") {
		t.Errorf("the first is %q, want the damaged one", first)
	}
	if headline := tb.text("h1"); headline != "2 databases are in danger." {
		t.Errorf("headline %q", headline)
	}
	tb.press("Show 373 more safe ones")
	tb.await(within, `document.querySelectorAll('.database').length === 400`)
	tb.do(chromedp.SendKeys("#find", "tenant-399"))
	tb.await(within, `document.querySelectorAll('.database').length === 1`)
	eval[bool](tb, `(document.querySelector('.database').click(), true)`)
	tb.awaitText(within, ".facts-name", "tenant-399")
	eval[bool](tb, `(history.back(), true)`)
	tb.await(within, `document.querySelectorAll('.database').length > 0`)
	tb.content()
}

func TestGallery_themeIsKept(t *testing.T) {
	t.Parallel()
	tb := open(t, scenes(t)+"/green/", desktop())
	tb.await(within, settled)
	ground := func() string { return eval[string](tb, `getComputedStyle(document.body).backgroundColor`) }
	light := ground()
	tb.press("Dark colours")
	tb.await(within, `getComputedStyle(document.body).backgroundColor !== '`+light+`'`)
	dark := ground()
	tb.do(chromedp.Reload())
	tb.await(within, settled)
	if got := ground(); got != dark {
		t.Errorf("after a reload the ground is %s, want %s", got, dark)
	}
	tb.press("Colours as the system has them")
	tb.await(within, `getComputedStyle(document.body).backgroundColor === '`+light+`'`)
}

// TestGallery_withoutAStreamItAsks: a proxy that passes no streams on leaves a page that
// asks, and says so.
func TestGallery_withoutAStreamItAsks(t *testing.T) {
	t.Parallel()
	all := gallery.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v1/events") {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		all.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	tb := open(t, server.URL+"/green/", desktop())
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.awaitText(within, ".line", "Every minute")
	tb.press("Back up now")
	tb.awaitText(within, ".work", "Backup made and verified")
	tb.awaitText(within, "#points", "17 backups")
	tb.content("404 (Not Found)")
}

// TestGallery_loggedOutTellsHowToComeBack, and is back when the person is.
func TestGallery_loggedOutTellsHowToComeBack(t *testing.T) {
	t.Parallel()
	all := gallery.Handler()
	var out atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if out.Load() && (strings.Contains(r.URL.Path, "/v1/") || strings.Contains(r.URL.Path, "ControlService")) {
			http.Error(w, "log in", http.StatusUnauthorized)
			return
		}
		all.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	tb := open(t, server.URL+"/several/#/tenant-12", desktop())
	tb.awaitText(within, ".facts-name", "tenant-12")
	tb.await(within, live)
	out.Store(true)
	tb.press("Check now")
	tb.awaitText(within, "h1", "Your session has ended.")
	tb.awaitText(within, "main", "officer dashboard tenant-12")
	if got := tb.text("#page"); strings.Contains(got, "Restore points") {
		t.Errorf("what was known is still shown:\n%s", got)
	}
	out.Store(false)
	eval[bool](tb, `(window.dispatchEvent(new Event('focus')), true)`)
	tb.awaitText(within, ".facts-name", "tenant-12")
	tb.awaitText(within, "h1", "Your data is safe.")
	tb.await(within, live)
	tb.content("401 (Unauthorized)")
}
