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
)

// Copy runs mvn to copy the part's jars into folder, without checking their sums. It blocks while mvn downloads. The
// pom and mvn's output (mvn.log) are in the folder work.
func Copy(ctx context.Context, part Part, folder, work string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is not on the PATH, and the servers' jars are not fetched yet: install Maven 3 (apt-get install maven, brew install maven) and run again")
	}
	pom, err := fs.ReadFile(part.source, "pom.xml")
	if err != nil {
		return fmt.Errorf("read pom.xml: %w", err)
	}
	pomFile := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return fmt.Errorf("write the pom: %w", err)
	}
	logFile, err := os.Create(filepath.Join(work, "mvn.log"))
	if err != nil {
		return fmt.Errorf("create mvn's log: %w", err)
	}
	defer logFile.Close()

	args := []string{"-B", "-q", "-f", pomFile, "-P", part.profile}
	if part.platform != "" {
		args = append(args, "-Dpostgresql.platform="+part.platform)
	}
	args = append(args, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+folder)
	cmd := exec.CommandContext(ctx, mvn, args...)
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
