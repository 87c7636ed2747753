package control

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

const (
	// probeWithin is less than Kubernetes waits by default for a probe that is worth it.
	probeWithin = 2 * time.Second
	// metricsWithin is less than Prometheus waits for a scrape by default.
	metricsWithin = 8 * time.Second
)

// probe gives the handler of a path that says one word and needs neither name nor token:
// who asks is a kubelet or a load balancer that has none.
func (s *service) probe(r *http.Request) http.HandlerFunc {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	switch r.URL.Path {
	case "/livez":
		return s.livez
	case "/readyz":
		return s.readyz
	}
	return nil
}

// livez says whether the root's mailbox is being read. It never follows the health of a
// database: a restart of Officer does not repair one.
func (s *service) livez(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeWithin)
	defer cancel()
	_, err := s.officer.Ask(ctx, "", &messages.Ping{}, nil)
	word(w, err == nil)
}

// readyz says whether databases are looked after and new work is taken.
func (s *service) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeWithin)
	defer cancel()
	_, err := s.officer.Ask(ctx, "", &messages.Ping{}, nil)
	got, infoErr := s.officer.Ask(ctx, "", &messages.GetInfo{}, nil)
	info, _ := got.(*messages.Info)
	word(w, err == nil && infoErr == nil && !info.GetStopping() && len(info.GetDatabases()) > 0)
}

func word(w http.ResponseWriter, ok bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if ok {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "no\n")
}

// health is the colour of a database as a status: 200 for green and yellow, 503 for red.
func (s *service) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), metricsWithin)
	defer cancel()
	name := r.URL.Query().Get("database")
	if s.named(name) == "" {
		if list, f := fetch[*messages.ListDatabasesResponse](ctx, s, "", &messages.ListDatabasesRequest{}); f == nil && len(list.Databases) > 1 {
			worst(w, list)
			return
		}
	}
	d, f := s.find(ctx, name)
	if f != nil {
		plainly(w, f)
		return
	}
	h, f := fetch[*messages.HealthReport](ctx, s, d.Name, &messages.GetHealth{})
	if f != nil {
		plainly(w, f)
		return
	}
	status := http.StatusOK
	if h.Health == messages.Severity_SEVERITY_RED {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, report.HealthOf(h, d.Name))
}

// worst is the health of all databases: that of the one that is worst off, which is named.
func worst(w http.ResponseWriter, list *messages.ListDatabasesResponse) {
	d := list.Databases[0]
	for _, one := range list.Databases {
		if one.Health > d.Health {
			d = one
		}
	}
	status := http.StatusOK
	if d.Health == messages.Severity_SEVERITY_RED {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, report.HealthOf(&messages.HealthReport{Health: d.Health, Headline: d.Headline}, d.Name))
}

// status is the object of `officer status --json`.
func (s *service) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryWithin)
	defer cancel()
	d, f := s.find(ctx, r.URL.Query().Get("database"))
	if f != nil {
		plainly(w, f)
		return
	}
	st, f := fetch[*messages.Status](ctx, s, d.Name, &messages.GetStatus{})
	if f != nil {
		plainly(w, f)
		return
	}
	writeJSON(w, http.StatusOK, report.StatusOf(st, d.Path, true))
}

// metrics is the text that Prometheus scrapes.
func (s *service) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), metricsWithin)
	defer cancel()
	text, f := fetch[*messages.Exposition](ctx, s, s.named(r.URL.Query().Get("database")), &messages.GetExposition{})
	if f != nil {
		plainly(w, f)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, text.GetText())
}

// backups is the object of `officer list --json`.
func (s *service) backups(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryWithin)
	defer cancel()
	l, f := fetch[*messages.BackupList](ctx, s, s.named(r.URL.Query().Get("database")), &messages.ListBackups{})
	if f != nil {
		plainly(w, f)
		return
	}
	out := report.BackupsOf(l)
	report.Finish(out, report.Done)
	writeJSON(w, http.StatusOK, out)
}

// download gives the file of a backup. What the client sent is compared with the ids of the
// list and goes no further: the path comes from the list, and is opened beneath the folder of
// the backups without following a link.
func (s *service) download(w http.ResponseWriter, r *http.Request) {
	const op = "download a backup"
	ctx, cancel := context.WithTimeout(r.Context(), queryWithin)
	defer cancel()
	id := r.PathValue("id")
	if _, ok := manifest.ParseID(id); !ok {
		plainly(w, messages.NewFailure("no_backup", op, "there is no such backup"))
		return
	}
	d, f := s.find(ctx, r.URL.Query().Get("database"))
	if f != nil {
		plainly(w, f)
		return
	}
	b, f := fetch[*messages.Backup](ctx, s, d.Name, &messages.FindBackup{Id: id})
	if f != nil {
		plainly(w, f)
		return
	}
	// From the home on, so that a link in the place of the backups folder is not followed
	// either; the name may not climb out of that folder, whoever wrote it into the list.
	name := filepath.FromSlash(b.File)
	if !filepath.IsLocal(name) {
		name = ""
	}
	file, err := fsx.OpenBeneath(d.Home, filepath.Join("backups", name))
	if err != nil {
		plainly(w, messages.NewFailure("missing", op, "the file of backup %s is not there, or is no plain file", b.Id).
			WithDid("Nothing was read.").WithHints("officer verify '"+d.Path+"' "+b.Id))
		return
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "application/vnd.sqlite3")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(b.File)}))
	h.Set("ETag", `"`+b.Sha256+`"`)
	http.ServeContent(w, r, "", time.UnixMilli(b.TakenAtUnixMs), file)
}

// fetch is ask for a route: the failure comes as it is.
func fetch[R proto.Message](ctx context.Context, s *service, database string, msg proto.Message) (R, *messages.Failure) {
	var none R
	got, err := s.officer.Ask(ctx, database, msg, nil)
	if err != nil {
		return none, failureOf(err)
	}
	answer, ok := got.(R)
	if !ok {
		return none, messages.NewFailure("internal", "call", "an unexpected answer")
	}
	return answer, nil
}

// plainly refuses with the status that goes with a failure.
func plainly(w http.ResponseWriter, f *messages.Failure) {
	status := http.StatusServiceUnavailable
	switch f.Code {
	case "unknown_database", "no_backup", "missing", "unknown_operation":
		status = http.StatusNotFound
	case "invalid":
		status = http.StatusBadRequest
	case "unhandled", "unsupported":
		status = http.StatusNotImplemented
	case "no_answer", "timeout":
		status = http.StatusGatewayTimeout
	case "forbidden":
		status = http.StatusForbidden
	}
	refuse(w, status, f)
}

// writeJSON answers with an object.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"type":"result","ok":false,"code":1}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
