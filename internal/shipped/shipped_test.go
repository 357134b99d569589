package shipped

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"realtime-election/internal/health"
	"realtime-election/servers"
)

const root = "../.."

// list is a list in CycloneDX's JSON.
type list struct {
	SerialNumber string
	Metadata     struct {
		Timestamp string
		Component struct{ Version string }
	}
	Components []struct {
		Name, Version, PURL string
		Hashes              []struct{ Alg, Content string }
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newList(t *testing.T, part string) list {
	t.Helper()
	var l list
	if err := json.Unmarshal([]byte(read(t, part+".cdx.json")), &l); err != nil {
		t.Fatal(err)
	}
	if l.SerialNumber != "" || l.Metadata.Timestamp != "" {
		t.Errorf("the list of %s has a serial number or a time; another run would write another list", part)
	}
	return l
}

// TestEveryJarIsListed compares the lists with the sums of the jars, and the names with the licences.
func TestEveryJarIsListed(t *testing.T) {
	names, err := fs.Glob(servers.Files, "*.sha256")
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, name := range names {
		part := strings.TrimSuffix(name, ".sha256")
		if part == "checksums" || part == "unpacked" { // of Maven's plugins, which are not shipped, and of what is in PostgreSQL's jars
			continue
		}
		parts++
		var listed strings.Builder
		for _, c := range newList(t, part).Components {
			file := c.Name + "-" + c.Version
			if _, qualifiers, ok := strings.Cut(c.PURL, "?classifier="); ok {
				file += "-" + strings.TrimSuffix(qualifiers, "&type=jar")
			}
			file += ".jar"
			if len(c.Hashes) != 1 || c.Hashes[0].Alg != "SHA-256" {
				t.Errorf("%s: %s has the sums %v, want SHA-256", part, file, c.Hashes)
				continue
			}
			fmt.Fprintf(&listed, "%s  %s\n", c.Hashes[0].Content, file)
			if !strings.Contains(Licenses, "\n"+file+": ") {
				t.Errorf("the licences do not name %s: make sbom", file)
			}
		}
		if diff := cmp.Diff(lines(servers.Must(name)), lines(listed.String())); diff != "" {
			t.Errorf("%s.cdx.json is of other jars than %s: make sbom (-sums +list):\n%s", part, name, diff)
		}
	}
	if parts != 6 {
		t.Errorf("%d parts have jars, want 6", parts)
	}
}

// TestEveryModuleIsListed compares the list of the program, and the licences, with what is linked on the platforms that we build
// for.
func TestEveryModuleIsListed(t *testing.T) {
	platforms := [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}
	outputs := make([]string, len(platforms))
	var work errgroup.Group
	for i, platform := range platforms {
		work.Go(func() error {
			command := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", root+"/cmd/election")
			command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform[0], "GOARCH="+platform[1])
			out, err := command.Output()
			outputs[i] = string(out)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	linked := lines(strings.Join(outputs, ""))
	listed := map[string]bool{}
	program := newList(t, "election")
	for _, c := range program.Components {
		listed[c.Name+" "+c.Version] = true
	}
	if diff := cmp.Diff(linked, listed); diff != "" {
		t.Errorf("election.cdx.json is not what is linked: make sbom (-linked +list):\n%s", diff)
	}
	if program.Metadata.Component.Version != health.Release {
		t.Errorf("election.cdx.json is of version %s, and this is %s: make sbom", program.Metadata.Component.Version, health.Release)
	}
	for name := range linked {
		if !strings.Contains(Licenses, "\n"+name+": ") {
			t.Errorf("the licences do not have those of %s: make sbom", name)
		}
	}
	for _, title := range regexp.MustCompile(`(?m)^(\S+ v\d\S+): `).FindAllStringSubmatch(Licenses, -1) {
		if !linked[title[1]] {
			t.Errorf("the licences have those of %s, which is not linked: make sbom", title[1])
		}
	}
}

// TestNoticesAreWhole checks the licences for texts that are written elsewhere in the tree.
func TestNoticesAreWhole(t *testing.T) {
	for _, name := range []string{"jars.txt", root + "/dashboard/web/static/echarts.LICENSE.txt", root + "/dashboard/web/static/echarts.NOTICE.txt"} {
		var text []string
		for line := range strings.Lines(read(t, name)) {
			text = append(text, strings.TrimRight(line, " \r\n"))
		}
		if !strings.Contains(Licenses, strings.Trim(strings.Join(text, "\n"), "\n")) {
			t.Errorf("the licences do not have the text of %s as it is: make sbom", name)
		}
	}
	for _, golang := range []string{"\nGo: LICENSE\n", "Copyright 2009 The Go Authors."} {
		if !strings.Contains(Licenses, golang) {
			t.Errorf("the licences do not have %q", golang)
		}
	}
}

// TestImagesHoldTheirLists checks that what an image has of ours, and of the jars, is in a list that it has too.
func TestImagesHoldTheirLists(t *testing.T) {
	held := 0
	for _, stage := range strings.Split(read(t, root+"/docker/Dockerfile"), "\nFROM ")[1:] {
		for _, part := range regexp.MustCompile(`(?m)^COPY --from=(?:build /out/|maven /jars/)(election|kafka|spark) `).FindAllStringSubmatch(stage, -1) {
			held++
			if !regexp.MustCompile(`(?m)^COPY .*internal/shipped/` + part[1] + `\.cdx\.json .*/usr/share/doc/election/$`).MatchString(stage) {
				t.Errorf("a stage has %s, and not its list:\n%s", part[1], stage)
			}
		}
	}
	if held != 5 {
		t.Errorf("%d parts are copied into images, want 5", held)
	}
}

// lines is the set of lines of texts.
func lines(texts ...string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		for line := range strings.Lines(text) {
			set[strings.TrimSpace(line)] = true
		}
	}
	delete(set, "")
	return set
}
