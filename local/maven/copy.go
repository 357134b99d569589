package maven

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"realtime-election/servers"
)

// Goals of the plugins that the pom pins. By a prefix alone, mvn would not say which of a plugin's files is spoilt.
const (
	copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
	bomGoal  = "org.cyclonedx:cyclonedx-maven-plugin:makeBom"
)

// Copy runs mvn to copy the part's jars into folder, without checking their sums. It blocks while mvn downloads. The
// pom and mvn's output (mvn.log) are in the folder work.
func Copy(ctx context.Context, part Part, folder, work string) error {
	return mvn(ctx, part, work, copyGoal, "-DincludeScope=runtime", "-DoutputDirectory="+folder)
}

// BOM has mvn list the part's jars in CycloneDX's JSON, with licences and sums. It blocks while mvn downloads. The list
// and mvn's output are in the folder work too.
func BOM(ctx context.Context, part Part, work string) ([]byte, error) {
	if err := mvn(ctx, part, work, bomGoal, "-DoutputFormat=json", "-DincludeBomSerialNumber=false"); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(work, "target", "bom.json"))
}

// PluginSums has mvn record the SHA-256 of the files of the plugins, and of all that these need, as mvn wants them in
// checksums.sha256. It takes Maven 3.9 or later.
func PluginSums(ctx context.Context, work string) ([]byte, error) {
	record := filepath.Join(work, "record")
	plugins := Part{Name: "plugins", source: servers.Files}
	err := mvn(ctx, plugins, work, copyGoal, bomGoal, "-Daether.artifactResolver.postProcessor.trustedChecksums.record=true", "-D"+trusted+record)
	if err != nil {
		return nil, err
	}
	sums, err := os.ReadFile(filepath.Join(record, "checksums.sha256"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("record the sums of Maven's plugins: this mvn is older than 3.9, which can")
	}
	return sums, err
}

// trusted is the property that names the folder of checksums.sha256.
const trusted = "aether.trustedChecksumsSource.summaryFile.basedir="

// mvn runs mvn on the part's profile, with the options that all uses of Maven share. Of two equal properties mvn takes
// the last.
func mvn(ctx context.Context, part Part, work string, args ...string) error {
	program, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is not on the PATH, and the servers' jars are not fetched yet: install Maven 3 (apt-get install maven, brew install maven) and run again")
	}
	for _, name := range []string{"pom.xml", "checksums.sha256"} {
		content, err := fs.ReadFile(part.source, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	logFile, err := os.Create(filepath.Join(work, "mvn.log"))
	if err != nil {
		return fmt.Errorf("create mvn's log: %w", err)
	}
	defer logFile.Close()

	all := []string{"-B", "-q", "-f", filepath.Join(work, "pom.xml"), "-D" + trusted + work}
	for line := range strings.Lines(servers.Must("maven.options")) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	if part.profile != "" {
		all = append(all, "-P", part.profile)
	}
	if part.platform != "" {
		all = append(all, "-Dpostgresql.platform="+part.platform)
	}
	cmd := exec.CommandContext(ctx, program, append(all, args...)...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return explain(part, logFile.Name(), err)
	}
	return nil
}

// explain turns mvn's output into one sentence that says what to do.
func explain(part Part, logFile string, cause error) error {
	output, _ := os.ReadFile(logFile)
	first := ""
	for line := range strings.Lines(string(output)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "[ERROR] "); ok {
			first = text
			break
		}
	}
	for _, sign := range []string{"Could not transfer", "Unknown host", "Connection refused", "timed out", "Network is unreachable", "Temporary failure in name resolution"} {
		if strings.Contains(string(output), sign) {
			return fmt.Errorf("fetch the jars of %s: Maven Central cannot be reached; connect this machine to the network or name a mirror in ~/.m2/settings.xml, and run again (%s)", part.Name, logFile)
		}
	}
	if first == "" {
		first = cause.Error()
	}
	return fmt.Errorf("fetch the jars of %s: mvn stopped: %s (its output is in %s)", part.Name, first, logFile)
}
