package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// schemaNode is one node of a JSON schema (draft 2020-12), as far as it is used here.
type schemaNode struct {
	Schema      string                 `json:"$schema,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Description string                 `json:"description,omitempty"`
	Type        []string               `json:"type,omitempty"`
	Pattern     string                 `json:"pattern,omitempty"`
	Enum        []string               `json:"enum,omitempty"`
	Default     string                 `json:"default,omitempty"`
	Minimum     *int64                 `json:"minimum,omitempty"`
	Maximum     *int64                 `json:"maximum,omitempty"`
	Properties  map[string]*schemaNode `json:"properties,omitempty"`
	Required    []string               `json:"required,omitempty"`
	Items       *schemaNode            `json:"items,omitempty"`
	Closed      *bool                  `json:"additionalProperties,omitempty"`
}

// Schema gives the JSON schema of the file for editors. It is made from the table that
// the parser follows.
func Schema() ([]byte, error) {
	root := schemaOf(topSettings(&Config{}))
	root.Schema, root.Title = "https://json-schema.org/draft/2020-12/schema", "Officer"
	return json.MarshalIndent(root, "", "  ")
}

func schemaOf(table []setting) *schemaNode {
	root := object()
	for _, s := range table {
		at, parts := root, strings.Split(s.path, ".")
		for _, group := range parts[:len(parts)-1] {
			if at.Properties[group] == nil {
				at.Properties[group] = object()
			}
			at = at.Properties[group]
		}
		last := parts[len(parts)-1]
		at.Properties[last] = s.schema()
		if s.required {
			at.Required = append(at.Required, last)
		}
	}
	return root
}

func object() *schemaNode {
	open := false
	return &schemaNode{Type: []string{"object"}, Properties: make(map[string]*schemaNode), Closed: &open}
}

func (s setting) schema() *schemaNode {
	n := &schemaNode{Type: []string{"string"}}
	switch s.kind {
	case kindItems:
		n = s.items.schema()
		if s.items.list {
			n = &schemaNode{Type: []string{"array"}, Items: n}
		}
	case kindTexts:
		n = &schemaNode{Type: []string{"string", "array"}, Items: &schemaNode{Type: []string{"string"}}}
	case kindFlag:
		n.Type = []string{"boolean"}
	case kindCount:
		n.Type, n.Minimum, n.Maximum = []string{"integer"}, &s.least, &s.most
	case kindChoice:
		n.Enum = s.choices
	default:
		n.Pattern = s.pattern()
	}
	n.Description = s.doc
	if s.fallback != "" && s.fallback != `""` {
		n.Default = strings.Trim(s.fallback, `"`)
	}
	return n
}

// pattern is the form of the kind, with the words that are taken beside it.
func (s setting) pattern() string {
	form := map[kind]string{kindDuration: durationForm, kindSize: sizeForm, kindRate: rateForm,
		kindShare: shareForm, kindCalendar: calendarForm, kindURL: urlForm}[s.kind]
	if form == "" || len(s.words) == 0 {
		return form
	}
	quoted := make([]string, len(s.words))
	for i, w := range s.words {
		quoted[i] = regexp.QuoteMeta(w)
	}
	return fmt.Sprintf("^(%s|%s)$", strings.TrimSuffix(strings.TrimPrefix(form, "^"), "$"), strings.Join(quoted, "|"))
}
