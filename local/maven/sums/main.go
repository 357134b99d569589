// Command sums writes the lists of SHA-256 sums beside the pom, from what mvn resolves it to today: of each server's jars, of what
// PostgreSQL's archives unpack to, and of Maven's plugins, which takes Maven 3.9. It is run by `go generate ./servers` after a
// change of the pom, or of how PostgreSQL is unpacked; the difference is to be read before it is committed.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"realtime-election/local"
	"realtime-election/local/maven"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "sums:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	for _, part := range []maven.Part{maven.Kafka, maven.Spark} {
		if err := write(ctx, part, nil); err != nil {
			return err
		}
	}
	unpacked := map[string]string{}
	for _, platform := range maven.PostgreSQLPlatforms {
		part := maven.PostgreSQLFor(platform)
		if err := write(ctx, part, unpacked); err != nil {
			return err
		}
	}
	if err := writeList("unpacked", unpacked); err != nil {
		return err
	}
	return writePlugins(ctx)
}

func writePlugins(ctx context.Context) error {
	work, err := os.MkdirTemp("", "sums-")
	if err != nil {
		return fmt.Errorf("create a folder: %w", err)
	}
	defer os.RemoveAll(work)
	sums, err := maven.PluginSums(ctx, work)
	if err != nil {
		return err
	}
	return os.WriteFile("checksums.sha256", sums, 0o644)
}

// write writes the list of the part. If unpacked is not nil, the part's jar holds an archive, whose sum is added there.
func write(ctx context.Context, part maven.Part, unpacked map[string]string) error {
	work, err := os.MkdirTemp("", "sums-")
	if err != nil {
		return fmt.Errorf("create a folder: %w", err)
	}
	defer os.RemoveAll(work)
	jars := filepath.Join(work, "jars")
	if err := maven.Copy(ctx, part, jars, work); err != nil {
		return err
	}
	sums, err := maven.Sums(jars)
	if err != nil {
		return err
	}
	if unpacked != nil {
		if unpacked[part.Name], err = local.UnpackedSum(ctx, jars); err != nil {
			return err
		}
	}
	return writeList(part.Name, sums)
}

func writeList(name string, sums map[string]string) error {
	var list strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&list, "%s  %s\n", sums[name], name)
	}
	return os.WriteFile(name+".sha256", []byte(list.String()), 0o644)
}
