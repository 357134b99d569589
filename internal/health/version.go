package health

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Revision is the commit from which this program was built, or "development" if that is not known.
func Revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "development"
}

// Release is the version of the program, as CHANGELOG.md has it. The revision tells builds of one release apart.
const Release = "0.1.0"

// Version is the release, the revision, the version of Go and the platform.
func Version() string {
	return fmt.Sprintf("%s %s %s %s/%s", Release, Revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
