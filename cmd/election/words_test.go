package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLibrariesNameNoFlags checks that only the command names flags. It ignores a string that is just an argument of another
// program, and command lines of docker compose.
func TestLibrariesNameNoFlags(t *testing.T) {
	t.Parallel()
	flag := regexp.MustCompile(`(^|[ (` + "`" + `])--[a-z]`)
	compose := regexp.MustCompile(`docker compose [a-z]+ --[a-z]+`)
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
		if entry.IsDir() {
			if name == "cmd" || name == "scripts" || name == "tools" || strings.HasPrefix(entry.Name(), ".") && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err == nil && strings.Contains(text, " ") && flag.MatchString(compose.ReplaceAllString(text, "")) {
				t.Errorf("%s: %q names a flag", set.Position(literal.Pos()), text)
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were read (%v)", files, err)
	}
}
