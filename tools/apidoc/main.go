// Command apidoc is a plugin of protoc that writes docs/api.md from the comments of the
// .proto files: every method of a service with its request and answer, an example that can
// be pasted for those that need one, then every message. What has no comment, and an example
// that is no request, ends the run.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"
)

// head is what stands above the generated part, written by hand.
//
//go:embed head.md
var head string

func main() {
	protogen.Options{}.Run(func(p *protogen.Plugin) error {
		p.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		text, err := document(p)
		if err != nil {
			return err
		}
		_, err = p.NewGeneratedFile("api.md", "").Write(text)
		return err
	})
}

// document gives the whole page.
func document(p *protogen.Plugin) ([]byte, error) {
	b := newBook(p)
	var out bytes.Buffer
	out.WriteString(head)
	for _, f := range p.Files {
		for _, s := range f.Services {
			if err := b.service(&out, s); err != nil {
				return nil, err
			}
		}
	}
	if err := b.dictionary(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), linked(out.String())
}

// linked says which link of the page leads nowhere, or to two places.
func linked(page string) error {
	places := map[string]int{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		places[strings.ReplaceAll(anchor(h[1]), " ", "-")]++
	}
	for _, l := range regexp.MustCompile(`\(#([^)]*)\)`).FindAllStringSubmatch(page, -1) {
		if places[l[1]] != 1 {
			return fmt.Errorf("#%s is linked and stands at %d places", l[1], places[l[1]])
		}
	}
	return nil
}
