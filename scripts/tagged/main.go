// Command tagged prints the packages that have tests behind one of the build tags given as arguments, or with -no those that
// have tests but none of these, so that no test runs twice.
package main

import (
	"flag"
	"fmt"
	"go/build/constraint"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	without := flag.Bool("no", false, "print the packages without such tests")
	flag.Parse()
	tagged := map[string]bool{} // of each folder with tests
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		folder, behind := "./"+filepath.Dir(path), false
		if expression, err := constraint.Parse(first); err == nil {
			behind = expression.Eval(func(tag string) bool { return slices.Contains(flag.Args(), tag) })
			if !behind && !expression.Eval(func(tag string) bool { return tag == runtime.GOOS || tag == "unix" }) {
				return nil // it is behind a tag of another target of make
			}
		}
		tagged[folder] = tagged[folder] || behind
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "tagged:", err)
		os.Exit(1)
	}
	for _, folder := range slices.Sorted(maps.Keys(tagged)) {
		if tagged[folder] != *without {
			fmt.Println(folder)
		}
	}
}
