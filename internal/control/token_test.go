package control

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/testkit"
)

func TestToken_thatADeviceDoesNotGiveIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home, good := t.TempDir(), strings.Repeat("ab", tokenBytes)
		var log bytes.Buffer
		path := filepath.Join(home, tokenName)
		if err := os.WriteFile(path, []byte(good+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		files := testkit.NewUnreadable(fsx.OS(), tokenName, 0)
		files.Times.Store(3)
		logger := slog.New(slog.NewTextHandler(&log, nil))
		a := New(Config{Files: files, Log: func() *slog.Logger { return logger }})
		defer a.stop()
		a.port = &door{at: "http://127.0.0.1:1"}
		a.Join(home, "app")
		if a.gate.isToken(good) || a.Endpoint(home).TokenFile != "" {
			t.Error("a token that was not read is good")
		}
		testkit.Advance(4 * time.Second)
		if now, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(now)) != good {
			t.Errorf("got %q, %v; want the token that clients hold", now, err)
		}
		testkit.Advance(20 * time.Second)
		if e, err := ReadEndpoint(files, home); err != nil || !a.gate.isToken(good) || e.TokenFile != path {
			t.Errorf("got %+v, %v; want the token good once it was read", e, err)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors in the log, want one:\n%s", n, log.String())
		}
	})
}

func TestToken_ofAHomeThatWasShutIsNotReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := t.TempDir()
		files := testkit.NewUnreadable(fsx.OS(), tokenName, 0)
		if err := os.WriteFile(filepath.Join(home, tokenName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		files.Times.Store(1)
		a := New(Config{Files: files})
		defer a.stop()
		a.port = &door{at: "http://127.0.0.1:1"}
		a.Join(home, "app")
		if err := a.Shut(t.Context(), home); err != nil {
			t.Fatal(err)
		}
		testkit.Advance(time.Hour)
		if e, err := ReadEndpoint(files, home); err == nil {
			t.Errorf("got %+v, want nothing in a home that may be another's", e)
		}
	})
}
