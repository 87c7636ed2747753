//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

// abuseBytesMax is what an attack may add to the memory of an Officer at rest: 128 slow
// connections, sixteen bodies and their buffers. Go gives memory back late, so it is
// generous; a body of 1 GB that was read would be thirty times that.
const abuseBytesMax = 24 << 20

// residentBytes is the memory of a process that is really there.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kB, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kB << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestAbuse_memoryStaysWithinItsBudget: 200 slow connections and bodies of 1 GB, with and
// without the token, while a client that behaves is served all the time.
func TestAbuse_memoryStaysWithinItsBudget(t *testing.T) {
	db := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	r := run(t, db, "--listen", "127.0.0.1:0")
	r.await(patience, "Your data is safe")
	var at struct {
		URL       string `json:"url"`
		TokenFile string `json:"token_file"`
		PID       int    `json:"pid"`
	}
	text, err := os.ReadFile(filepath.Join(db+"-officer", "endpoint.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &at); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(at.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	send := func(body io.Reader, token string) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.URL+"/officer.v1.ControlService/GetInfo", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, nil
	}
	behaves := func(when string) {
		t.Helper()
		if status, err := send(strings.NewReader("{}"), string(token)); err != nil || status != http.StatusOK {
			t.Errorf("%s: got %d, %v for a client that behaves", when, status, err)
		}
	}
	behaves("before")
	before := residentBytes(t, at.PID)
	peak := before
	for i := range 200 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(at.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "+strings.Repeat("a", 8000))
		if i%50 == 49 {
			behaves(fmt.Sprintf("with %d slow connections", i+1))
			peak = max(peak, residentBytes(t, at.PID))
		}
	}
	for name, c := range map[string]struct {
		token string
		want  int
	}{"with the token": {string(token), http.StatusRequestEntityTooLarge}, "without": {"wrong", http.StatusUnauthorized}} {
		for range 8 {
			// Cut off while it sends is a refusal, too.
			if status, err := send(io.LimitReader(endless{}, 1<<30), c.token); err == nil && status != c.want {
				t.Errorf("1 GB %s: got %d, want %d", name, status, c.want)
			}
			peak = max(peak, residentBytes(t, at.PID))
		}
	}
	behaves("after")
	t.Logf("resident: %.1f MB before, %.1f MB at most", float64(before)/1e6, float64(peak)/1e6)
	if peak-before > abuseBytesMax {
		t.Errorf("the attack added %d bytes, at most %d are granted", peak-before, abuseBytesMax)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
}
