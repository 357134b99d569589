package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

const oldestJava = 17

// javaLocale is for the environment of each Java: in the locale POSIX, which is that of a machine where none is set, Java
// does not start in a folder whose name has other letters than ASCII's.
const javaLocale = "LC_ALL=C.UTF-8"

var javaVersion = regexp.MustCompile(`version "(\d+)(?:\.(\d+))?`)

// java finds a Java that is new enough: that of JAVA_HOME, or else the one on the PATH. version is what it prints of itself.
func java(ctx context.Context) (path, version string, err error) {
	const remedy = "install a Java 17 runtime (apt-get install openjdk-17-jre-headless, brew install openjdk@17), or set JAVA_HOME to one"
	from := "on the PATH"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path, from = filepath.Join(home, "bin", "java"), "of JAVA_HOME"
	} else {
		found, err := exec.LookPath("java")
		if err != nil {
			return "", "", errors.New("there is no Java: JAVA_HOME is not set and java is not on the PATH; " + remedy)
		}
		path = found
	}
	output, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		return "", "", fmt.Errorf("the Java %s does not run: %s: %w; %s", from, path, err, remedy)
	}
	match := javaVersion.FindSubmatch(output)
	if match == nil {
		return "", "", fmt.Errorf("the Java %s does not say its version: %s; %s", from, path, remedy)
	}
	if feature, _ := strconv.Atoi(string(match[1])); feature < oldestJava {
		return "", "", fmt.Errorf("the Java %s is too old: %s is version %s, %d or later is needed; %s", from, path, match[1], oldestJava, remedy)
	}
	return path, string(output), nil
}
