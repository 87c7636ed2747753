// Package browser drives Officer's page in a real Chromium. It is a module of its own, so
// that the product does not carry the browser's protocol. It needs chromium, node's axe-core
// (npm ci) and Python; .ci/run browser installs them.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium is one browser for all tests; each test has a profile of its own in it.
var chromium context.Context

// scratch is removed at the end.
var scratch string

// shots is where pictures are put; empty = none are taken.
var shots = os.Getenv("OFFICER_SHOTS")

func TestMain(m *testing.M) { os.Exit(withChromium(m)) }

func withChromium(m *testing.M) int {
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(os.Stderr, "chromium is not installed: apt-get install chromium")
		return 1
	}
	dir, err := os.MkdirTemp("", "officer-chromium-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	scratch = dir
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.Env("TMPDIR="+dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("font-render-hinting", "none"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	defer stop()
	var quit context.CancelFunc
	chromium, quit = chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	defer quit()
	if err := chromedp.Do(chromium); err != nil {
		fmt.Fprintln(os.Stderr, "start chromium:", err)
		return 1
	}
	return m.Run()
}

// tab is one page in a browser without memory, with what the browser complained about.
type tab struct {
	*testing.T
	ctx        context.Context
	complaints *complaints
}

// look says how a page is looked at.
type look struct {
	width, height int
	dark, still   bool
	scale         float64
}

func desktop() look { return look{width: 1280, height: 900, still: true} }

func mobile() look { return look{width: 390, height: 844, still: true} }

func (l look) inDark() look {
	l.dark = true
	return l
}

// open shows an address.
func open(t *testing.T, address string, l look) *tab {
	t.Helper()
	ctx, quit := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(quit)
	tb := &tab{T: t, ctx: ctx, complaints: &complaints{}}
	tb.do(chromedp.Navigate("about:blank"))
	go tb.complaints.hear(ctx)
	tb.see(l)
	tb.do(chromedp.Navigate(address))
	return tb
}

// see changes how the page is looked at.
func (tb *tab) see(l look) {
	tb.Helper()
	scheme, motion := "light", "no-preference"
	if l.dark {
		scheme = "dark"
	}
	if l.still {
		motion = "reduce"
	}
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(l.width), Height: int64(l.height), DeviceScaleFactor: max(l.scale, 1)})
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion}}})
}

func call[P, R any](tb *tab, command cdp.Command[P, R], params P) {
	tb.Helper()
	if _, err := chromedp.Call(tb.ctx, command, params); err != nil {
		tb.Fatalf("browser: %v", err)
	}
}

func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	if err := chromedp.Do(tb.ctx, actions...); err != nil {
		tb.Fatalf("browser: %v\n%s", err, tb.complaints)
	}
}

// eval gives what an expression is.
func eval[T any](tb *tab, expression string) T {
	tb.Helper()
	got, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tb.Fatalf("browser: %s: %v", expression, err)
	}
	return got
}

// text gives the words of the first element that a selector means; "" when there is none.
func (tb *tab) text(selector string) string {
	tb.Helper()
	return eval[string](tb, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// await waits until an expression is true, also across a change of the page, and says what
// the page shows when it never is.
func (tb *tab) await(within time.Duration, expression string) {
	tb.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var err error
	for until := time.Now().Add(within); time.Now().Before(until); <-tick.C {
		var ok bool
		if ok, err = chromedp.Run(tb.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); ok {
			return
		}
	}
	tb.Fatalf("not within %s: %s (%v)\nthe page:\n%s\n%s", within, expression, err, tb.text("body"), tb.complaints)
}

// awaitText waits until an element has these words.
func (tb *tab) awaitText(within time.Duration, selector, words string) {
	tb.Helper()
	tb.await(within, fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, words))
}

// press clicks the button or link that has this name for a screen reader.
func (tb *tab) press(name string) {
	tb.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll('dialog[open] button, dialog[open] a')].concat([...document.querySelectorAll('button, a')]).find((b) => (b.getAttribute('aria-label') ?? b.innerText).trim() === %q && b.getAttribute('aria-disabled') !== 'true')`, name)
	tb.await(within, find+" !== undefined")
	eval[bool](tb, "("+find+".click(), true)")
}

// shot takes a picture when that was asked for: of what is seen, or of the whole page.
func (tb *tab) shot(name string, whole bool) {
	tb.Helper()
	if shots == "" {
		return
	}
	action := chromedp.CaptureScreenshot()
	if whole {
		action = chromedp.FullScreenshot(100)
	}
	picture, err := chromedp.Run(tb.ctx, action)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, name+".png"), picture, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// noSideways fails when the page is wider than the window.
func (tb *tab) noSideways() {
	tb.Helper()
	if wide := eval[[]string](tb, `(() => {
		const room = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= room) return [];
		return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > room + 1)
			.map((e) => e.tagName + '.' + (e.getAttribute('class') ?? '') + ' ' + Math.round(e.getBoundingClientRect().right)).slice(0, 8);
	})()`); len(wide) > 0 {
		tb.Errorf("the page scrolls sideways: %s", strings.Join(wide, ", "))
	}
}

// content fails when the browser complained about anything else than what is expected.
func (tb *tab) content(expected ...string) {
	tb.Helper()
	for _, line := range tb.complaints.but(expected...) {
		tb.Error(line)
	}
}

// tabTo presses the tab key until an expression is true.
func (tb *tab) tabTo(expression string) {
	tb.Helper()
	for range 80 {
		tb.do(chromedp.KeyEvent(kb.Tab))
		if eval[bool](tb, "Boolean("+expression+")") {
			return
		}
	}
	tb.Fatalf("80 tabs do not lead to %s", expression)
}

// scroll goes to a place of the page.
func scroll(y int) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf("window.scrollTo({top: %d, behavior: 'instant'})", y))
}

// noteProgress has the page note what its progress bars show from now on; progressed fails
// when that was less than two different steps.
func (tb *tab) noteProgress() {
	tb.Helper()
	eval[bool](tb, `(() => {
		window.steps = new Set();
		new MutationObserver(() => {
			for (const bar of document.querySelectorAll('[role=progressbar][aria-valuenow]')) window.steps.add(bar.ariaValueNow);
		}).observe(document.body, {subtree: true, childList: true, attributes: true});
		return true;
	})()`)
}

func (tb *tab) progressed() {
	tb.Helper()
	if seen := eval[[]string](tb, `[...window.steps]`); len(seen) < 2 {
		tb.Errorf("progress was shown at %v %%, want several steps", seen)
	}
}
