//go:build services

package spark_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	uuid     = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	hash     = regexp.MustCompile(`@[0-9a-f]{4,8}"`)
	database = regexp.MustCompile(`/[a-z_]+\.db/`)
	length   = regexp.MustCompile(`^(\d+) (microsecond|millisecond|second|minute|hour)s?$`)
	units    = map[string]time.Duration{"microsecond": time.Microsecond, "millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour}
)

// normal leaves out of outcomes what two runs of one program do not share, and writes alike what means the same:
//
//   - ids and temporary folders become their number in order of appearance, so that two that were equal stay equal;
//   - the hash of a Java object is left out, and the folder of the database that keeps PySpark's tables apart;
//   - floating-point numbers are read, so that 1e+16 is 1e16 and each NaN the same; other values are compared as text;
//   - in messages, the ids of plans, empty texts and false are left out, a length of time is in Go's words, and the path that a
//     stream is written to is an option, for which Spark takes it too.
func normal(t *testing.T, outcomes []any, folder string) any {
	t.Helper()
	text := string(must(json.Marshal(outcomes))(t))
	text = numbered(text, regexp.MustCompile(regexp.QuoteMeta(folder)+`/[^/"\]]*`), "folder")
	text = numbered(text, uuid, "id")
	text = database.ReplaceAllString(text, "/")
	text = hash.ReplaceAllString(text, `"`)
	var all []any
	must(0, decodeJSON([]byte(text), &all))(t)
	for i, of := range all {
		if pair := of.([]any); pair[0] == "wire" {
			of := pair[1].(object)
			if path, ok := of["path"]; ok {
				options, _ := of["options"].(object)
				of["options"] = cloned(options, "path", path)
				delete(of, "path")
			}
			all[i] = []any{"wire", message(of)}
		} else {
			all[i] = floats(of)
		}
	}
	return all
}

// cloned is an object with one key more.
func cloned(of object, key string, value any) object {
	all := object{key: value}
	maps.Copy(all, of)
	return all
}

func numbered(text string, of *regexp.Regexp, name string) string {
	seen := map[string]string{}
	return of.ReplaceAllStringFunc(text, func(found string) string {
		if seen[found] == "" {
			seen[found] = fmt.Sprintf("%s %d", name, len(seen)+1)
		}
		return seen[found]
	})
}

func floats(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case object:
		if text, ok := v["float"].(string); ok && len(v) == 1 {
			if number, err := strconv.ParseFloat(text, 64); err == nil {
				return fmt.Sprint(number)
			}
		}
		for key := range v {
			v[key] = floats(v[key])
		}
	}
	return value
}

func message(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = message(v[i])
		}
	case object:
		maps.DeleteFunc(v, func(key string, value any) bool {
			return key == "common" || key == "planId" || value == "" || value == false
		})
		for key := range v {
			v[key] = message(v[key])
		}
		maps.DeleteFunc(v, func(_ string, value any) bool { fields, ok := value.(object); return ok && len(fields) == 0 })
	case string:
		if parts := length.FindStringSubmatch(strings.TrimSpace(v)); parts != nil {
			n, _ := strconv.Atoi(parts[1])
			return (time.Duration(n) * units[parts[2]]).String()
		}
	}
	return value
}
