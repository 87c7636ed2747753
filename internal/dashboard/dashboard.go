// Package dashboard holds Officer's page and its card: plain HTML, CSS and JavaScript as
// they stand in assets, gzipped into the binary (go generate). It serves files only; what
// they show comes from the API, and who may see them is decided before Handler is asked.
package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run -C ../../tools ./packpage ../internal/dashboard/assets ../internal/dashboard/packed

//go:embed packed
var assets embed.FS

const (
	// CardPath is where the card for other pages stands; it is public code.
	CardPath = "/officer-card.js"
	// placeholder in index.html is replaced by the version of all files together, so that
	// modules find each other by relative names and may still be kept for ever.
	placeholder = "assets/current/"
	folder      = "/assets/"
)

// file is one asset, ready to be sent.
type file struct {
	kind   string // Content-Type
	etag   string
	packed []byte        // gzip; nil = only plain
	plain  func() []byte // unpacked when first asked for: browsers take gzip
}

// Handler serves the page at "/", its files below "/assets/{version}/" and the card at
// CardPath. Links in the page are relative, so it works below any prefix that ends in a slash.
// It sets content type, caching, ETag and encoding; security headers are the caller's.
func Handler() http.Handler {
	p := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		f, forever := p.find(r.URL.Path)
		if f == nil {
			http.NotFound(w, r)
			return
		}
		f.send(w, r, forever)
	})
}

// page is every file by its path below assets.
type page struct {
	version string
	files   map[string]*file
}

func load() *page {
	p := &page{files: map[string]*file{}}
	all := sha256.New()
	err := fs.WalkDir(assets, "packed", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		packed, err := assets.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "packed/"), ".gz")
		all.Write([]byte(name + "\x00" + strconv.Itoa(len(packed)) + "\x00"))
		all.Write(packed)
		plain := sync.OnceValue(func() []byte { return unpack(packed) })
		p.files[name] = &file{kind: kindOf(name), etag: tagOf(packed), packed: packed, plain: plain}
		return nil
	})
	if err != nil {
		panic(err) // an embedded file cannot fail to be read
	}
	p.version = hex.EncodeToString(all.Sum(nil))[:16]
	index := bytes.ReplaceAll(p.files["index.html"].plain(), []byte(placeholder), []byte("assets/"+p.version+"/"))
	p.files["index.html"] = &file{kind: kindOf("index.html"), etag: tagOf(index), plain: func() []byte { return index }}
	return p
}

// find gives the file at a path of the URL, and whether it will never change there.
func (p *page) find(at string) (f *file, forever bool) {
	switch at {
	case "/", "/index.html":
		return p.files["index.html"], false
	case CardPath:
		return p.files[strings.TrimPrefix(CardPath, "/")], false
	}
	version, name, ok := strings.Cut(strings.TrimPrefix(at, folder), "/")
	if !ok || !strings.HasPrefix(at, folder) || name == "index.html" {
		return nil, false
	}
	// Another version is asked for by a page that was opened before Officer was updated:
	// it gets what there is, and is not told to keep it.
	return p.files[name], version == p.version
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

func unpack(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // what is embedded was packed by go generate, and a test unpacks it
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return plain
}

func (f *file) send(w http.ResponseWriter, r *http.Request, forever bool) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if forever {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	etag, packed := f.etag, f.packed != nil && accepts(r, "gzip")
	if packed {
		// Another encoding is another representation: its tag differs (RFC 9110, 8.8.3).
		etag = strings.TrimSuffix(f.etag, `"`) + `-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	if unchanged(r, f.etag, etag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.packed
	if !packed {
		body = f.plain()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client left; there is nobody to tell
	}
}

// accepts tells whether the client takes an encoding; "gzip;q=0" is a no.
func accepts(r *http.Request, encoding string) bool {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight, given := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameter), " ", ""), "q=")
		quality, err := strconv.ParseFloat(weight, 64)
		return !given || err == nil && quality > 0
	}
	return false
}

func unchanged(r *http.Request, tags ...string) bool {
	for _, known := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		known = strings.TrimPrefix(strings.TrimSpace(known), "W/")
		if known == "*" {
			return true
		}
		for _, tag := range tags {
			if known == tag {
				return true
			}
		}
	}
	return false
}
