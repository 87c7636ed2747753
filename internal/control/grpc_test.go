//go:build unix

package control

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// bearing adds a token to each request, and speaks HTTP/2 without TLS, as gRPC clients do.
type bearing struct {
	token string
	next  *http.Transport
}

func newBearing(token string) *bearing {
	b := &bearing{token: token, next: &http.Transport{Protocols: new(http.Protocols)}}
	b.next.Protocols.SetUnencryptedHTTP2(true)
	return b
}

func (b *bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// The same operation for a client that speaks gRPC, gRPC-Web or Connect: begun, watched
// to its end, found again after its client left.
func TestProtocols_oneOperationForAllOfThem(t *testing.T) {
	for name, options := range map[string][]connect.ClientOption{
		"grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()}, "connect": nil, "json": {connect.WithProtoJSON()},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker()
			a := New(Config{Officer: w})
			home := t.TempDir()
			a.Join(home, "app")
			if err := a.Listen("127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			defer func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = a.Close(ctx)
				a.operations.going.Wait()
			}()
			token, _ := readToken(a.cfg.Files, home+"/"+tokenName)
			over := newBearing(token)
			defer over.next.CloseIdleConnections()
			client := messagesconnect.NewControlServiceClient(&http.Client{Transport: over}, a.port.at, options...)

			leaving, leave := context.WithCancel(t.Context())
			go func() {
				<-w.asked
				leave()
			}()
			if _, err := client.BackUp(leaving, &messages.BackUpRequest{IdempotencyKey: "k", WaitMs: 60_000}); err == nil {
				t.Error("the client left and has an answer")
			}
			one, err := client.BackUp(t.Context(), &messages.BackUpRequest{IdempotencyKey: "k"})
			if err != nil || one.State != stateRunning {
				t.Fatalf("got %v, %v; want the operation that goes on", one, err)
			}
			steps, err := client.WatchOperation(t.Context(), &messages.WatchOperationRequest{Id: one.Id})
			if err != nil || !steps.Receive() || steps.Msg().State != stateRunning {
				t.Fatalf("got %v, want a step", err)
			}
			report := &messages.BackupReport{Backup: &messages.Backup{Id: "b"}}
			w.end <- report
			var last *messages.Operation
			for steps.Receive() {
				last = steps.Msg()
			}
			if last.GetState() != stateDone || !proto.Equal(last.GetBackup(), report) || steps.Err() != nil {
				t.Errorf("got %v, %v; want its end", last, steps.Err())
			}
			_, err = client.BackUp(t.Context(), &messages.BackUpRequest{IdempotencyKey: "k", Force: true})
			if f := unpack(t.Context(), "test", err); f.Code != "idempotency_conflict" || connect.CodeOf(err) != connect.CodeAlreadyExists {
				t.Errorf("got %v, want idempotency_conflict", err)
			}
			over.token = "wrong"
			if _, err := client.GetInfo(t.Context(), &messages.GetInfoRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("a wrong token: got %v, want unauthenticated", err)
			}
		})
	}
}

func TestEvents_areStreamedOverHTTP2(t *testing.T) {
	c := newChronicle(100, "app")
	a := serveEvents(t, c)
	token, _ := readToken(a.cfg.Files, a.homes[0].home+"/"+tokenName)
	over := newBearing(token)
	defer over.next.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.port.at+"/v1/events?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.tell("app", "wal.grew")
	res, err := over.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("got HTTP/%d, want 2", res.ProtoMajor)
	}
	buffer := make([]byte, 4096)
	if n, err := io.ReadAtLeast(res.Body, buffer, 40); err != nil || !strings.Contains(string(buffer[:n]), "retry: ") {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
}

// A probe of several databases follows the one that is worst off.
func TestHealth_ofSeveralIsThatOfTheWorst(t *testing.T) {
	red, yellow := messages.Severity_SEVERITY_RED, messages.Severity_SEVERITY_YELLOW
	for want, list := range map[int][]messages.Severity{503: {0, yellow, red, 0}, 200: {0, yellow}} {
		p := &parrot{}
		all := &messages.ListDatabasesResponse{}
		for i, h := range list {
			all.Databases = append(all.Databases, &messages.LookedAfter{Name: "db" + string(rune('0'+i)), Health: h})
		}
		p.answer = all
		a := New(Config{Officer: p})
		w := call(t, http.HandlerFunc(a.service("").health), "/health", "")
		if w.Code != want || want == 503 && !strings.Contains(w.Body.String(), `"database":"db2","health":"red"`) {
			t.Errorf("got %d %s, want %d", w.Code, w.Body, want)
		}
		_ = a.Close(t.Context())
	}
}

// A dead endpoint, as a kill leaves it, is read and proves nothing.
func TestEndpoint_isThereWhileItRuns(t *testing.T) {
	f := newFort(t, nil)
	got, err := ReadEndpoint(f.api.cfg.Files, f.home)
	want := Endpoint{Version: "1.2.3", PID: got.PID, Socket: SocketOf(f.home), URL: f.api.port.at, TokenFile: f.home + "/" + tokenName}
	if err != nil || got != want || got.PID == 0 || f.api.Endpoint(f.home) != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if err := f.api.Shut(t.Context(), f.home); err != nil {
		t.Error(err)
	}
	if _, err := ReadEndpoint(f.api.cfg.Files, f.home); err == nil {
		t.Error("it is there although nobody answers")
	}
	if res := f.send("POST", getInfo, "{}", f.bearer()); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token of a home that is shut: got %d", res.StatusCode)
	}
	if conn, err := net.Dial("unix", want.Socket); err == nil {
		_ = conn.Close()
		t.Error("the socket still answers")
	}
}
