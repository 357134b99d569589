package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDesignMapsTheFolders compares the table of folders in DESIGN.md with the folders that git knows, and its arrows with the imports
// of their packages.
func TestDesignMapsTheFolders(t *testing.T) {
	design, err := os.ReadFile(filepath.Join(root, "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	mapped := folderMap(string(design))
	if diff := cmp.Diff(folders(t), mapped); diff != "" {
		t.Errorf("the table of folders in DESIGN.md is not the tree (-tree +table):\n%s", diff)
	}
}

// folderMap reads rows such as "| `setup/` | what it is | → `election` `internal` |": the imported folders of each.
func folderMap(markdown string) map[string][]string {
	mapped := map[string][]string{}
	code := regexp.MustCompile("`([^`]+)`")
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`/]+)/` \\|.*\\|([^|]*)\\|$").FindAllStringSubmatch(markdown, -1) {
		imports := []string{}
		for _, name := range code.FindAllStringSubmatch(row[2], -1) {
			imports = append(imports, name[1])
		}
		mapped[row[1]] = imports
	}
	return mapped
}

// folders are the folders at the root of the tree, with the other folders that their packages import.
func folders(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, path := range lines(t, "git", "ls-files") {
		if folder, _, ok := strings.Cut(path, "/"); ok && !strings.HasPrefix(folder, ".") {
			found[folder] = []string{}
		}
	}
	for _, line := range packages(t) {
		importer, imports, _ := strings.Cut(line, " ")
		from, ours := folderOf(importer)
		if !ours {
			continue
		}
		for _, path := range strings.Fields(imports) {
			if to, ours := folderOf(path); ours && to != from && !slices.Contains(found[from], to) {
				found[from] = append(found[from], to)
			}
		}
	}
	for _, imports := range found {
		slices.Sort(imports)
	}
	return found
}

// folderOf is the folder, at the root of the tree, of a package. It reports false for a package of another module.
func folderOf(path string) (string, bool) {
	inside, ours := strings.CutPrefix(path, module+"/")
	folder, _, _ := strings.Cut(inside, "/")
	return folder, ours
}

var listed struct {
	sync.Once
	packages []string
}

// packages are all packages of the program, also of other modules: the path of each, and the paths that it imports.
func packages(t *testing.T) []string {
	t.Helper()
	listed.Do(func() {
		listed.packages = lines(t, "go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	})
	return listed.packages
}

// lines are the lines that a command prints in the root of the tree.
func lines(t *testing.T, name string, args ...string) []string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir, command.Stderr = root, os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}
