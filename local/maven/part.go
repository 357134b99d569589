// Package maven fetches the servers' jars from Maven Central, once, and compares them with the sums committed in
// package servers.
//
// A Part is the set of jars that one server needs. Its folder holds exactly the files of its list of SHA-256 sums, or
// does not exist: files are checked in another folder, which is then renamed. Any number of processes may fetch at
// once.
//
//	folder, err := maven.Fetch(ctx, log, maven.Spark)
package maven

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"runtime"
	"strings"

	"realtime-election/servers"
)

// Part is the set of jars that one server needs: a profile of the pom; for PostgreSQL, on one platform.
type Part struct {
	Name     string // also its folder in the cache, and its list of sums
	profile  string
	platform string
	source   fs.FS // of the pom and the lists
}

// The parts that are the same on every platform.
var (
	Kafka = Part{Name: "kafka", profile: "kafka", source: servers.Files}
	Spark = Part{Name: "spark", profile: "spark", source: servers.Files}
)

// PostgreSQLPlatforms are the platforms for which PostgreSQL's binaries are published, as Maven names them.
var PostgreSQLPlatforms = []string{"linux-amd64", "linux-arm64v8", "darwin-amd64", "darwin-arm64v8"}

// PostgreSQLFor is the part with PostgreSQL's binaries for one of PostgreSQLPlatforms.
func PostgreSQLFor(platform string) Part {
	return Part{Name: "postgresql-" + platform, profile: "postgresql", platform: platform, source: servers.Files}
}

// PostgreSQL is the part with PostgreSQL's binaries for this machine.
func PostgreSQL() (Part, error) {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	here := runtime.GOOS + "-" + arch
	for _, platform := range PostgreSQLPlatforms {
		if platform == here {
			return PostgreSQLFor(platform), nil
		}
	}
	return Part{}, fmt.Errorf("no PostgreSQL binaries are published for %s/%s: run the servers elsewhere, and the services here", runtime.GOOS, runtime.GOARCH)
}

// sums is the committed list of the part: the SHA-256 in hex of every file, by its name.
func (p Part) sums() (map[string]string, error) { return p.list(p.Name) }

// Unpacked is the committed sum, see TreeSum, of what the archive in the part's jar holds.
func (p Part) Unpacked() (string, error) {
	sums, err := p.list("unpacked")
	if err == nil && sums[p.Name] == "" {
		err = fmt.Errorf("read the sums of what is unpacked: %s has none", p.Name)
	}
	return sums[p.Name], err
}

func (p Part) list(name string) (map[string]string, error) {
	list, err := fs.ReadFile(p.source, name+".sha256")
	if err != nil {
		return nil, fmt.Errorf("read the sums of %s: %w", name, err)
	}
	sums := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		sum, of, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(sum) != 2*sha256.Size || of == "" {
			return nil, fmt.Errorf("read the sums of %s: %q is not a sum and a name", name, lines.Text())
		}
		sums[of] = sum
	}
	return sums, lines.Err()
}

// version identifies the part's pom and list. Another pom or another list is another version, with a folder of its own.
func (p Part) version() (string, error) {
	hash := sha256.New()
	for _, name := range []string{"pom.xml", p.Name + ".sha256"} {
		content, err := fs.ReadFile(p.source, name)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}
