package dashboard_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/officer-doofy/officer/messages"
)

// sources gives every file of the page by its path below assets.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files := os.DirFS("assets")
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAssets_arePacked: what the program carries is what stands in assets.
func TestAssets_arePacked(t *testing.T) {
	all := sources(t)
	for name, text := range all {
		f, err := os.Open(filepath.Join("packed", filepath.FromSlash(name)+".gz"))
		if err != nil {
			t.Fatalf("%v; run: go generate ./internal/dashboard", err)
		}
		defer f.Close()
		r, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if packed, err := io.ReadAll(r); err != nil || string(packed) != text {
			t.Errorf("%s is not what is packed (%v); run: go generate ./internal/dashboard", name, err)
		}
	}
	packed, err := fs.Glob(os.DirFS("packed"), "*/*.gz")
	top, err2 := fs.Glob(os.DirFS("packed"), "*.gz")
	if n := len(packed) + len(top); err != nil || err2 != nil || n != len(all) {
		t.Errorf("%d files are packed, %d are there; run: go generate ./internal/dashboard", n, len(all))
	}
}

// TestAssets_keepTheirLaws: names of databases and words in events come from outside, and
// the page stands under a policy that lets no inline script or style through.
func TestAssets_keepTheirLaws(t *testing.T) {
	laws := []struct {
		pattern, why string
	}{
		{`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|\bsrcdoc\b`, "text from outside would be read as HTML"},
		{`\beval\(|new Function\(|setTimeout\(['"\x60]`, "text would be run as a program"},
		{`setAttribute\('style'|[<\s]style=`, "the policy forbids style attributes"},
		{`\son[a-z]+="|<script>|<style`, "the policy forbids inline programs and styles"},
		{`(?i)\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`, "what is left for later is an issue, not a comment"},
		{`console\.`, "the console of the browser is for what nobody foresaw"},
		{`\t| \n`, "two spaces indent, none end a line"},
	}
	outside := regexp.MustCompile(`\b(?:https?:|wss?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+`)
	known := []string{"http://www.w3.org"} // the name of a name space; nothing is fetched
	for name, text := range sources(t) {
		if n := strings.Count(text, "\n"); n > 400 {
			t.Errorf("%s: %d lines, at most 400", name, n)
		}
		for _, law := range laws {
			if m := regexp.MustCompile(law.pattern).FindString(text); m != "" {
				t.Errorf("%s: %q: %s", name, m, law.why)
			}
		}
		for _, address := range outside.FindAllString(text, -1) {
			if !slices.Contains(known, address) {
				t.Errorf("%s: %s: the page asks nobody but Officer", name, address)
			}
		}
	}
}

func TestAssets_nameOnlyFilesThatAreThere(t *testing.T) {
	all := sources(t)
	named := regexp.MustCompile(`(?:from '|import '|src="|href=")([^'":]+)['"]`)
	reached := map[string]bool{"index.html": true, "officer-card.js": true}
	comment := regexp.MustCompile(`(?s)/\*.*?\*/`)
	for name, text := range all {
		text = comment.ReplaceAllString(text, "")
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			target := path.Join(path.Dir(name), strings.Replace(m[1], "assets/current/", "", 1))
			if _, there := all[target]; !there {
				t.Errorf("%s names %s, which is not there", name, target)
			}
			reached[target] = true
		}
	}
	for name := range all {
		if !reached[name] {
			t.Errorf("nobody names %s", name)
		}
	}
}

// TestNumbers_areThoseOfTheMessages: what JSON carries as a string and the page takes for a
// number is exactly what is a 64-bit number in the messages, apart from identities.
func TestNumbers_areThoseOfTheMessages(t *testing.T) {
	source := sources(t)["js/numbers.js"]
	unit := regexp.MustCompile(`/(\^.*\$)/`).FindStringSubmatch(source)
	if unit == nil {
		t.Fatal("js/numbers.js has no pattern of units")
	}
	pattern := regexp.MustCompile(unit[1])
	var names []string
	for _, m := range regexp.MustCompile(`'([A-Za-z]+)',`).FindAllStringSubmatch(source, -1) {
		names = append(names, m[1])
	}
	isNumber := func(name string) bool { return pattern.MatchString(name) || slices.Contains(names, name) }
	identities := []string{"rowid", "firstRowid", "lastRowid", "inode", "device", "walSalt", "readMarks"}

	for _, f := range fields() {
		name := f.JSONName()
		long := f.Kind() == protoreflect.Int64Kind || f.Kind() == protoreflect.Uint64Kind
		switch {
		case long && !isNumber(name) && !slices.Contains(identities, name):
			t.Errorf("%s is a 64-bit number: add '%s' to js/numbers.js", f.FullName(), name)
		case f.Kind() == protoreflect.StringKind && isNumber(name):
			t.Errorf("%s is text, and js/numbers.js takes %q for a number: give it another name", f.FullName(), name)
		}
	}
}

func fields() (all []protoreflect.FieldDescriptor) {
	var add func(protoreflect.MessageDescriptors)
	add = func(list protoreflect.MessageDescriptors) {
		for i := range list.Len() {
			m := list.Get(i)
			for k := range m.Fields().Len() {
				all = append(all, m.Fields().Get(k))
			}
			add(m.Messages())
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(messages.File_officer_v1_api_proto.Package(), func(f protoreflect.FileDescriptor) bool {
		add(f.Messages())
		return true
	})
	return all
}

// TestTypes_haveTheFieldsOfTheMessages: every field that types.d.ts names is one of the message.
func TestTypes_haveTheFieldsOfTheMessages(t *testing.T) {
	data, err := os.ReadFile("types.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range fields() {
		known[fmt.Sprintf("%s.%s", f.ContainingMessage().Name(), f.JSONName())] = true
	}
	other := map[string]string{"OfficerEvent": "Event", "Databases": "ListDatabasesResponse"}
	for _, m := range regexp.MustCompile(`(?ms)^export interface (\w+) \{$(.*?)^\}$`).FindAllStringSubmatch(string(data), -1) {
		message := m[1]
		if name, ok := other[message]; ok {
			message = name
		}
		found := regexp.MustCompile(`(?m)^  (\w+)\??:`).FindAllStringSubmatch(m[2], -1)
		if len(found) == 0 {
			t.Errorf("%s has no field", m[1])
		}
		for _, field := range found {
			if !known[message+"."+field[1]] {
				t.Errorf("types.d.ts: %s has no field %s", message, field[1])
			}
		}
	}
}
