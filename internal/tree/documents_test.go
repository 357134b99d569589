package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// document is a page of Markdown.
type document struct {
	path string // from the root of the tree
	text string
}

// documents are the pages about the tree as it is. The changelog may name files that are gone, so it is not among them.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, name := range lines(t, "git", "ls-files", "*.md") {
		if name != "CHANGELOG.md" {
			all = append(all, document{name, read(t, name)})
		}
	}
	return all
}

// read is the text of a file of the tree.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	links       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpans   = regexp.MustCompile("`([^`\n]+)`")
	codeBlocks  = regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$")
	inTree      = regexp.MustCompile(`^\.?/?[\w.*-]+(/[\w.*-]+)+/?$`)
	bareFile    = regexp.MustCompile(`^[\w-]+\.(go|sql|txtar|html|sh|md|options)$`)
	namesOfTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]\w*$`)
	extensions  = regexp.MustCompile(`\.(go|sql|txtar|html|css|js|sh|txt|md|ya?ml|xml|csv|json|patch|properties|options|proto)$`)
)

// TestDocumentsNameWhatExists checks that the links, paths, file names and names of tests in the documents exist in the tree.
func TestDocumentsNameWhatExists(t *testing.T) {
	files := lines(t, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	top := folderMap(read(t, "DESIGN.md"))
	var tests strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			if text, err := os.ReadFile(filepath.Join(root, name)); err == nil {
				tests.Write(text)
			}
		}
	}
	for _, d := range documents(t) {
		for _, link := range links.FindAllStringSubmatch(d.text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			target, heading, _ := strings.Cut(link[1], "#")
			name := d.path
			if target != "" {
				name = path.Join(path.Dir(d.path), target)
			}
			if !exists(name) {
				t.Errorf("%s links to %s, which does not exist", d.path, link[1])
			} else if heading != "" && !slices.Contains(headings(read(t, name)), heading) {
				t.Errorf("%s links to %s, which has no such heading", d.path, link[1])
			}
		}
		for _, span := range codeSpans.FindAllStringSubmatch(codeBlocks.ReplaceAllString(d.text, ""), -1) {
			name := strings.TrimPrefix(span[1], "./")
			folder, _, _ := strings.Cut(name, "/")
			_, ours := top[folder]
			switch {
			case path.IsAbs(name): // on somebody's machine
			case inTree.MatchString(span[1]) && (ours || extensions.MatchString(name)):
				if !exists(name) && !exists(path.Join(path.Dir(d.path), name)) {
					t.Errorf("%s names %s, which does not exist", d.path, name)
				}
			case bareFile.MatchString(name):
				if !slices.ContainsFunc(files, func(file string) bool { return path.Base(file) == name }) {
					t.Errorf("%s names the file %s, which does not exist", d.path, name)
				}
			case namesOfTest.MatchString(name):
				if !strings.Contains(tests.String(), "func "+name+"(") {
					t.Errorf("%s names %s, which is no test", d.path, name)
				}
			}
		}
	}
}

// exists reports whether the tree has a file, a folder, or a match of a pattern.
func exists(pattern string) bool {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	return err == nil && len(found) > 0
}

// headings are the anchors of a page's headings, as GitHub makes them.
func headings(markdown string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(markdown, -1) {
		anchor := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(anchor, " ", "-"))
	}
	return all
}

// TestDocumentsAreNarrow checks that lines of prose have at most 120 columns. Tables, code and pictures may be wider.
func TestDocumentsAreNarrow(t *testing.T) {
	for _, d := range documents(t) {
		fenced := false
		for number, line := range strings.Split(d.text, "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "![") {
				continue
			}
			if width := utf8.RuneCountInString(line); width > 120 {
				t.Errorf("%s: line %d has %d columns; wrap it at 120", d.path, number+1, width)
			}
		}
	}
}

// gone are names that the tree no longer uses.
var gone = []string{"voteColumns", "voterColumns", "local.Remove(", "SparkMaster", "sparkjob/connect", "connecttest", "local/maven/pom.xml"}

// TestNamesThatAreGoneStayGone looks for these names in every file, with comments and documents.
func TestNamesThatAreGoneStayGone(t *testing.T) {
	for _, name := range lines(t, "git", "ls-files") {
		if name == "CHANGELOG.md" || name == "internal/tree/documents_test.go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was deleted, and git does not know that yet
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range gone {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s names %s, which is gone", name, word)
			}
		}
	}
}
