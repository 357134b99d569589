package health

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Revision is the commit that this program was built from, as far as the build knows.
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

// Version says which build this is.
func Version() string {
	return fmt.Sprintf("%s %s %s/%s", Revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
