package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

// settings is the page of an app that has Officer beside it: its own server passes
// /officer/ on with the token, so the browser knows neither port nor token.
func settings(t *testing.T, officer *running) *httptest.Server {
	t.Helper()
	at, err := url.Parse(officer.link())
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(officer.db+"-officer", "token"))
	if err != nil {
		t.Fatal(err)
	}
	behind := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: at.Host})
		r.Out.Host = at.Host
		r.Out.Header.Del("Origin")
		r.Out.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}}
	mux := http.NewServeMux()
	mux.Handle("/officer/", http.StripPrefix("/officer", behind))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, settingsPage)
	})
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

const settingsPage = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Settings</title>
<style>
	:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
	body { margin: 0; background: light-dark(#f3f1ee, #17151a); color: light-dark(#222, #eee); }
	main { max-width: 760px; margin: 0 auto; padding: 28px 24px 36px; }
	h1 { font-size: 24px; } h2 { font-size: 15px; margin: 26px 0 10px; color: light-dark(#665, #bba); }
	fieldset { border: 0; margin: 0; padding: 14px 20px; border-radius: 12px; background: light-dark(#fff, #221f26); display: flex; justify-content: space-between; }
</style>
<main>
	<h1>Settings</h1>
	<officer-card variant="banner" src="/officer"></officer-card>
	<h2>General</h2>
	<fieldset><label for="city">Home city</label><input id="city" value="Albany"></fieldset>
	<h2>Your data</h2>
	<officer-card src="/officer"></officer-card>
</main>
<script>window.heard = []; document.addEventListener('officer-health', (e) => heard.push(e.detail.health));</script>
<script src="/officer/officer-card.js"></script></html>`

// TestOfficer_cardInAnAppsPage: the card of a real Officer turns red on damage, the banner
// appears, and the whole page opens below the app's own address.
func TestOfficer_cardInAnAppsPage(t *testing.T) {
	t.Parallel()
	db := archive(t, "archive.db")
	officer := run(t, "", db)
	app := settings(t, officer)
	tb := open(t, app.URL, desktop())
	const card, banner = "officer-card:not([variant])", "officer-card[variant=banner]"
	tb.await(within, inCard(card, ".headline")+`.textContent === 'Your data is safe.'`)
	if eval[bool](tb, `document.querySelector('`+banner+`').offsetHeight > 0`) {
		t.Error("the banner is seen though all is well")
	}
	eval[bool](tb, "("+inCard(card, "button")+".click(), true)")
	tb.await(within, inCard(card, ".result")+`.textContent === 'Nothing changed since the last backup.'`)

	testkit.ZeroPageOf(t, db, "locations", 1)
	eval[bool](tb, "("+inCard(card, "button:nth-of-type(2)")+".click(), true)")
	tb.await(within, inCard(banner, ".headline")+`.textContent.startsWith('The database is damaged.')`)
	tb.await(within, inCard(card, ".result")+`.textContent === 'Damage found.'`)
	tb.await(within, `document.querySelector('`+banner+`').offsetHeight > 0 && heard.at(-1) === 'red'`)
	tb.noSideways()
	tb.accessible()

	eval[bool](tb, "("+inCard(banner, "a")+".click(), true)")
	tb.awaitText(within, "h1", "The database is damaged.")
	tb.await(within, live)
	if at := eval[string](tb, "location.pathname"); at != "/officer/" {
		t.Errorf("the page is at %s, want /officer/", at)
	}
	tb.content()
}
