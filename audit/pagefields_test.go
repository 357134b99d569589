package audit

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/dashboard/web"
)

// TestEveryFieldOfThePageIsCompared compares the fields that the audit reads with those that the page documents.
func TestEveryFieldOfThePageIsCompared(t *testing.T) {
	shown, read := fields(reflect.TypeFor[web.Document](), ""), fields(reflect.TypeFor[page](), "")
	for name := range shown {
		if name == "version" || name == "age_seconds" || strings.HasPrefix(name, "query") {
			delete(shown, name) // they do not depend on the count
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(read))); diff != "" {
		t.Errorf("the page's fields (-shown +read): %s", diff)
	}
}

// TestEveryFieldOfThePageIsAFigure changes one field of a page at a time.
func TestEveryFieldOfThePageIsAFigure(t *testing.T) {
	const text = `{"election":{"id":"e","name":"n","fingerprint":"f","opens":"2024-11-05T07:00:00Z","closes":"2024-11-05T21:00:00Z"},
		"run":1,"total_votes":1,"expected_votes":1,"registered_voters":1,"district_step":1,"newest_record_at":"2024-11-05T07:00:00Z","leader":"a","tie":true,
		"rejected":{"malformed":1},"candidates":[{"id":"a","name":"n","party":"p","photo":"p","votes":1,"share":0.5}],
		"regions":[{"id":"r","name":"n","registered_voters":1,"votes":1,"candidates":{"a":1}}],
		"districts":[{"id":"d","region_id":"r","votes":1,"candidates":{"a":1}}],"age_groups":[{"age_group":"65+","registered_voters":1,"votes":1}]}`
	decode := func(text string) figures {
		var p page
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		return p.figures()
	}
	before := decode(text)
	for name := range fields(reflect.TypeFor[page](), "") {
		path := strings.Split(name, ".")
		var document map[string]any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		at := document
		for _, step := range path[:len(path)-1] {
			switch below := at[step].(type) {
			case map[string]any:
				at = below
			case []any:
				at = below[0].(map[string]any)
			}
		}
		last := path[len(path)-1]
		at[last] = other(at[last])
		changed, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if len(before.differences(decode(string(changed)))) == 0 {
			t.Errorf("the audit does not notice another %s", name)
		}
	}
}

// other is another value of the same type.
func other(value any) any {
	switch v := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "1999-01-01T00:00:00Z"
		}
		return "other"
	case bool:
		return !v
	case float64:
		return v + 1
	case map[string]any:
		for name := range v {
			v[name] = 7
		}
		return v
	}
	return value
}

// fields are the JSON names of a type's fields. The name of a nested field follows that of its struct or list after a
// dot.
func fields(of reflect.Type, prefix string) map[string]bool {
	all := make(map[string]bool)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if of.Field(i).Anonymous && name == "" {
			maps.Copy(all, fields(of.Field(i).Type, prefix))
			continue
		}
		below := of.Field(i).Type
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct && below != reflect.TypeFor[time.Time]() {
			maps.Copy(all, fields(below, prefix+name+"."))
			continue
		}
		all[prefix+name] = true
	}
	return all
}
