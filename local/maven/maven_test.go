package maven

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"realtime-election/servers"
)

func sum(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

// newPart is a part of two jars, with a cache of its own.
func newPart(t *testing.T) Part {
	t.Helper()
	t.Setenv("ELECTION_CACHE", t.TempDir())
	list := sum("one") + "  one.jar\n" + sum("two") + "  two.jar\n"
	return Part{Name: "kafka", profile: "kafka", source: fstest.MapFS{
		"pom.xml":          {Data: []byte("<project/>")},
		"kafka.sha256":     {Data: []byte(list)},
		"checksums.sha256": {Data: []byte("sums of plugins")},
	}}
}

// fakeMaven puts a mvn on the PATH that runs the script, with the folder for the jars in $folder.
func fakeMaven(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	script = "#!/bin/sh\nfor arg; do case $arg in -DoutputDirectory=*) folder=${arg#*=};; esac; done\nmkdir -p $folder\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
}

func fetch(t *testing.T, part Part) (string, error) {
	t.Helper()
	return Fetch(t.Context(), slog.New(slog.DiscardHandler), part)
}

func TestFetchRunsMavenOnce(t *testing.T) {
	part := newPart(t)
	runs := filepath.Join(t.TempDir(), "runs")
	fakeMaven(t, "echo run >>"+runs+"; printf one >$folder/one.jar; printf two >$folder/two.jar")
	var group errgroup.Group
	for range 4 { // also at the same time
		group.Go(func() error { _, err := fetch(t, part); return err })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	folder, err := fetch(t, part)
	if err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(filepath.Join(folder, "two.jar")); string(content) != "two" {
		t.Errorf("two.jar holds %q", content)
	}
	if content, _ := os.ReadFile(runs); string(content) != "run\n" {
		t.Errorf("mvn ran %d times, want once", strings.Count(string(content), "run"))
	}
}

func TestFetchReplacesASpoiltJar(t *testing.T) {
	part := newPart(t)
	fakeMaven(t, "printf one >$folder/one.jar; printf two >$folder/two.jar")
	folder, err := fetch(t, part)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "one.jar"), []byte("0ne"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t, part); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(filepath.Join(folder, "one.jar")); string(content) != "one" {
		t.Errorf("one.jar holds %q after another fetch", content)
	}
}

func TestFetchTakesNothingThatDiffers(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"other bytes": {"printf one >$folder/one.jar; printf 2 >$folder/two.jar", "two.jar has the SHA-256"},
		"too many":    {"printf one >$folder/one.jar; printf two >$folder/two.jar; printf 3 >$folder/three.jar", "three.jar is not in the committed list"},
		"too few":     {"printf one >$folder/one.jar", "two.jar is missing"},
		"no network":  {"echo '[ERROR] Could not transfer artifact'; exit 1", "Maven Central cannot be reached"},
		"other fault": {"echo '[ERROR] The pom is odd'; exit 1", "The pom is odd"},
	} {
		t.Run(name, func(t *testing.T) {
			part := newPart(t)
			fakeMaven(t, c.script)
			_, err := fetch(t, part)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
			folder, err := Folder(part)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(folder); err == nil {
				t.Error("the folder of the jars exists all the same")
			}
		})
	}
}

func TestFetchSurvivesAKilledFetch(t *testing.T) {
	part := newPart(t)
	folder, err := Folder(part)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(folder+".fetching", "jars")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "half.jar"), []byte("ha"), 0o644); err != nil {
		t.Fatal(err)
	}
	fakeMaven(t, "printf one >$folder/one.jar; printf two >$folder/two.jar")
	if _, err := fetch(t, part); err != nil {
		t.Error(err)
	}
}

// TestMavenIsStrict checks the options, and that the sums of the plugins are where they say.
func TestMavenIsStrict(t *testing.T) {
	part := newPart(t)
	seen := t.TempDir()
	fakeMaven(t, `printf '%s\n' "$@" >`+seen+`/options
for arg; do case $arg in -Daether.trustedChecksumsSource.summaryFile.basedir=*) cp ${arg#*=}/checksums.sha256 `+seen+`;; esac; done
printf one >$folder/one.jar; printf two >$folder/two.jar`)
	if _, err := fetch(t, part); err != nil {
		t.Fatal(err)
	}
	options, _ := os.ReadFile(filepath.Join(seen, "options"))
	for _, option := range []string{"--strict-checksums", "-Daether.artifactResolver.postProcessor.trustedChecksums=true", "-Daether.trustedChecksumsSource.summaryFile.originAware=false"} {
		if !strings.Contains(string(options), option+"\n") {
			t.Errorf("mvn got no %s", option)
		}
	}
	if sums, _ := os.ReadFile(filepath.Join(seen, "checksums.sha256")); string(sums) != "sums of plugins" {
		t.Errorf("mvn got %q for the sums of the plugins", sums)
	}
}

// TestImagesAreMadeStrictly checks that the Dockerfile gives mvn the same options.
func TestImagesAreMadeStrictly(t *testing.T) {
	dockerfile, err := os.ReadFile("../../docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for line := range strings.Lines(string(dockerfile)) {
		if strings.Contains(line, " mvn ") && !strings.HasPrefix(line, "#") {
			runs++
			if !strings.Contains(line, " mvn -B -q $(grep -v '^#' /maven/maven.options) -D"+trusted+"/maven ") {
				t.Errorf("this mvn has other options: %s", line)
			}
		}
	}
	if runs == 0 {
		t.Error("the Dockerfile runs no mvn")
	}
}

// TestPluginsArePinned checks that each plugin of the pom has a sum.
func TestPluginsArePinned(t *testing.T) {
	var pom struct {
		Plugins []struct {
			Group    string `xml:"groupId"`
			Artifact string `xml:"artifactId"`
			Version  string `xml:"version"`
		} `xml:"build>plugins>plugin"`
	}
	if err := xml.Unmarshal([]byte(servers.Must("pom.xml")), &pom); err != nil || len(pom.Plugins) == 0 {
		t.Fatalf("the pom has %d plugins, %v", len(pom.Plugins), err)
	}
	for _, p := range pom.Plugins {
		folder := strings.ReplaceAll(p.Group, ".", "/") + "/" + p.Artifact + "/" + p.Version + "/" + p.Artifact + "-" + p.Version
		for _, file := range []string{folder + ".jar", folder + ".pom"} {
			if !strings.Contains(servers.Must("checksums.sha256"), "  "+file+"\n") {
				t.Errorf("checksums.sha256 does not list %s: go generate ./servers", file)
			}
		}
	}
}

func TestWithoutMavenTheErrorNamesIt(t *testing.T) {
	part := newPart(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := fetch(t, part); err == nil || !strings.Contains(err.Error(), "install Maven") {
		t.Errorf("error is %v", err)
	}
}

func TestEveryPartHasAList(t *testing.T) {
	parts := []Part{Kafka, Spark}
	for _, platform := range PostgreSQLPlatforms {
		parts = append(parts, PostgreSQLFor(platform))
	}
	for _, part := range parts {
		if sums, err := part.sums(); err != nil || len(sums) == 0 {
			t.Errorf("%s lists %d files, %v", part.Name, len(sums), err)
		}
	}
	for _, part := range parts[2:] {
		if sum, err := part.Unpacked(); err != nil || len(sum) != 64 {
			t.Errorf("%s unpacks to %q, %v", part.Name, sum, err)
		}
	}
}
