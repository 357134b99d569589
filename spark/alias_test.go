package spark_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/spark"
)

// TestAliasesSayTheirFields holds the comments on types of the protocol to the types: documentation shows no fields of an alias.
func TestAliasesSayTheirFields(t *testing.T) {
	aliased := map[string]reflect.Type{
		"Error": reflect.TypeFor[spark.Error](), "QueryContext": reflect.TypeFor[spark.QueryContext](),
		"RetryPolicy": reflect.TypeFor[spark.RetryPolicy](), "Retry": reflect.TypeFor[spark.Retry](),
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			types, ok := declared.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				spec := spec.(*ast.TypeSpec)
				if !spec.Assign.IsValid() || !spec.Name.IsExported() {
					continue
				}
				of := aliased[spec.Name.Name]
				delete(aliased, spec.Name.Name)
				if of == nil {
					t.Errorf("%s is an alias that this test does not know", spec.Name.Name)
					continue
				}
				var fields, said []string
				for _, field := range reflect.VisibleFields(of) {
					if field.IsExported() {
						fields = append(fields, field.Name)
					}
				}
				for line := range strings.Lines(types.Doc.Text()) {
					if strings.HasPrefix(line, "\t") {
						said = append(said, strings.Fields(line)[0])
					}
				}
				if diff := cmp.Diff(fields, said); diff != "" {
					t.Errorf("the comment on %s does not have its fields (-fields +comment):\n%s", spec.Name.Name, diff)
				}
			}
		}
	}
	for name := range aliased {
		t.Errorf("%s is no alias any more", name)
	}
}
