package control

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// partial answers two methods and refuses one; all others are not implemented.
type partial struct {
	messagesconnect.UnimplementedControlServiceHandler
}

func (partial) GetInfo(_ context.Context, in *messages.GetInfoRequest) (*messages.Info, error) {
	return &messages.Info{Version: "1"}, nil
}

func (partial) MayImport(_ context.Context, in *messages.MayImportRequest) (*messages.SpaceVerdict, error) {
	return nil, carry(messages.NewFailure("invalid", in.Database, "%d bytes", in.Bytes))
}

func (partial) WatchOperation(_ context.Context, in *messages.WatchOperationRequest, to *connect.ServerStream[messages.Operation]) error {
	return to.Send(&messages.Operation{})
}

// goType is what Connect names when a message cannot be read; the type of Go means nothing to a client.
var goType = regexp.MustCompile(`unmarshal into \*(control\.envelope|messages\.\w+)`)

// TestRoutes_answerLikeTheGeneratedHandler sends every method the same requests, well formed
// and not, and wants the answer of the handler that is generated, byte for byte but for the name of a Go type.
func TestRoutes_answerLikeTheGeneratedHandler(t *testing.T) {
	path, want := messagesconnect.NewControlServiceHandler(partial{}, connect.WithReadMaxBytes(1000))
	got := routes(partial{}, connect.WithReadMaxBytes(1000))
	data, err := proto.Marshal(&messages.MayImportRequest{Database: "app", Bytes: 7})
	if err != nil {
		t.Fatal(err)
	}
	framed := string(append([]byte{0, 0, 0, 0, byte(len(data))}, data...))
	bodies := []struct{ kind, body string }{
		{"application/json", `{"database":"app","bytes":"7"}`},
		{"application/json; charset=utf-8", `{"database":"app","newer":1}`},
		{"application/json", `{"database":7}`},
		{"application/json", `{`},
		{"application/json", ``},
		{"application/json", `{"database":"` + strings.Repeat("a", 2000) + `"}`},
		{"application/proto", string(data)},
		{"application/proto", ""},
		{"application/proto", "\xff\xff"},
		{"application/grpc-web+proto", framed},
		{"application/grpc-web+json", framed},
		{"application/connect+json", "\x00\x00\x00\x00\x02{}"},
		{"text/plain", "hello"},
	}
	methods := messages.File_officer_v1_control_proto.Services().ByName("ControlService").Methods()
	for i := range methods.Len() {
		name := string(methods.Get(i).Name())
		for _, b := range bodies {
			a, w := post(got, path+name, b.kind, b.body), post(want, path+name, b.kind, b.body)
			if a.Code != w.Code || plain(a) != plain(w) || a.Header().Get("Content-Type") != w.Header().Get("Content-Type") {
				t.Errorf("%s %s %q: got %d %q, want %d %q", name, b.kind, b.body, a.Code, a.Body, w.Code, w.Body)
			}
			if a.Code == http.StatusNotFound {
				t.Errorf("%s has no route", name)
			}
		}
	}
	if got := post(got, path+"Nothing", "application/json", "{}").Code; got != http.StatusNotFound {
		t.Errorf("no method: got %d, want %d", got, http.StatusNotFound)
	}
}

func plain(r *httptest.ResponseRecorder) string {
	return goType.ReplaceAllString(r.Body.String(), "unreadable")
}

func post(to http.Handler, path, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}
