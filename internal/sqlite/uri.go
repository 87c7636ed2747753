package sqlite

import (
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// fileURI makes a file: URI of a path and of pairs of parameter and value, so that
// names with ?, #, % and newlines mean themselves (https://sqlite.org/uri.html).
func fileURI(path string, params ...string) string {
	slashed := path
	if runtime.GOOS == "windows" {
		slashed = filepath.ToSlash(path)
		if filepath.VolumeName(path) != "" && !strings.HasPrefix(slashed, "/") {
			slashed = "/" + slashed
		}
	}
	var b strings.Builder
	b.WriteString("file:")
	if strings.HasPrefix(slashed, "/") {
		b.WriteString("//") // the empty authority, without which //x names a host
	}
	for i := 0; i < len(slashed); i++ {
		if c := slashed[i]; literal(c) {
			b.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	for i := 0; i+1 < len(params); i += 2 {
		sep := byte('&')
		if i == 0 {
			sep = '?'
		}
		b.WriteByte(sep)
		b.WriteString(params[i])
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(params[i+1]), "+", "%20"))
	}
	return b.String()
}

func literal(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("/-._~", c) >= 0
}
