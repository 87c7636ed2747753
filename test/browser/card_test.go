package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/officer-doofy/officer/internal/dashboard"
	"github.com/officer-doofy/officer/test/browser/gallery"
)

// inCard gives an expression over the shadow of the card that a selector means.
func inCard(card, selector string) string {
	return fmt.Sprintf(`document.querySelector(%q).shadowRoot.querySelector(%q)`, card, selector)
}

func TestCard_saysTheStateAndHidesWhatIsGreen(t *testing.T) {
	t.Parallel()
	at := scenes(t)
	for name, l := range looks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := open(t, at+"/host", l)
			tb.await(within, `[...document.querySelectorAll('officer-card')].every((c) => c.shadowRoot.querySelector('.headline').textContent)`)
			tb.shot("host-"+name, true)
			for card, want := range map[string]string{
				`[src="/green"]:not([variant])`: "Your data is safe.", `[src="/red"]:not([variant])`: "The database is damaged.",
				`[src="/red"][variant]`: "The database is damaged.", `[src="/gone"][variant]`: "Officer does not answer: backups are not being taken.",
				`[src="/young"]:not([variant])`: "no verified backup proves it yet",
			} {
				if got := eval[string](tb, inCard(card, ".headline")+".textContent"); !strings.Contains(got, want) {
					t.Errorf("%s says %q, want %q", card, got, want)
				}
			}
			for scene, want := range map[string]bool{"green": false, "young": false, "yellow": true, "red": true, "gone": true} {
				if got := eval[bool](tb, fmt.Sprintf(`document.querySelector('[src="/%s"][variant]').offsetHeight > 0`, scene)); got != want {
					t.Errorf("the banner of %s is seen: %v, want %v", scene, got, want)
				}
			}
			tb.noSideways()
			tb.accessible()
			tb.content("502 (Bad Gateway)", "favicon.ico")
		})
	}
}

// TestCard_inAPageOfSomebodyElse: another origin, a token, another language, events.
func TestCard_inAPageOfSomebodyElse(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tokens := map[string]bool{}
	scene := gallery.Handler()
	officer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		if r.Method == http.MethodOptions {
			return
		}
		if strings.Contains(r.URL.Path, "/v1/") || strings.Contains(r.URL.Path, "ControlService") {
			mu.Lock()
			tokens[r.Header.Get("Authorization")] = true
			mu.Unlock()
		}
		scene.ServeHTTP(w, r)
	}))
	defer officer.Close()
	defer officer.CloseClientConnections()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="de"><title>App</title><h1>App</h1><officer-card src="%s/green" database="app" token="secret"
			text-safe="Ihre Daten sind sicher." text-proof="Das neueste Backup ist {age} alt." text-drill="" text-good="Sicher"></officer-card>
			<script>window.heard = []; document.addEventListener('officer-health', (e) => heard.push(e.detail)); document.addEventListener('officer-open', (e) => e.preventDefault());
			document.querySelector('officer-card').strings = {'back-up': 'Jetzt sichern'};</script>
			<script src="%s%s"></script>`, officer.URL, officer.URL, dashboard.CardPath)
	}))
	defer host.Close()

	tb := open(t, host.URL, desktop())
	const card = "officer-card"
	tb.await(within, inCard(card, ".headline")+`.textContent === 'Ihre Daten sind sicher.'`)
	if got := eval[string](tb, inCard(card, ".proof")+".textContent"); got != "Das neueste Backup ist 12 Minuten alt. " {
		t.Errorf("proof: %q", got)
	}
	if got := eval[string](tb, inCard(card, "button")+".textContent"); got != "Jetzt sichern" {
		t.Errorf("button: %q", got)
	}
	tb.await(within, `heard.length === 1 && heard[0].health === 'green' && heard[0].headline === 'Ihre Daten sind sicher.'`)
	at := eval[string](tb, "location.href")
	eval[bool](tb, "("+inCard(card, "a")+".click(), true)")
	if got := eval[string](tb, "location.href"); got != at {
		t.Errorf("the link was followed to %s though the app wanted to open it itself", got)
	}
	eval[bool](tb, "("+inCard(card, "button")+".click(), true)")
	tb.await(within, inCard(card, ".result")+`.textContent.includes('% done')`)
	tb.await(within, inCard(card, ".result")+`.textContent === 'Backup made and verified.'`)
	tb.await(within, inCard(card, ".proof")+`.textContent.includes('Sekunde')`)

	officer.CloseClientConnections()
	officer.Listener.Close()
	tb.await(within, `heard.length === 2 && heard[1].health === 'grey'`)
	mu.Lock()
	defer mu.Unlock()
	if len(tokens) != 1 || !tokens["Bearer secret"] {
		t.Errorf("authorization of the requests: %v, want the token in all", tokens)
	}
}
