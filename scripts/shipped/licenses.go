package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// legal matches the name of a file with a licence or a notice.
var legal = regexp.MustCompile(`(?i)^((un)?licen[cs]e|notice|copying|copyright|patents|about)([.-].*)?$`)

// jar is a jar of a server.
type jar struct {
	component
	path string
}

// texts are the licences and notices, each with the names of what it is for.
type texts map[string][]string

// add adds a file that is part of something.
func (t texts) add(part, file, name string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read a licence: %w", err)
	}
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(string(content), "?")) {
		lines = append(lines, strings.TrimRight(line, " \t\r\n\f"))
	}
	text := strings.Trim(strings.Join(lines, "\n"), "\n")
	if title := part + ": " + name; !slices.Contains(t[text], title) {
		t[text] = append(t[text], title)
	}
	return nil
}

// licenses is the whole text.
func licenses(ctx context.Context, jars map[string]jar) ([]byte, error) {
	notices, err := os.ReadFile("jars.txt")
	if err != nil {
		return nil, fmt.Errorf("read the notices of jars: %w", err)
	}
	if err := complete(jars, notices); err != nil {
		return nil, err
	}
	found := texts{}
	if err := found.addModules(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"LICENSE", "NOTICE"} {
		if err := found.add("Apache ECharts", root+"/dashboard/web/static/echarts."+name+".txt", name); err != nil {
			return nil, err
		}
	}

	var out bytes.Buffer
	out.WriteString(`Licences and notices of what others wrote, made by make sbom.

1. In this program: Go, its modules, and Apache ECharts
2. In the images of Kafka and Spark, and fetched by election up: jars, with their licences
3. Notices of jars that hold none themselves


1. In this program

`)
	for _, titles := range found {
		slices.Sort(titles)
	}
	for _, text := range slices.SortedFunc(maps.Keys(found), func(a, b string) int { return slices.Compare(found[a], found[b]) }) {
		fmt.Fprintf(&out, "%[1]s\n%[2]s\n%[1]s\n\n%[3]s\n\n", strings.Repeat("=", 80), strings.Join(found[text], "\n"), text)
	}
	out.WriteString("\n2. Jars\n\nEach holds its licence and notices in META-INF, where 3 does not have them. The text of the Apache License 2.0 is above.\n\n")
	for _, name := range slices.Sorted(maps.Keys(jars)) {
		fmt.Fprintf(&out, "%s: %s\n", name, cmp.Or(strings.Join(jars[name].terms(), " or "), "its META-INF has the licence"))
	}
	fmt.Fprintf(&out, "\n\n3. %s", notices)
	return out.Bytes(), nil
}

// addModules adds the licences of Go and of each module that is linked on any platform that PostgreSQL's binaries exist for.
// A package may have a licence of its own.
func (t texts) addModules(ctx context.Context) error {
	type listed struct {
		Dir      string
		Standard bool
		Module   *struct {
			Path, Version, Dir string
			Main               bool
		}
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		system, processor, _ := strings.Cut(platform, "/")
		list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,Module", root+"/cmd/election")
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		out, err := list.Output()
		if err != nil {
			return fmt.Errorf("list the packages: %w", err)
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
			var p listed
			err := decoder.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read the packages: %w", err)
			}
			if p.Standard || p.Module.Main {
				continue
			}
			part, some := p.Module.Path+" "+p.Module.Version, false
			for folder := p.Dir; ; folder = filepath.Dir(folder) {
				some, err = t.addFolder(part, folder, p.Module.Dir)
				if err != nil {
					return err
				}
				if folder == p.Module.Dir {
					break
				}
			}
			if !some {
				return fmt.Errorf("%s has no licence", part)
			}
		}
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("ask for Go's folder: %w", err)
	}
	folder := strings.TrimSpace(string(goroot))
	if some, err := t.addFolder("Go", folder, folder); err != nil || !some {
		return fmt.Errorf("%s has no licence of Go (%w)", folder, err)
	}
	return nil
}

// addFolder adds the licences of a folder of a part, and reports whether there is one.
func (t texts) addFolder(part, folder, top string) (some bool, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false, fmt.Errorf("look for licences: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() || !legal.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		name, err := filepath.Rel(top, filepath.Join(folder, entry.Name()))
		if err != nil {
			return false, err
		}
		if err := t.add(part, filepath.Join(folder, entry.Name()), filepath.ToSlash(name)); err != nil {
			return false, err
		}
		some = true
	}
	return some, nil
}

// complete names the jars that have neither a licence within, nor the Apache License, nor a notice.
func complete(jars map[string]jar, notices []byte) error {
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(jars)) {
		j := jars[name]
		named := regexp.MustCompile(`(?m)^- .*\b` + regexp.QuoteMeta(j.Name) + `\b`)
		if strings.HasPrefix(j.Name, "embedded-postgres-binaries") || slices.Contains(j.terms(), "Apache-2.0") || named.Match(notices) {
			continue
		}
		archive, err := zip.OpenReader(j.path)
		if err != nil {
			return fmt.Errorf("open a jar: %w", err)
		}
		within := slices.ContainsFunc(archive.File, func(f *zip.File) bool {
			return legal.MatchString(path.Base(f.Name)) && !strings.HasSuffix(f.Name, ".class")
		})
		archive.Close()
		if !within {
			missing = append(missing, fmt.Errorf("%s (%s) holds no licence: add its notice to internal/shipped/jars.txt", name, strings.Join(j.terms(), ", ")))
		}
	}
	return errors.Join(missing...)
}
