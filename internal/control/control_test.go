//go:build unix

package control

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// fake is an Officer that answers from a table.
type fake struct {
	ask    func(ctx context.Context, database string, msg proto.Message) (proto.Message, error)
	events chan *messages.Event
}

func (f *fake) Ask(ctx context.Context, database string, msg proto.Message, _ func(*messages.Progress)) (proto.Message, error) {
	return f.ask(ctx, database, msg)
}

func (f *fake) Subscribe(ctx context.Context, _ *messages.WatchRequest) (<-chan *messages.Event, error) {
	out := make(chan *messages.Event)
	go func() {
		defer close(out)
		for {
			select {
			case e := <-f.events:
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func serve(t *testing.T, home string, f *fake) *door {
	t.Helper()
	a := New(Config{Officer: f})
	if err := a.Open(home, "app"); err != nil {
		t.Fatal(err)
	}
	s := a.entryOf(home).socket
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func dial(t *testing.T, home string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), home, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestCall_everyRequestOfTheProtocolGoesThrough(t *testing.T) {
	home := t.TempDir()
	var gotDatabase string
	var got proto.Message
	serve(t, home, &fake{ask: func(_ context.Context, database string, msg proto.Message) (proto.Message, error) {
		gotDatabase, got = database, msg
		return &messages.Info{Version: "x"}, nil
	}})
	c := dial(t, home)
	fields := (&messages.CallRequest{}).ProtoReflect().Descriptor().Oneofs().ByName("request").Fields()
	for i := range fields.Len() {
		call := &messages.CallRequest{}
		want := call.ProtoReflect().NewField(fields.Get(i)).Message().Interface()
		answer, err := c.Ask(t.Context(), want, nil)
		if err != nil {
			t.Fatalf("%s: %v", fields.Get(i).Name(), err)
		}
		if !proto.Equal(got, want) || gotDatabase != "app" {
			t.Errorf("%s: got %T for %q, want %T for app", fields.Get(i).Name(), got, gotDatabase, want)
		}
		if info, ok := answer.(*messages.Info); !ok || info.Version != "x" {
			t.Errorf("got answer %v, want the info", answer)
		}
	}
}

func TestCall_aFailureComesBackWhole(t *testing.T) {
	home := t.TempDir()
	want := messages.NewFailure("disk_full", "take backup", "the disk is full: 3 MB left").
		WithDid("The unfinished copy was removed.").WithHints("df -h /data", "officer list app.db")
	want.DataChanged = true
	serve(t, home, &fake{ask: func(context.Context, string, proto.Message) (proto.Message, error) { return nil, want }})
	_, err := dial(t, home).Ask(t.Context(), &messages.TakeBackup{}, nil)
	var got *messages.Failure
	if !errors.As(err, &got) || !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestCall_anErrorOfGoIsNotShown(t *testing.T) {
	home := t.TempDir()
	serve(t, home, &fake{ask: func(context.Context, string, proto.Message) (proto.Message, error) {
		return nil, errors.New("open /secret: permission denied")
	}})
	_, err := dial(t, home).Ask(t.Context(), &messages.GetHealth{}, nil)
	var got *messages.Failure
	if !errors.As(err, &got) || got.Code != "internal" || strings.Contains(got.Error(), "secret") {
		t.Errorf("got %v, want a failure without the path", err)
	}
}

func TestAsk_cancelledByTheClientReachesTheOfficer(t *testing.T) {
	home := t.TempDir()
	ended := make(chan struct{})
	asked := make(chan struct{})
	serve(t, home, &fake{ask: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return nil, messages.NewFailure("interrupted", "x", "interrupted")
	}})
	c := dial(t, home)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := c.Ask(ctx, &messages.TakeBackup{}, nil)
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "interrupted" {
		t.Errorf("got %v, want interrupted", err)
	}
	<-ended
}

func TestAsk_progressOfTheJobIsHeard(t *testing.T) {
	home := t.TempDir()
	f := &fake{events: make(chan *messages.Event)}
	step := func(job string) *messages.Event {
		return &messages.Event{Body: &messages.Event_Progress{Progress: &messages.Progress{JobId: job, Done: 7}}}
	}
	heard := make(chan struct{})
	f.ask = func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		f.events <- step("another")
		f.events <- step("mine")
		<-heard
		return &messages.BackupReport{}, nil
	}
	serve(t, home, f)
	var got []string
	_, err := dial(t, home).Ask(t.Context(), &messages.TakeBackup{JobId: "mine"}, func(p *messages.Progress) {
		got = append(got, p.JobId)
		close(heard)
	})
	if err != nil || len(got) != 1 || got[0] != "mine" {
		t.Errorf("got %v, %v; want progress of mine alone", got, err)
	}
}

func TestServe_theSocketIsForItsUserAlone(t *testing.T) {
	home := t.TempDir()
	s := serve(t, home, &fake{})
	info, err := os.Stat(s.at)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want 0600", info.Mode(), err)
	}
}

func TestServe_aStaleSocketIsReplacedAndAFileIsNot(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, socketName)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), home, ""); err == nil {
		t.Error("a dead socket was taken for an Officer")
	}
	serve(t, home, &fake{})
	dial(t, home)

	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, socketName), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := New(Config{Officer: &fake{}}).Open(other, "app"); err == nil {
		t.Error("a file in the way was replaced")
	}
	if b, _ := os.ReadFile(filepath.Join(other, socketName)); string(b) != "mine" {
		t.Errorf("the file in the way now holds %q", b)
	}
}

func TestServe_aLongHomeGetsAShortSocket(t *testing.T) {
	home := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	short, err := os.MkdirTemp("", "o")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	t.Setenv("TMPDIR", short)
	s := serve(t, home, &fake{})
	if len(s.at) > socketPathMax || !strings.HasPrefix(s.at, short) {
		t.Errorf("got %s", s.at)
	}
	dial(t, home)
}

func TestDial_aFolderOpenToOthersIsNotTrusted(t *testing.T) {
	home := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	short, err := os.MkdirTemp("", "o")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("TMPDIR", short)
	if err := os.Mkdir(filepath.Join(short, ownFolder()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(short, ownFolder()), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := New(Config{Officer: &fake{}}).Open(home, "app"); err == nil {
		t.Error("a socket was put into a folder that others can enter")
	}
}

// A stopped process (SIGSTOP) still has its connections accepted, by the kernel.
func TestReach_anOfficerThatAcceptsAndIsSilentIsNotWaitedFor(t *testing.T) {
	home := t.TempDir()
	path, err := socketPath(home, true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = reach(t.Context(), home, "", 50*time.Millisecond)
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "officer_silent" || len(f.Hints) == 0 {
		t.Errorf("reaching a silent Officer gives %v, want officer_silent with a way out", err)
	}
}

// TestAsk_aStatusOfWhoFellSilentIsNotWaitedFor: it said who it is, and then nothing: the
// volume was frozen in between.
func TestAsk_aStatusOfWhoFellSilentIsNotWaitedFor(t *testing.T) {
	home := t.TempDir()
	serve(t, home, &fake{ask: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		<-ctx.Done()
		return nil, messages.NewFailure("interrupted", "call", "interrupted")
	}})
	c, err := Dial(t.Context(), home, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.patience = 50 * time.Millisecond
	_, err = c.Ask(t.Context(), &messages.GetStatus{}, nil)
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "officer_silent" {
		t.Errorf("got %v, want officer_silent", err)
	}
}

func TestServe_aHugeBodyIsRefused(t *testing.T) {
	home := t.TempDir()
	s := serve(t, home, &fake{ask: func(context.Context, string, proto.Message) (proto.Message, error) {
		t.Error("it reached Officer")
		return nil, messages.NewFailure("internal", "x", "x")
	}})
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return connectSocket(ctx, s.at)
	}}}
	endless := io.LimitReader(zeros{}, 1<<30)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://officer/officer.v1.ControlService/Call", endless)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/proto")
	res, err := client.Do(req)
	if err != nil {
		return // cut off while sending is refused, too
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got status %d, want 413", res.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// In the file of a token that a kill left half made there may be a token.
func TestOpen_removesWhatAKilledProcessLeftInTheMaking(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{endpointName, tokenName, doormatName, pipeFile} {
		if err := os.WriteFile(filepath.Join(home, name+".tmp"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, home, &fake{})
	left, err := filepath.Glob(filepath.Join(home, "*.tmp*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}
