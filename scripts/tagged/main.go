// Command tagged prints the packages that have tests behind one of the build tags given as arguments, so that a tier of
// tests need not run the tests of every other again.
package main

import (
	"fmt"
	"go/build/constraint"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	tags := os.Args[1:]
	var packages []string
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		expression, err := constraint.Parse(first)
		if err != nil {
			return nil // it has no constraint
		}
		wanted := expression.Eval(func(tag string) bool { return slices.Contains(tags, tag) })
		if folder := "./" + filepath.Dir(path); wanted && !slices.Contains(packages, folder) {
			packages = append(packages, folder)
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "tagged:", err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(packages, " "))
}
