package local

import (
	"os"
	"strings"
	"testing"
)

// TestAProcessOfAnotherBootIsAnother has a process of an earlier boot with the same pid and the same time since its
// boot.
func TestAProcessOfAnotherBootIsAnother(t *testing.T) {
	started, _, err := identity(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	ticks, ours, _ := strings.Cut(started, "@")
	if ours != strings.TrimSpace(string(boot)) {
		t.Errorf("the identity is %s, without the boot's id %s", started, boot)
	}
	for _, before := range []string{ticks, ticks + "@", ticks + "@00000000-0000-0000-0000-000000000000"} {
		if (ProcessRecord{PID: os.Getpid(), Started: before}).alive() {
			t.Errorf("what started at %s is taken for what started at %s", before, started)
		}
	}
	if !(ProcessRecord{PID: os.Getpid(), Started: started}).alive() {
		t.Error("this process is taken for another")
	}
}
